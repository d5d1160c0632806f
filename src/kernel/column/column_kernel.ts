// What every built-in column kernel is: a function that returns a promise and may run in the pool,
// with a `sync` beside it that runs on the calling thread. Made from a program (pass.ts) by the
// files that have the kernels.
import { EuphorionError } from '../../errors.ts'
import type { KernelBackend } from '../offload/backend.ts'
import { kernelPool } from '../offload/pool.ts'
import { choose } from './choice.ts'
import { runLocally } from './local_pass.ts'
import type { Pass, Program } from './pass.ts'
import { runInPool } from './pool_pass.ts'

/** How a column kernel runs. */
export interface ColumnOptions {
  /** Default: the setting kernelBackend, which is 'auto'. The result is the same with all. */
  readonly backend?: KernelBackend
  /**
   * true: in the pool, false: on the calling thread. Default: in the pool where that is faster or
   * takes the calling thread less time; small work is done at once. `sync` ignores it.
   */
  readonly offload?: boolean
  /** Ends it between two pieces of a few milliseconds: KERNEL_CANCELLED. `sync` ignores it. */
  readonly signal?: AbortSignal
}

/**
 * A numeric function of columns. Rejects with KERNEL_INVALID (arguments), NATIVE_UNAVAILABLE,
 * KERNEL_CANCELLED, KERNEL_QUEUE_FULL, KERNEL_FAILED, MEMORY_EXHAUSTED. Columns must not change
 * while it runs.
 */
export interface ColumnKernel<Arguments extends readonly unknown[], Result> {
  (...args: Arguments): Promise<Result>
  /** The same on the calling thread, which waits for it. */
  sync(...args: Arguments): Result
}

/**
 * Makes a kernel of a program, whose argument number `optionsAt` are the options. The program
 * checks the arguments before it asks for its first pass.
 */
export function columnKernel<Arguments extends readonly unknown[], Result>(
  name: string,
  optionsAt: number,
  program: (...args: Arguments) => Program<Result>,
): ColumnKernel<Arguments, Result> {
  const call = async (...args: Arguments): Promise<Result> => {
    const options = (args[optionsAt] ?? {}) as ColumnOptions
    const steps = program(...args)
    let continues = false
    let step = steps.next()
    while (!step.done) {
      refuseIfAborted(name, options.signal)
      const outcome = await runPass(name, step.value, options, continues)
      continues = true
      step = steps.next(outcome)
    }
    return step.value
  }
  const sync = (...args: Arguments): Result => {
    const { backend } = (args[optionsAt] ?? {}) as ColumnOptions
    const steps = program(...args)
    let step = steps.next()
    while (!step.done) {
      const pass = step.value
      const choice = choose(pass, { backend, offload: false })
      step = steps.next(runLocally(name, pass, choice.backend))
    }
    return step.value
  }
  return Object.assign(call, { sync })
}

function runPass(
  name: string,
  pass: Pass,
  options: ColumnOptions,
  continues: boolean,
): Float64Array | Promise<Float64Array> {
  const { backend, offload } = choose(pass, options)
  if (!offload) return runLocally(name, pass, backend)
  const { signal } = options
  return runInPool(kernelPool(), pass, { name, backend, signal, continues })
}

function refuseIfAborted(name: string, signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new EuphorionError('KERNEL_CANCELLED', `${name} was cancelled`, { cause: signal.reason })
}
