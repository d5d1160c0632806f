// The way to the process that compiles AssemblyScript: started by the first request, gone a second
// after the last, and with it all the memory that the compiler took (a thread leaves most of it
// behind). One for this process. Called by assembly_file.ts.
import { type ChildProcess, fork } from 'node:child_process'
import { Socket } from 'node:net'
import { type Clock, systemClock } from '../../clock.ts'
import { type Deferred, deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import type { AssemblyAnswer, AssemblyRequest } from './assembly_request.ts'

/** Requests that wait; more are refused. */
const QUEUE_MAX = 1000
const TIMEOUT_MS = 120_000
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
  #child: ChildProcess | undefined
  #output = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

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
    if (this.#job !== undefined) this.#begin(this.#job)
    else if (this.#child !== undefined) {
      // it does not keep this process alive, and ends by itself
      this.#child.unref()
      this.#child.channel?.unref()
    }
  }

  #begin(job: Job): void {
    const cancel = this.#clock.after(TIMEOUT_MS, () => {
      this.#leave()
      const message = `${job.request.path}: the compiler was ended after ${TIMEOUT_MS / 1000} s`
      job.answer.reject(new EuphorionError('KERNEL_INVALID', message))
    })
    const end = () => {
      cancel()
      this.#job = undefined
      this.#next()
    }
    job.answer.promise.then(end, end)
    this.#send(job)
  }

  #send({ request }: Job): void {
    const child = (this.#child ??= this.#start())
    this.#output = ''
    child.ref()
    child.channel?.ref()
    // what goes wrong here ends the process, and that is heard of below
    child.send(request, () => undefined)
  }

  #start(): ChildProcess {
    const child = fork(new URL('./assembly_child.js', import.meta.url), {
      // what the program was started with is not for the compiler
      execArgv: [`--max-old-space-size=${HEAP_MIB}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(0, OUTPUT_CHARACTERS)
    })
    if (child.stderr instanceof Socket) child.stderr.unref()
    child.on('message', (answer) => {
      if (this.#child === child) this.#job?.answer.resolve(answer as AssemblyAnswer)
    })
    child.on('error', (cause) => this.#died(child, cause))
    child.on('close', (code) => this.#died(child, undefined, code))
    return child
  }

  #died(child: ChildProcess, cause: Error | undefined, code: number | null = null): void {
    if (this.#child !== child) return
    this.#leave()
    const job = this.#job
    if (job === undefined) return
    if (code === 0) {
      // it had nothing to do and went while the request was on its way
      this.#send(job)
      return
    }
    // asc prints a page about itself, and in it the error
    const said = /\b(\w*Error: .*)/.exec(this.#output)?.[1] ?? cause?.message ?? this.#output.trim()
    job.answer.resolve({ crashed: said })
  }

  #leave(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }
}

const compiler = new AssemblyCompiler(systemClock)

/**
 * The compiled module, or what is wrong with the kernel. Rejects with KERNEL_QUEUE_FULL, and with
 * KERNEL_INVALID where the compiler crashes or takes two minutes.
 */
export function compileAssembly(request: AssemblyRequest): Promise<AssemblyAnswer> {
  return compiler.compile(request)
}
