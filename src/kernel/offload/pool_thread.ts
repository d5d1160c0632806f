// One thread of the kernel pool: a piscina of one worker, so that ending it touches no other. Used
// by pool.ts, which gives it one task at a time and makes another when this one has ended.
import { Piscina } from 'piscina'
import type { Clock } from '../../clock.ts'
import type { JobKind } from './jobs.ts'
import type { ThreadAnswer, ThreadData, ThreadStray, ThreadTask } from './thread_data.ts'

/** Prepared keys that are remembered; the thread prepares what was forgotten once more. */
const PREPARED_MAX = 1000
/** Native code cannot be ended before it returns; ours does within some 10 ms. */
const END_WAIT_MS = 2000
/** tsx and a user's modules need some. */
const HEAP_MIB_MIN = 128
/** Objects of JavaScript are larger than the numbers in them. */
const HEAP_PER_MEMORY = 4

export class PoolThread {
  /** Resolves when it can take tasks. */
  readonly ready: Promise<void>
  readonly #piscina: Piscina<ThreadTask, ThreadAnswer>
  readonly #clock: Clock
  readonly #prepared = new Set<string>()
  #isDead = false
  #ended: Promise<void> | undefined

  constructor(data: ThreadData, clock: Clock) {
    this.#clock = clock
    this.#piscina = new Piscina<ThreadTask, ThreadAnswer>({
      filename: new URL('./thread_entry.cjs', import.meta.url).href,
      workerData: data,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: heapMib(data.settings.memoryMib) },
    })
    this.#piscina.on('workerDestroy', () => {
      this.#isDead = true
    })
    // a thread that dies with nothing to do: seen by isDead
    this.#piscina.on('error', () => undefined)
    // a kernel may post what it likes to whoever listens
    this.#piscina.on('message', (message: Partial<ThreadStray> | null | undefined) => {
      const stray = message?.stray
      if (stray === undefined) return
      process.emitWarning(`A kernel left behind something that failed later: ${stray}`)
    })
    this.ready = this.#piscina.run({ do: 'start' }).then(() => undefined)
    this.ready.catch(() => undefined)
  }

  get isDead(): boolean {
    return this.#isDead
  }

  isPrepared(kind: JobKind, key: string): boolean {
    return this.#prepared.has(`${kind} ${key}`)
  }

  /** Rejects when the thread dies. */
  async prepare(kind: JobKind, key: string): Promise<ThreadAnswer> {
    const answer = await this.#piscina.run({ do: 'prepare', kind, key })
    if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear()
    if ('output' in answer) this.#prepared.add(`${kind} ${key}`)
    return answer
  }

  /** Rejects when the thread dies, or when the task cannot be posted. */
  run(task: ThreadTask, transfer: readonly ArrayBuffer[]): Promise<ThreadAnswer> {
    return this.#piscina.run(task, { transferList: [...transfer] })
  }

  /**
   * Ends the thread whatever it does. Resolves when it is gone, so that it touches no memory any
   * more; after two seconds also if it is not.
   */
  end(): Promise<void> {
    this.#isDead = true
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<void> {
    let cancel = (): void => undefined
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(END_WAIT_MS, resolve)
    })
    await Promise.race([this.#piscina.destroy(), late])
    cancel()
  }
}

/**
 * What a JavaScript kernel may have in objects; typed arrays are beside it. Generous, because one
 * array that outgrows the heap at a stroke ends the whole process: so does V8.
 */
function heapMib(memoryMib: number): number {
  return Math.max(HEAP_MIB_MIN, HEAP_PER_MEMORY * memoryMib)
}
