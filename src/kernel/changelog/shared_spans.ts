// The part of the shared memory that changelogs may use, batches on their way in and out: what does
// not fit is worked on by plain TypeScript, on the heap. One for all tables of a worker.
import type { SharedMemory } from '../../batch/memory.ts'

/** Of the shared memory: most of it is the lanes'. Cuts have it once, and recovery once more. */
const SHARE = 1 / 16

/** What lanes must leave to changelogs. */
export function changelogBytes(memory: SharedMemory): number {
  return 2 * SHARE * memory.bytes.length
}

export class SharedSpans {
  readonly memory: SharedMemory
  #bytesLeft: number

  constructor(memory: SharedMemory) {
    this.memory = memory
    this.#bytesLeft = memory.bytes.length * SHARE
  }

  /** Undefined where there is no room. */
  take(bytes: number): SharedSpan | undefined {
    if (bytes > this.#bytesLeft) return undefined
    const address = this.memory.tryAllocate(bytes)
    if (address === undefined) return undefined
    this.#bytesLeft -= bytes
    const free = () => {
      this.memory.free(address)
      this.#bytesLeft += bytes
    }
    return { address, bytes, free }
  }
}

export interface SharedSpan {
  readonly address: number
  readonly bytes: number
  /** Once. */
  free(): void
}
