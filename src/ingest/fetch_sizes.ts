// How large the next fetches are and how many of them there may be, by the back-pressure behind
// them. Pure: it is told of each batch that comes, and now and then how many wait; who owns it has
// the clock, and does what it says. Owned by the fetch loop.
//
//   full, and so many a second that handing them over costs       ─▶ larger
//   full, and whoever takes them had nothing to do                ─▶ larger; more, where no other
//                                                                    fetch was on its way meanwhile
//   many batches of the log do not fit, and take a turn each      ─▶ larger
//   full, and they wait long before anybody has done with them    ─▶ smaller
//
// Batches that are not full say that the reader has caught up: larger ones would bring no more, and
// smaller ones save nothing, because of a region only what is filled is ever touched.
import type { NumberSpec } from '../setting_spec.ts'
import { settingSpecs } from '../setting_specs.ts'
import type { Settings } from '../settings.ts'

export interface FetchLimits {
  /** Where it begins. */
  readonly bytes: number
  readonly fetches: number
  readonly bytesMin: number
  readonly bytesMax: number
  readonly fetchesMax: number
  /** Most bytes of all fetches together. */
  readonly totalBytes: number
}

/** All that there are, in the order in which they are counted. */
export const fetchChanges = [
  { what: 'bytes', direction: 'up', reason: 'overhead' },
  { what: 'bytes', direction: 'up', reason: 'starved' },
  { what: 'bytes', direction: 'up', reason: 'too_small' },
  { what: 'bytes', direction: 'down', reason: 'waiting' },
  { what: 'fetches', direction: 'up', reason: 'starved' },
] as const

export type FetchChange = (typeof fetchChanges)[number]

const none: readonly FetchChange[] = []
const [overhead, starved, tooSmall, waiting, moreFetches] = fetchChanges

const KIB = 1024
const MIB = 1024 * KIB
/** Of memoryMib, what fetches may have where the settings ask for less. */
const MEMORY_SHARE = 8
/** Smaller ones are only begun with, where a setting says so. */
const BYTES_MIN = 64 * KIB

/** A look is due after so long with so many full batches, or after longer with any. */
const LOOK_MS = 100
const LOOK_BATCHES = 8
const LOOK_MS_MAX = 2000
/** Of a look's bytes: by these, partitions with little in them do not outvote the others. */
const MOST = 0.5
const HARDLY_ANY = 0.125
/** Batches a second from which the hand-over of each is worth saving; four times the next one. */
const OFTEN = 400
const SELDOM = 100
/** A batch that waits and is worked on for so long is one of too many bytes. */
const WAIT_MS_MAX = 200
/** At most by this at a time. */
const SHRINK_MAX = 8
/** Batches of the log that one of ours has room for, when it becomes smaller. */
const ROOM_BATCHES = 2
/** Looks in a row that have to say the same before batches become smaller. */
const SHRINK_LOOKS = 3
/** Each change of direction has the next one wait twice as long, up to so many times. */
const PATIENCE_MAX = 64
/** After so long without a change that is forgotten, step by step. */
const CALM_MS = 60_000

const { min } = Math

export class FetchSizes {
  readonly limits: FetchLimits
  /** Most bytes of a fetch that is sent now. */
  bytes: number
  /** Fetches and batches in work that there may be. */
  fetches: number
  /** How often each of `fetchChanges` was made. */
  readonly counts = new Float64Array(fetchChanges.length)
  // since the last look
  #batches = 0
  #fullBatches = 0
  #logBatches = 0
  #tooSmall = 0
  #bytes = 0
  #fullBytes = 0
  #awaitedBytes = 0
  #aloneBytes = 0
  /** Until what was fetched before the last change has gone through. */
  #settlingMs = 0
  #patience = 1
  #direction: FetchChange['direction'] | undefined
  #shrinkLooks = 0
  #growLooks = 0
  #calmMs = 0

  constructor(limits: FetchLimits) {
    this.limits = limits
    this.bytes = limits.bytes
    this.fetches = limits.fetches
  }

  /** Of the settings; with `adaptFetches: false` they stay what they are. */
  static of(settings: Settings): FetchSizes {
    const { batchBytes: bytes, fetchesInFlight: fetches, adaptFetches, memoryMib } = settings
    if (!adaptFetches) return FetchSizes.fixed(bytes, fetches)
    const preset: Record<'batchBytes' | 'fetchesInFlight', NumberSpec> = settingSpecs
    const [usualBytes, usualFetches] = [preset.batchBytes.default, preset.fetchesInFlight.default]
    const share = Math.floor((memoryMib * MIB) / MEMORY_SHARE)
    return new FetchSizes({
      bytes,
      fetches,
      bytesMin: min(bytes, BYTES_MIN),
      bytesMax: Math.max(bytes, usualBytes),
      fetchesMax: Math.max(fetches, usualFetches),
      totalBytes: Math.max(bytes * fetches, min(usualBytes * usualFetches, share)),
    })
  }

  static fixed(bytes: number, fetches: number): FetchSizes {
    const limits = { bytes, fetches, bytesMin: bytes, bytesMax: bytes, fetchesMax: fetches }
    return new FetchSizes({ ...limits, totalBytes: bytes * fetches })
  }

