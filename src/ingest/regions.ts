// The regions that fetches write into: a fixed number, taken before a fetch and given back when the
// last reader of the batch is done. With none free there is no fetch: that is the back-pressure.
import type { SharedMemory } from '../batch/memory.ts'
import { Region } from '../batch/region.ts'

export class Regions {
  readonly #memory: SharedMemory
  readonly #free: Region[] = []
  readonly #all: Region[] = []
  readonly #waiting: ((region: Region | undefined) => void)[] = []
  readonly #larger = new Set<Region>()
  readonly #largerFreed: (() => void)[] = []
  #abandoned = false

  constructor(memory: SharedMemory, count: number, payloadBytes: number) {
    this.#memory = memory
    for (let i = 0; i < count; i++) this.#all.push(new Region(memory, payloadBytes))
    this.#free.push(...this.#all)
  }

  get size(): { readonly free: number; readonly used: number } {
    const free = this.#free.length
    return { free, used: this.#all.length + this.#larger.size - free }
  }

  /** Waits for a free region; undefined after `abandon`. */
  take(): Promise<Region | undefined> {
    const region = this.#free.pop()
    if (region !== undefined || this.#abandoned) return Promise.resolve(region)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /**
   * A region beside the fixed ones for a batch that is larger; freed when it is given back. While
   * others of its kind leave no room, waits for them; undefined after `abandon`. MEMORY_EXHAUSTED.
   */
  async takeLarger(payloadBytes: number): Promise<Region | undefined> {
    while (!this.#abandoned) {
      try {
        const region = new Region(this.#memory, payloadBytes)
        this.#larger.add(region)
        return region
      } catch (error) {
        if (this.#larger.size === 0) throw error
      }
      await new Promise<void>((resolve) => this.#largerFreed.push(resolve))
    }
    return undefined
  }

  /** One reader less; 0 readers frees. A region without a batch is given back by `giveBack`. */
  release(region: Region): void {
    region.holders--
    if (region.holders === 0) this.giveBack(region)
  }

  giveBack(region: Region): void {
    region.holders = 0
    if (this.#larger.delete(region)) {
      region.free()
      this.#wakeLarger()
      return
    }
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#free.push(region)
    else waiting(region)
  }

  /** Nobody waits any more. */
  abandon(): void {
    this.#abandoned = true
    this.#wakeLarger()
    for (const waiting of this.#waiting.splice(0)) waiting(undefined)
  }

  #wakeLarger(): void {
    for (const freed of this.#largerFreed.splice(0)) freed()
  }

  close(): void {
    for (const region of this.#all) region.free()
  }
}
