// The way to the thread that compiles AssemblyScript: started by the first request, gone a second
// after the last. One for the process. Called by assembly_file.ts.
import { Worker } from 'node:worker_threads'
import { type Clock, systemClock } from '../../clock.ts'
import { type Deferred, deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import type { AssemblyAnswer, AssemblyRequest } from './assembly_request.ts'

/** Requests that wait; more are refused. */
const QUEUE_MAX = 1000
const TIMEOUT_MS = 60_000
/** Of the compiler's objects; Binaryen's memory comes on top. */
const HEAP_MIB = 512
/** Of what it said when it crashed. */
const OUTPUT_CHARACTERS = 2000

interface Job {
  readonly request: AssemblyRequest
  readonly answer: Deferred<AssemblyAnswer>
}

class AssemblyCompiler {
  readonly #clock: Clock
  readonly #queue: Job[] = []
  #job: Job | undefined
  #thread: Worker | undefined
  #output = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Rejects with KERNEL_QUEUE_FULL and, where the compiler itself fails, KERNEL_INVALID. */
  compile(request: AssemblyRequest): Promise<AssemblyAnswer> {
    if (this.#queue.length >= QUEUE_MAX) {
      const message = `${request.path}: ${QUEUE_MAX} kernels wait to be compiled already`
      return Promise.reject(new EuphorionError('KERNEL_QUEUE_FULL', message))
    }
    const answer = deferred<AssemblyAnswer>()
    this.#queue.push({ request, answer })
    this.#next()
    return answer.promise
  }

  #next(): void {
    if (this.#job !== undefined) return
    this.#job = this.#queue.shift()
    if (this.#job === undefined) {
      this.#thread?.unref()
      return
    }
    this.#post(this.#job)
  }

  #post(job: Job): void {
    const thread = (this.#thread ??= this.#start())
    this.#output = ''
    thread.ref()
    thread.postMessage(job.request)
    const cancel = this.#clock.after(TIMEOUT_MS, () => {
      this.#leave(thread)
      const message = `${job.request.path}: the compiler was ended after ${TIMEOUT_MS / 1000} s`
      job.answer.reject(new EuphorionError('KERNEL_INVALID', message))
    })
    const end = () => {
      cancel()
      this.#job = undefined
      this.#next()
    }
    job.answer.promise.then(end, end)
  }

  #start(): Worker {
    const thread = new Worker(new URL('./assembly_thread.js', import.meta.url), {
      // what the program was started with is not for the compiler
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    for (const stream of [thread.stdout, thread.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(0, OUTPUT_CHARACTERS)
      })
    }
    thread.on('message', (answer: AssemblyAnswer) => {
      if (this.#thread === thread) this.#job?.answer.resolve(answer)
    })
    thread.on('error', (cause) => this.#died(thread, cause))
    thread.on('exit', (code) => this.#died(thread, undefined, code))
    return thread
  }

  #died(thread: Worker, cause: Error | undefined, code = 1): void {
    if (this.#thread !== thread) return
    this.#leave(thread)
    const job = this.#job
    if (job === undefined) return
    if (code === 0) {
      // it had nothing to do and went while the request was on its way
      this.#post(job)
      return
    }
    const said = this.#output.trim() || cause?.message || 'it said nothing'
    const message = `${job.request.path}: the compiler of AssemblyScript crashed: ${said}`
    job.answer.reject(new EuphorionError('KERNEL_INVALID', message, { cause }))
  }

  #leave(thread: Worker): void {
    this.#thread = undefined
    void thread.terminate()
  }
}

const compiler = new AssemblyCompiler(systemClock)

/**
 * The compiled module, or what is wrong with the kernel. Rejects with KERNEL_QUEUE_FULL, and with
 * KERNEL_INVALID where the compiler crashes or takes a minute.
 */
export function compileAssembly(request: AssemblyRequest): Promise<AssemblyAnswer> {
  return compiler.compile(request)
}
