// The pool of threads for numeric kernels: one a process, apart from the threads of the lanes, so
// that a kernel that hangs or crashes costs no lane. Called by every kernel that is off-loaded.
//
//  run ──▶ queue (bounded) ──▶ thread ──▶ answer
//            │ signal: removed    │ signal, time-out, crash: the thread ends, another is started
import { SharedMemory } from '../../batch/memory.ts'
import { type Clock, systemClock } from '../../clock.ts'
import { type Deferred, deferred } from '../../deferred.ts'
import { type ErrorCode, EuphorionError } from '../../errors.ts'
import type { KernelBackend } from './backend.ts'
import type { JobKind, Jobs } from './jobs.ts'
import { isKernelThread } from './kernel_thread.ts'
import { numericModule } from './numeric.ts'
import { kernelSettings } from './options.ts'
import { usePool } from './pool_in_use.ts'
import { PoolThread } from './pool_thread.ts'
import { Signals } from './signals.ts'
import { makeContext, type ThreadContext } from './thread_context.ts'
import { errorOf, type ThreadAnswer, type ThreadData } from './thread_data.ts'

export interface PoolOptions {
  readonly threads: number
  readonly queueTasks: number
  /** What user's kernels get if their call does not say; also bounds their loading. */
  readonly timeoutMs: number
  readonly memoryMib: number
  /** For kernels that look at settings in a thread. */
  readonly cacheDir?: string
  readonly backend?: KernelBackend
  readonly clock?: Clock
}

export interface JobOptions {
  /** Ends it with KERNEL_CANCELLED: at once while queued, else when its thread is gone. */
  readonly signal?: AbortSignal
  /** Ends it with KERNEL_TIMEOUT; counted from when it starts to run. Default: no bound. */
  readonly timeoutMs?: number
  /** The kernel, for errors. Default: the kind. */
  readonly name?: string
  /** What the thread must have prepared before (ThreadJob.prepare). */
  readonly prepare?: string
  /** Buffers of the input that are given away: not copied. */
  readonly transfer?: readonly ArrayBuffer[]
  /** The next part of a call whose first part was taken: a full queue does not refuse it. */
  readonly continues?: boolean
}

/** Counted since the start of the process. */
export interface PoolStatistics {
  readonly threads: number
  readonly running: number
  readonly queued: number
  /** Tasks that were taken. */
  readonly tasks: number
  /** Tasks that failed, by code. Also those that were refused because the queue was full. */
  readonly failures: Readonly<Partial<Record<ErrorCode, number>>>
  /** Time that threads spent on tasks. */
  readonly busyMs: number
  /** Threads that were ended or died and were replaced. */
  readonly replaced: number
}

/** The longest time that a timer of Node takes. */
const TIMER_MS_MAX = 2 ** 31 - 1

interface Task {
  readonly kind: JobKind
  readonly input: Jobs[JobKind]['input']
  readonly options: JobOptions
  readonly name: string
  readonly answer: Deferred<unknown>
  /** Settles the task from outside: rejects what its thread is waited for with. */
  readonly stopped: Deferred<never>
  isSettled: boolean
  isRunning: boolean
}

export class KernelPool {
  /** Most threads; they are started one by one, by tasks that find none free. */
  readonly threads: number
  /** Shared by all numeric kernels; only the thread that made the pool allocates in it. */
  readonly memory: SharedMemory
  readonly timeoutMs: number
  readonly memoryMib: number
  readonly #settings: Omit<PoolOptions, 'clock'>
  readonly #queueTasks: number
  readonly #clock: Clock
  readonly #signals = new Signals()
  readonly #queue = new Set<Task>()
  readonly #running = new Set<Task>()
  readonly #all = new Set<PoolThread>()
  #idle: PoolThread[] = []
  #here: ThreadContext | undefined
  #tasks = 0
  #busyMs = 0
  #replaced = 0
  readonly #failures = new Map<ErrorCode, number>()

  constructor({ clock = systemClock, ...settings }: PoolOptions) {
    const { threads, queueTasks, timeoutMs, memoryMib } = settings
    this.threads = isKernelThread() ? 1 : threads
    this.timeoutMs = timeoutMs
    this.memoryMib = memoryMib
    this.#settings = settings
    this.#queueTasks = queueTasks
    this.#clock = clock
    this.memory = new SharedMemory(memoryMib)
  }

