// The threads of the lanes' kernels, and what agents extract columns on: the same ones, started for
// it where no aggregation has. Owned by the engine.
import type { SharedMemory } from '../batch/memory.ts'
import { EuphorionError } from '../errors.ts'
import { type Executor, openExecutor } from '../kernel/executor.ts'
import type { ExtractionServices } from '../kernel/extract/column_extractor.ts'
import { Turns } from '../kernel/extract/turns.ts'
import type { Settings } from '../settings.ts'

const MIB = 1 << 20
/** A lane has at least a quarter of a MiB, at most one task on its way, and its changelog one. */
const TASKS_PER_MIB = 2 * 4

export class KernelThreads {
  readonly #memory: SharedMemory
  readonly #settings: Settings
  readonly #turns: Turns
  #executor: Executor | undefined
  #ready: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(memory: SharedMemory, settings: Settings) {
    this.#memory = memory
    this.#settings = settings
    this.#turns = new Turns(this.#turnsMax)
  }

  /** Extractions at once: one for each thread, and one that waits for the next that is free. */
  get #turnsMax(): number {
    return this.#settings.threads + 1
  }

  /** Undefined while none were started. */
  get executor(): Executor | undefined {
    return this.#executor
  }

  /** MEMORY_EXHAUSTED. */
  start(): Executor {
    const { memoryMib, threads, maxDecompressedMib, metrics } = this.#settings
    if (this.#executor !== undefined) return this.#executor
    this.#executor = openExecutor({
      memory: this.#memory,
      threads,
      queueMax: TASKS_PER_MIB * memoryMib + this.#turnsMax,
      inflatedBytesMax: maxDecompressedMib * MIB,
      isTimed: metrics,
    })
    this.#ready = this.#executor.ready()
    // also of threads that nobody waits for
    this.#ready.catch(() => undefined)
    return this.#executor
  }

  /** Resolves when those that were started can take tasks; they load while others are asked. */
  ready(): Promise<void> {
    return this.#ready
  }

  /** Undefined for backend js, and where the memory has no room for threads. */
  extraction(): ExtractionServices | undefined {
    const { backend, maxDecompressedMib } = this.#settings
    if (backend === 'js' || this.#isClosed) return undefined
    try {
      const executor = this.start()
      const inflatedBytesMax = maxDecompressedMib * MIB
      return { memory: this.#memory, executor, inflatedBytesMax, turns: this.#turns }
    } catch (error) {
      if (error instanceof EuphorionError && error.code === 'MEMORY_EXHAUSTED') return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#executor?.close()
  }
}
