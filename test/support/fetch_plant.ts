// A log, lanes and threads as numbers: what FetchSizes has behind it, on a time of its own. Fetches
// take their round trip and their bytes' time, a lane's queue is bounded, threads work on one batch
// each. Used by tests of FetchSizes.
import type { FetchSizes } from '../../src/ingest/fetch_sizes.ts'

export interface PlantOptions {
  readonly partitions: number
  readonly threads: number
  /** Batches that wait for one lane. */
  readonly queueMax: number
  /** Of a fetch, ms, and of its bytes. */
  readonly roundTripMs: number
  readonly logBytesPerMs: number
  /** Of the work on a batch, ms, and of its bytes. */
  readonly batchMs: number
  readonly bytesPerMs: number
  /** Bytes that come in for all partitions; Infinity: more is there than can be read. */
  readonly inBytesPerMs: number
  /** Part of what comes in that is of the first partition; the others share the rest. */
  readonly skew?: number
}

interface Lane {
  unread: number
  isFetched: boolean
  readonly queue: number[]
  /** When the batch at the head is done; 0: no thread has it. */
  doneMs: number
}

const STEP_MS = 0.25

export class FetchPlant {
  readonly sizes: FetchSizes
  readonly #options: PlantOptions
  readonly #lanes: Lane[]
  #fetches: { lane: Lane; room: number; bytes: number; atMs: number }[] = []
  #turn = 0
  #nowMs = 0
  #lookedMs = 0
  /** Bytes that were worked on. */
  done = 0
  /** When which size was chosen. */
  readonly changes: { readonly atMs: number; readonly bytes: number; readonly fetches: number }[] =
    []

  constructor(sizes: FetchSizes, options: PlantOptions) {
    this.sizes = sizes
    this.#options = options
    const { inBytesPerMs, partitions } = options
    const unread = inBytesPerMs === Infinity ? Infinity : 0
    this.#lanes = Array.from({ length: partitions }, () => ({
      unread,
      isFetched: false,
      queue: [],
      doneMs: 0,
    }))
  }

  /** Bytes a ms that were worked on meanwhile. */
  run(ms: number): number {
    const end = this.#nowMs + ms
    const before = this.done
    while (this.#nowMs < end) this.#step()
    return (this.done - before) / ms
  }

  #step(): void {
    this.#nowMs += STEP_MS
    this.#comeIn()
    this.#work()
    this.#send()
    const arrived = this.#fetches.filter(({ atMs }) => atMs <= this.#nowMs)
    this.#fetches = this.#fetches.filter(({ atMs }) => atMs > this.#nowMs)
    for (const fetch of arrived) this.#arrive(fetch)
  }

  #comeIn(): void {
    const { inBytesPerMs, partitions, skew = 1 / partitions } = this.#options
    for (const [index, lane] of this.#lanes.entries()) {
      const part = index === 0 ? skew : (1 - skew) / (partitions - 1)
      lane.unread += STEP_MS * inBytesPerMs * part
    }
  }

  #work(): void {
    const { threads, batchMs, bytesPerMs } = this.#options
    for (const lane of this.#lanes) {
      if (lane.doneMs === 0 || lane.doneMs > this.#nowMs) continue
      this.done += lane.queue.shift()!
      lane.doneMs = 0
    }
    let free = threads - this.#lanes.filter(({ doneMs }) => doneMs > 0).length
    for (const lane of this.#lanes) {
      if (free === 0) return
      if (lane.doneMs > 0 || lane.queue.length === 0) continue
      lane.doneMs = this.#nowMs + batchMs + lane.queue[0] / bytesPerMs
      free--
    }
  }

  /** Batches in work hold what they were fetched into. */
  get #held(): number {
    return this.#lanes.reduce((sum, { queue }) => sum + queue.length, 0)
  }

  get #heldBytes(): number {
    return this.#lanes.flatMap(({ queue }) => queue).reduce((sum, bytes) => sum + bytes, 0)
  }

  #send(): void {
    const { queueMax, roundTripMs, logBytesPerMs, partitions } = this.#options
    let room = this.sizes.fetches - this.#held - this.#fetches.length
    for (let i = 0; i < partitions && room > 0; i++) {
      const lane = this.#lanes[(this.#turn + i) % partitions]
      if (lane.isFetched || lane.unread < 1 || lane.queue.length >= queueMax) continue
      const bytes = Math.min(this.sizes.bytes, lane.unread)
      const busy = this.#fetches.length
      const atMs = this.#nowMs + roundTripMs + ((busy + 1) * bytes) / logBytesPerMs
      this.#fetches.push({ lane, room: this.sizes.bytes, bytes, atMs })
      lane.isFetched = true
      room--
    }
    this.#turn++
  }

  #arrive({ lane, room, bytes }: { lane: Lane; room: number; bytes: number }): void {
    const { sizes } = this
    const isAlone = this.#fetches.length === 0 && this.#held + 1 >= sizes.fetches
    sizes.arrived(bytes, Math.ceil(bytes / 16_384), room, lane.queue.length === 0, isAlone)
    const elapsedMs = this.#nowMs - this.#lookedMs
    if (sizes.isDue(elapsedMs)) {
      this.#lookedMs = this.#nowMs
      if (sizes.look(elapsedMs, this.#heldBytes).length > 0)
        this.changes.push({ atMs: this.#nowMs, bytes: sizes.bytes, fetches: sizes.fetches })
    }
    lane.isFetched = false
    lane.unread -= bytes
    lane.queue.push(bytes)
  }
}
