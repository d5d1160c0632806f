// A thread of the kernel pool (pool_thread.ts starts it): runs one job after the other and answers
// with its output or with what it failed of.
import { constants, getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import type { JobKind, Jobs } from './jobs.ts'
import { inheritKernelSettings } from './options.ts'
import { makeContext, type ThreadContext } from './thread_context.ts'
import {
  failureOf,
  type ThreadAnswer,
  type ThreadData,
  type ThreadStray,
  type ThreadTask,
} from './thread_data.ts'

/** The thread's part of a job; exported by its module. */
export interface ThreadJob<Input, Output> {
  run(input: Input, thread: ThreadContext): Output | Promise<Output>
  /** Makes ready what runs with this key need. */
  prepare?(key: string): Promise<void>
  /** Buffers of an output that are given away with it: not copied. */
  transfers?(output: Output): readonly ArrayBuffer[]
}

type Loaders = {
  readonly [K in JobKind]: () => Promise<ThreadJob<Jobs[K]['input'], Jobs[K]['output']>>
}

/** Loaded when a job of the kind is first asked for. */
const loaders: Loaders = {
  column: () => import('../column/thread_job.ts'),
  compiled: () => import('../compile/run_job.ts'),
  mandelbrot: () => import('../mandelbrot/slice.ts'),
  wasm: () => import('../user/wasm_job.ts'),
  module: () => import('../user/module_job.ts'),
}

const loaded = new Map<JobKind, ThreadJob<unknown, unknown>>()

/** What runs jobs of a kind. */
export async function jobOf(kind: JobKind): Promise<ThreadJob<unknown, unknown>> {
  const known = loaded.get(kind)
  if (known !== undefined) return known
  const job = (await loaders[kind]()) as ThreadJob<unknown, unknown>
  loaded.set(kind, job)
  return job
}

const NICENESS = 10
const data = workerData as unknown as ThreadData
const { memory, numeric, settings } = data
const context = makeContext({ memory, numeric, memoryMib: settings.memoryMib })

/** Lanes go first. On Linux this is the priority of the thread; elsewhere of the process. */
function stepBack(): void {
  if (process.platform !== 'linux') return
  const lower = Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICENESS)
  try {
    setPriority(0, lower)
  } catch {
    // a sandbox may forbid it: the pool works as well, only not behind the lanes
  }
}

/**
 * What a kernel left behind (a timer, a promise that nobody waits for) failed: whatever task runs
 * now has nothing to do with it.
 */
function ignoreStrays(): void {
  process.on('uncaughtException', (error) => {
    // piscina could not post an answer: without this end nobody would ever hear of the task
    if (error?.name === 'DataCloneError') throw error
    const stray: ThreadStray = { stray: error?.stack ?? String(error) }
    parentPort?.postMessage(stray)
  })
}

stepBack()
ignoreStrays()
inheritKernelSettings(settings)

/** What piscina calls. Never rejects: errors are answers. */
export default async function run(task: ThreadTask): Promise<ThreadAnswer> {
  try {
    if (task.do === 'start') return { output: undefined }
    const job = await jobOf(task.kind)
    if (task.do === 'prepare') {
      await job.prepare?.(task.key)
      return { output: undefined }
    }
    const output = await job.run(task.input, context)
    const answer = { output } as ThreadAnswer
    const transfers = job.transfers?.(output) ?? []
    return transfers.length === 0 ? answer : given(answer, transfers)
  } catch (error) {
    return { failure: failureOf(error) }
  }
}

function given(answer: ThreadAnswer, transfers: readonly ArrayBuffer[]): ThreadAnswer {
  const movable = { [transferableSymbol]: transfers, [valueSymbol]: answer }
  return move(movable as unknown as ArrayBuffer) as unknown as ThreadAnswer
}
