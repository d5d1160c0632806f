// compileFunction: a plain TypeScript function, as it stands in the user's file, as WebAssembly.
// Called by users' programs and by `euphorion kernel`.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EuphorionError } from '../../errors.ts'
import { isKernelThread } from '../offload/kernel_thread.ts'
import { type LoweredSource, lowerSource } from './compile_source.ts'
import { type CallOptions, runInPool } from './pool_runner.ts'
import type { ProgramParameter } from './program.ts'
import { SyncRunner } from './sync_runner.ts'
import type { ResultType, ValueType } from './types.ts'

type AnyFunction = (...args: never[]) => unknown

export interface CompileOptions {
  /** true: a function that does not compile runs as JavaScript. Default: KERNEL_INVALID. */
  readonly fallback?: boolean
  /** The name at the top of the file. Default: that of the function. */
  readonly name?: string
  /** Types of parameters, by position, where the file does not state them (JavaScript). */
  readonly parameters?: readonly (ValueType | undefined)[]
  /** Ends a call that takes longer: KERNEL_TIMEOUT. Default: the setting kernelTimeoutMs. */
  readonly timeoutMs?: number
}

export interface CompiledFunction<F extends AnyFunction> {
  readonly name: string
  readonly backend: 'wasm' | 'js'
  /** Why it is JavaScript: what the compiler said, with the line. */
  readonly why: string | undefined
  /**
   * Runs it in the pool of kernel threads. Arrays that it writes to are copied back into the
   * caller's when it has ended; when it fails they stay as they were. As JavaScript it runs in the
   * calling thread. Rejects with KERNEL_INVALID (an argument's type), KERNEL_FAILED (it threw, or
   * the stack is full), KERNEL_TIMEOUT, KERNEL_QUEUE_FULL, MEMORY_EXHAUSTED.
   */
  call(...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>
  /** The same with a signal or a time-out of this call. */
  callWith(options: CallOptions, ...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>
  /** Runs it in the calling thread; nothing can end it before it ends. */
  callSync(...args: Parameters<F>): ReturnType<F>
}

/** A function of a file, without the file having been imported. */
export interface CompiledSource extends CompiledFunction<(...args: never[]) => unknown> {
  readonly parameters: readonly ProgramParameter[]
  readonly result: ResultType
}

/** Functions that were compiled lately, by file and name; they are checked against the files. */
const lately = new Map<string, { readonly runner: SyncRunner; readonly source: LoweredSource }>()
const LATELY_MAX = 64

/**
 * Compiles a function over numbers, booleans and typed arrays, unchanged, with all it calls:
 *
 *     // smooth.ts
 *     export function smooth(values: Float64Array, weight: number): void { … }
 *
 *     import { smooth } from './smooth.ts'
 *     const compiled = compileFunction(smooth, new URL('./smooth.ts', import.meta.url))
 *     await compiled.call(values, 0.5)
 *
 * Results are those of JavaScript, bit for bit; docs/kernels.md lists what compiles. Anything else
 * is KERNEL_INVALID, naming the construct and showing its line.
 */
export function compileFunction<F extends AnyFunction>(
  fn: F,
  url: string | URL,
  options: CompileOptions = {},
): CompiledFunction<F> {
  const name = options.name ?? fn.name
  try {
    return compiled(pathOf(url), name, options) as unknown as CompiledFunction<F>
  } catch (error) {
    const isInvalid = error instanceof EuphorionError && error.code === 'KERNEL_INVALID'
    if (!options.fallback || !isInvalid) throw error
    return asJavaScript(fn, name, error.message)
  }
}

/** The same for a function that is named, in a file that need not be imported. */
export function compileSource(
  path: string | URL,
  name: string,
  options: Omit<CompileOptions, 'fallback' | 'name'> = {},
): CompiledSource {
  return compiled(pathOf(path), name, options)
}

function pathOf(url: string | URL): string {
  const text = String(url)
  return text.startsWith('file:') ? fileURLToPath(text) : text
}

function compiled(path: string, name: string, options: CompileOptions): CompiledSource {
  const { runner, source } = findLately(path, name, options)
  const { versions } = runner
  const { timeoutMs } = options
  const runSync = (args: readonly unknown[]): unknown => runner.run(args)
  const run = async (args: readonly unknown[], callOptions: CallOptions): Promise<unknown> =>
    isKernelThread() ? runSync(args) : runInPool(versions, args, { timeoutMs, ...callOptions })
  return {
    name,
    backend: 'wasm',
    why: undefined,
    parameters: source.program.parameters,
    result: source.program.result,
    call: (...args) => run(args, {}),
    callWith: (callOptions, ...args) => run(args, callOptions),
    callSync: (...args) => runSync(args),
  }
}

function findLately(path: string, name: string, { parameters = [] }: CompileOptions) {
  const key = `${path} ${name} ${parameters}`
  const known = lately.get(key)
  lately.delete(key)
  const isSame = known?.source.sources.every(({ path: each, text }) => readText(each) === text)
  let found = isSame ? known : undefined
  if (found === undefined) {
    const source = lowerSource(path, name, parameters)
    found = { source, runner: new SyncRunner(source.program) }
  }
  lately.set(key, found)
  for (const oldest of lately.keys()) {
    if (lately.size <= LATELY_MAX) break
    lately.delete(oldest)
  }
  return found
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function asJavaScript<F extends AnyFunction>(
  fn: F,
  name: string,
  why: string,
): CompiledFunction<F> {
  const run = async (...args: Parameters<F>): Promise<Awaited<ReturnType<F>>> =>
    fn(...args) as Awaited<ReturnType<F>>
  return {
    name,
    backend: 'js',
    why,
    call: run,
    callWith: (_, ...args) => run(...args),
    callSync: (...args) => fn(...args) as ReturnType<F>,
  }
}