  /**
   * Runs a job in the next thread that is free, in the order of calls. Rejects with
   * KERNEL_QUEUE_FULL, KERNEL_CANCELLED, KERNEL_TIMEOUT, KERNEL_FAILED (threw, trapped, or ended
   * its thread), and the coded errors of the job. When it rejects, its thread touches no memory any
   * more; other tasks go on.
   */
  async run<K extends JobKind>(
    kind: K,
    input: Jobs[K]['input'],
    options: JobOptions = {},
  ): Promise<Jobs[K]['output']> {
    const { signal, name = kind } = options
    checkTimeout(name, options.timeoutMs)
    if (signal?.aborted) throw this.#count(cancelled(name, signal))
    if (isKernelThread()) return this.#runHere(kind, input)
    if (options.continues !== true && this.#isFull()) {
      const waiting = `${this.#queue.size} tasks wait for a thread already`
      throw this.#count(new EuphorionError('KERNEL_QUEUE_FULL', `${name}: ${waiting}`))
    }
    this.#tasks++
    const task: Task = {
      kind,
      input,
      options,
      name,
      answer: deferred<unknown>(),
      stopped: deferred<never>(),
      isSettled: false,
      isRunning: false,
    }
    const cancel = () => this.#cancel(task, cancelled(name, signal))
    const forget = signal === undefined ? undefined : this.#signals.watch(signal, cancel)
    this.#queue.add(task)
    this.#dispatch()
    try {
      return (await task.answer.promise) as Jobs[K]['output']
    } finally {
      forget?.()
    }
  }

  /** A kernel that runs another is off the calling thread already; what bounds it bounds both. */
  async #runHere<K extends JobKind>(kind: K, input: Jobs[K]['input']): Promise<Jobs[K]['output']> {
    const { jobOf } = await import('./thread.ts')
    this.#here ??= makeContext({ memory: this.memory.wasm, memoryMib: this.memoryMib })
    return (await (await jobOf(kind)).run(input, this.#here)) as Jobs[K]['output']
  }

  #isFull(): boolean {
    const isBusy = this.#idle.length === 0 && this.#all.size >= this.threads
    return isBusy && this.#queue.size >= this.#queueTasks
  }

