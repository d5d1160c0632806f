// The regions that fetches write into: taken before a fetch and given back when the last reader of
// the batch is done. With none free there is no fetch: that is the back-pressure. Their part of the
// shared memory is set aside once; how many there are in it, and of which size, may change. One in
// use stays as it is until it is given back.
import type { SharedMemory } from '../batch/memory.ts'
import { Region, regionBytes } from '../batch/region.ts'
import { Spans } from '../batch/spans.ts'

export interface RegionSizes {
  readonly count: number
  readonly payloadBytes: number
}

export interface RegionsMost {
  readonly count: number
  readonly totalBytes: number
}

const bytesOf = ({ count, payloadBytes }: RegionSizes): RegionsMost => ({
  count,
  totalBytes: count * payloadBytes,
})

/** Of each region, beside its payload. */
const OVERHEAD_BYTES = regionBytes(0) + Spans.sizeOf(1)

export class Regions {
  readonly #memory: SharedMemory
  /** The part of the memory that is theirs. */
  readonly #base: number
  readonly #spans: Spans
  #sizes: RegionSizes
  readonly #free: Region[] = []
  readonly #all = new Set<Region>()
  readonly #waiting: ((region: Region | undefined) => void)[] = []
  readonly #larger = new Set<Region>()
  readonly #largerFreed: (() => void)[] = []
  #abandoned = false

  /** `most`: so many there may ever be, and so many bytes they may hold together. */
  constructor(memory: SharedMemory, sizes: RegionSizes, most: RegionsMost = bytesOf(sizes)) {
    this.#memory = memory
    this.#sizes = sizes
    const bytes = most.totalBytes + most.count * OVERHEAD_BYTES
    this.#base = memory.allocate(bytes, 'fetch regions')
    this.#spans = new Spans(this.#base, bytes)
    this.#fill()
  }

  get size(): { readonly free: number; readonly used: number } {
    const free = this.#free.length
    return { free, used: this.#all.size + this.#larger.size - free }
  }

  /** What is taken from now on. What there is no room for yet comes as others are given back. */
  resize(sizes: RegionSizes): void {
    this.#sizes = sizes
    this.#refill()
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
    const { count, payloadBytes } = this.#sizes
    if (region.payloadBytes === payloadBytes && this.#all.size === count) this.#give(region)
    else {
      this.#discard(region)
      this.#refill()
    }
  }

  /** Those that are free are made anew too: where they lie now they may keep others out. */
  #refill(): void {
    for (const region of this.#free.splice(0)) this.#discard(region)
    this.#fill()
  }

  #give(region: Region): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#free.push(region)
    else waiting(region)
  }

  #discard(region: Region): void {
    this.#all.delete(region)
    this.#spans.giveBack(region.base)
  }

  /** Makes those that are missing, as far as there is room between those in use. */
  #fill(): void {
    const { count, payloadBytes } = this.#sizes
    while (this.#all.size < count) {
      const base = this.#spans.tryTake(regionBytes(payloadBytes))
      if (base === undefined) return
      const region = new Region(this.#memory, payloadBytes, base)
      this.#all.add(region)
      this.#give(region)
    }
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
    this.#memory.free(this.#base)
  }
}