  /** Nothing can change. */
  get isFixed(): boolean {
    const { bytesMin, bytesMax, fetches, fetchesMax } = this.limits
    return bytesMin === bytesMax && fetches === fetchesMax
  }

  /**
   * So many batches of the log have come into a place of `room` bytes. `isAwaited`: those who take
   * them had nothing. `isAlone`: no other fetch was on its way, nor could one be sent.
   */
  arrived(
    bytes: number,
    logBatches: number,
    room: number,
    isAwaited: boolean,
    isAlone: boolean,
  ): void {
    this.#batches++
    this.#logBatches += logBatches
    this.#bytes += bytes
    if (isAwaited) this.#awaitedBytes += bytes
    if (isAlone) this.#aloneBytes += bytes
    if (bytes < room * MOST) return
    this.#fullBatches++
    this.#fullBytes += bytes
  }

  /** A batch of the log needs a place of its own. */
  tooSmall(): void {
    this.#tooSmall++
  }

  /** It is time for a look, so long after the last one. */
  isDue(elapsedMs: number): boolean {
    if (elapsedMs < LOOK_MS) return false
    return this.#fullBatches >= LOOK_BATCHES || elapsedMs >= LOOK_MS_MAX
  }

  /** So long after the last look, while so much waits or is worked on: what changes now. */
  look(elapsedMs: number, waitingBytes: number): readonly FetchChange[] {
    this.#settlingMs -= elapsedMs
    this.#growCalm(elapsedMs)
    const isBlind = this.#bytes === 0 || this.#settlingMs > 0
    // by Little's law
    const waitMs = (waitingBytes * elapsedMs) / this.#bytes
    const changes = isBlind ? none : this.#judge((this.#fullBatches * 1000) / elapsedMs, waitMs)
    this.#batches = this.#fullBatches = this.#logBatches = this.#tooSmall = 0
    this.#bytes = this.#fullBytes = this.#awaitedBytes = this.#aloneBytes = 0
    return changes
  }

  /** `perSecond`: full batches. `waitMs`: how long a byte waits and is worked on. */
  #judge(perSecond: number, waitMs: number): readonly FetchChange[] {
    const [batches, bytes] = [this.#batches, this.#bytes]
    const isFull = this.#fullBytes >= bytes * MOST
    const isStarved = this.#fullBatches >= LOOK_BATCHES && this.#awaitedBytes >= bytes * MOST
    const isLong = waitMs > WAIT_MS_MAX && this.#awaitedBytes <= bytes * HARDLY_ANY
    if (isFull && isLong && perSecond < SELDOM) return this.#shrink(waitMs)
    this.#shrinkLooks = 0
    if (this.#tooSmall > batches * HARDLY_ANY) return this.#grow(tooSmall)
    if (isFull && isStarved) return this.#grow(starved)
    if (isFull && perSecond > OFTEN) return this.#grow(overhead)
    this.#growLooks = 0
    return none
  }

  #grow(reason: FetchChange): readonly FetchChange[] {
    const { bytesMax, fetchesMax, totalBytes } = this.limits
    const needed = this.#direction === 'down' ? this.#patience : 1
    if (++this.#growLooks < needed) return none
    const changes: FetchChange[] = []
    const fetches = min(fetchesMax, this.fetches * 2)
    const isShort = reason === starved && this.#aloneBytes >= this.#bytes * MOST
    if (isShort && fetches > this.fetches && fetches * this.bytes <= totalBytes) {
      this.fetches = fetches
      changes.push(this.#changed(moreFetches))
    }
    const bytes = min(bytesMax, this.bytes * 2)
    if (bytes > this.bytes && bytes * this.fetches <= totalBytes) {
      this.bytes = bytes
      changes.push(this.#changed(reason))
    }
    return changes
  }

  #shrink(waitMs: number): readonly FetchChange[] {
    this.#growLooks = 0
    const needed = SHRINK_LOOKS * (this.#direction === 'up' ? this.#patience : 1)
    if (++this.#shrinkLooks < needed) return none
    const least = Math.max(this.limits.bytesMin, ROOM_BATCHES * (this.#bytes / this.#logBatches))
    let { bytes } = this
    for (let factor = 1; factor < SHRINK_MAX && waitMs > factor * WAIT_MS_MAX; factor *= 2)
      if (bytes / 2 >= least) bytes = Math.floor(bytes / 2)
    if (bytes === this.bytes) return none
    this.bytes = bytes
    this.#settlingMs = waitMs
    return [this.#changed(waiting)]
  }

  #changed(change: FetchChange): FetchChange {
    const { direction } = change
    if (this.#direction !== undefined && this.#direction !== direction)
      this.#patience = min(PATIENCE_MAX, this.#patience * 2)
    this.#direction = direction
    this.#calmMs = 0
    this.#shrinkLooks = 0
    this.#growLooks = 0
    this.counts[fetchChanges.indexOf(change)]++
    return change
  }

  #growCalm(elapsedMs: number): void {
    this.#calmMs += elapsedMs
    if (this.#calmMs < CALM_MS) return
    this.#calmMs = 0
    this.#patience = Math.max(1, this.#patience / 2)
  }
}