  /** Ends all threads; what runs or waits is KERNEL_CANCELLED. A later run() starts new ones. */
  async close(): Promise<void> {
    const error = (name: string) =>
      new EuphorionError('KERNEL_CANCELLED', `${name}: the pool was closed`)
    for (const task of [...this.#queue, ...this.#running]) this.#cancel(task, error(task.name))
    await Promise.all([...this.#all].map((thread) => this.#end(thread)))
  }

  /** Counters; cheap. */
  stats(): PoolStatistics {
    return {
      threads: this.#all.size,
      running: this.#running.size,
      queued: this.#queue.size,
      tasks: this.#tasks,
      failures: Object.fromEntries(this.#failures),
      busyMs: this.#busyMs,
      replaced: this.#replaced,
    }
  }

  #dispatch(): void {
    for (const task of this.#queue) {
      let thread: PoolThread | undefined
      try {
        thread = this.#freeThread()
      } catch (error) {
        this.#queue.delete(task)
        this.#fail(task, deathOf(error, task.name))
        continue
      }
      if (thread === undefined) return
      this.#queue.delete(task)
      this.#running.add(task)
      void this.#work(thread, task)
    }
  }

  #freeThread(): PoolThread | undefined {
    for (let thread = this.#idle.pop(); thread !== undefined; thread = this.#idle.pop()) {
      if (!thread.isDead) return thread
      void this.#end(thread)
    }
    if (this.#all.size >= this.threads) return undefined
    const data: ThreadData = {
      euphorionKernelThread: true,
      memory: this.memory.wasm,
      numeric: numericModule(),
      settings: this.#settings,
    }
    const thread = new PoolThread(data, this.#clock)
    this.#all.add(thread)
    return thread
  }

  async #work(thread: PoolThread, task: Task): Promise<void> {
    try {
      const answer = await this.#answerOf(thread, task)
      if (answer !== undefined) this.#settle(task, answer)
    } catch (error) {
      // stopped, or the thread died, or the input could not be posted
      const isOurs = error instanceof EuphorionError
      if (isOurs || thread.isDead) {
        this.#replaced++
        await this.#end(thread)
      }
      this.#fail(task, isOurs ? error : deathOf(error, task.name))
    }
    this.#running.delete(task)
    if (this.#all.has(thread)) this.#idle.push(thread)
    this.#dispatch()
  }

  /** Undefined if the task was cancelled before it began. */
  async #answerOf(thread: PoolThread, task: Task): Promise<ThreadAnswer | undefined> {
    await thread.ready
    if (task.isSettled) return undefined
    task.isRunning = true
    const started = this.#clock.monotonic()
    const { kind, input, options } = task
    try {
      if (options.prepare !== undefined && !thread.isPrepared(kind, options.prepare)) {
        const prepared = thread.prepare(kind, options.prepare)
        const answer = await this.#within(task, this.timeoutMs, prepared, 'loading')
        if ('failure' in answer) return answer
      }
      const answer = thread.run({ do: 'run', kind, input }, options.transfer ?? [])
      return await this.#within(task, options.timeoutMs, answer, 'running')
    } finally {
      this.#busyMs += this.#clock.monotonic() - started
    }
  }

  /** The answer, unless the task is stopped or takes longer. */
  async #within(
    task: Task,
    timeoutMs: number | undefined,
    answer: Promise<ThreadAnswer>,
    what: string,
  ): Promise<ThreadAnswer> {
    if (timeoutMs === undefined) return await Promise.race([answer, task.stopped.promise])
    let isOver = false
    const expire = (): void => {
      if (isOver) return
      const message = `${task.name} was ended after ${what} for ${timeoutMs} ms`
      task.stopped.reject(new EuphorionError('KERNEL_TIMEOUT', message))
    }
    // an answer that came while this thread was busy is not late: it is read first
    const onTime = () => setImmediate(expire)
    const cancel = this.#clock.after(Math.min(timeoutMs, TIMER_MS_MAX), onTime)
    try {
      return await Promise.race([answer, task.stopped.promise])
    } finally {
      isOver = true
      cancel()
    }
  }

  #cancel(task: Task, error: EuphorionError): void {
    if (task.isRunning) task.stopped.reject(error)
    else {
      this.#queue.delete(task)
      this.#fail(task, error)
    }
  }

  async #end(thread: PoolThread): Promise<void> {
    await thread.end()
    this.#all.delete(thread)
    this.#idle = this.#idle.filter((each) => each !== thread)
    this.#dispatch()
  }

  #settle(task: Task, answer: ThreadAnswer): void {
    if ('failure' in answer) this.#fail(task, errorOf(answer.failure, task.name))
    else {
      task.isSettled = true
      task.answer.resolve(answer.output)
    }
  }

  #fail(task: Task, error: EuphorionError): void {
    if (task.isSettled) return
    task.isSettled = true
    task.answer.reject(this.#count(error))
  }

  #count(error: EuphorionError): EuphorionError {
    this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1)
    return error
  }
}

function cancelled(name: string, signal: AbortSignal | undefined): EuphorionError {
  const message = `${name} was cancelled`
  return new EuphorionError('KERNEL_CANCELLED', message, { cause: signal?.reason })
}

function checkTimeout(name: string, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || timeoutMs > 0) return
  throw new EuphorionError('KERNEL_INVALID', `${name}: timeoutMs cannot be ${timeoutMs}`)
}

/** Why a thread died, or why it could not be given its task. */
function deathOf(error: unknown, name: string): EuphorionError {
  const { code, name: kind, message } = error as NodeJS.ErrnoException
  const details = { cause: error }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const text = `${name} ended its thread: its objects took more than four times kernelMemoryMib`
    return new EuphorionError('MEMORY_EXHAUSTED', text, details)
  }
  if (kind === 'DataCloneError')
    return new EuphorionError('KERNEL_INVALID', `${name}: ${message}`, details)
  return new EuphorionError('KERNEL_FAILED', `${name} ended its thread: ${message}`, details)
}

let pool: KernelPool | undefined

/**
 * The process's pool, made at the first call; see configureKernels. In a thread of a pool it is a
 * pool that runs everything in that thread, in a memory of its own. Throws SETTING_INVALID.
 */
export function kernelPool(): KernelPool {
  pool ??= usePool(new KernelPool(kernelSettings()))
  return pool
}
