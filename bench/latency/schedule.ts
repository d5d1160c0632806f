// When each event of a latency run is to be appended, whatever happens to those before it, and what
// follows from that: which key it has, what a window counts. Plain arithmetic over an event's
// number in its partition, which is its offset. Used by the feed, by what observes, and by checks.

/** Events that are due at one moment are appended together, as a producer that lingers would. */
export const TICK_MS = 5
export const WINDOW_MS = 10_000

export interface ScheduleOptions {
  /** Events a second, of all partitions, which have the same share. */
  readonly rate: number
  /** Before what counts. */
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly partitions: number
  /** Of each partition, in turn. */
  readonly keys: number
}

/** When it begins. */
export interface ScheduleStart {
  /** By the clock that all processes share. */
  readonly dueMs: number
  /** Event time of the first events; whole. */
  readonly eventMs: number
}

export class Schedule {
  readonly options: ScheduleOptions
  readonly start: ScheduleStart
  /** All there are, those of the warm-up first. */
  readonly ticks: number
  readonly warmUpTicks: number
  /** Of one partition. */
  readonly events: number
  /** An event's tick is its number × this : the other, whole numbers both. */
  readonly #times: number
  readonly #by: number

  constructor(options: ScheduleOptions, start: ScheduleStart) {
    this.options = options
    this.start = start
    this.#times = 1000 * options.partitions
    this.#by = options.rate * TICK_MS
    this.warmUpTicks = Math.round((options.warmUpSeconds * 1000) / TICK_MS)
    this.ticks = this.warmUpTicks + Math.round((options.seconds * 1000) / TICK_MS)
    this.events = this.endOf(this.ticks - 1)
  }

  /** Of all partitions. */
  get total(): number {
    return this.events * this.options.partitions
  }

  /** Of an event. */
  tickOf(event: number): number {
    return Math.floor((event * this.#times) / this.#by)
  }

  /** Events of a partition that are due by then: the number of the first that is not. */
  endOf(tick: number): number {
    return Math.ceil(((tick + 1) * this.#by) / this.#times)
  }

  dueMs(tick: number): number {
    return this.start.dueMs + tick * TICK_MS
  }

  get lastDueMs(): number {
    return this.dueMs(this.ticks - 1)
  }

  eventMs(tick: number): number {
    return this.start.eventMs + tick * TICK_MS
  }

  /** Not of the warm-up. */
  counts(tick: number): boolean {
    return tick >= this.warmUpTicks
  }

  /** Where the window begins that an event is in. */
  windowOf(event: number): number {
    const time = this.eventMs(this.tickOf(event))
    return time - (time % WINDOW_MS)
  }

  /** The first event of a partition whose time is not before `eventMs`. */
  firstAt(eventMs: number): number {
    const ticks = Math.ceil((eventMs - this.start.eventMs) / TICK_MS)
    return Math.min(this.events, this.endOf(Math.max(0, ticks) - 1))
  }

  /** How many of a partition's first `end` events have the key with this number. */
  ofKey(key: number, end: number): number {
    return Math.max(0, Math.ceil((end - key) / this.options.keys))
  }

  /** The key's events are numbered too, from 0 on: which one of the partition is that? */
  eventOfKey(key: number, index: number): number {
    return key + index * this.options.keys
  }

  /** What the key's row of a window says when the first `end` events are counted. */
  countOf(key: number, windowStart: number, end: number): number {
    const from = this.ofKey(key, this.firstAt(windowStart))
    const to = this.ofKey(key, Math.min(end, this.firstAt(windowStart + WINDOW_MS)))
    return Math.max(0, to - from)
  }

  /** Starts of all windows that have events. */
  windows(): number[] {
    const starts: number[] = []
    const last = this.eventMs(this.ticks - 1)
    for (let start = this.windowOf(0); start <= last; start += WINDOW_MS) starts.push(start)
    return starts
  }
}
