// Events that have been seen where a run looks for them, and how long after they were due. Each has
// to be seen once. Filled by what observes: a table, an output, an agent.
import assert from 'node:assert/strict'
import { deferred } from '../../src/deferred.ts'
import { DelayMeter } from '../../src/tune/delay_meter.ts'
import { type Schedule, TICK_MS } from './schedule.ts'
import type { Urls } from './urls.ts'

/** ms; of the events that count. */
export interface Reading {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly most: number
  /** From when the last event was due to when all had been seen. */
  readonly lastAfter: number
}

export class Sightings {
  readonly schedule: Schedule
  readonly #delays = new DelayMeter()
  readonly #all = deferred()
  #seen = 0
  /** Of the ticks of all that were seen. */
  #sum = 0
  #lastMs = 0

  constructor(schedule: Schedule) {
    this.schedule = schedule
  }

  /** As many were seen as there are. */
  get all(): Promise<void> {
    return this.#all.promise
  }

  get areAll(): boolean {
    return this.#seen >= this.schedule.total
  }

  /** So many events that were due at that tick are seen now. */
  see(tick: number, events: number, atMs: number): void {
    const { schedule } = this
    if (schedule.counts(tick)) this.#delays.count(atMs - schedule.dueMs(tick), events)
    this.#seen += events
    this.#sum += tick * events
    this.#lastMs = atMs
    if (this.areAll) this.#all.resolve()
  }

  /** An event of that time. */
  seeEvent(eventMs: number, atMs: number): void {
    this.see((eventMs - this.schedule.start.eventMs) / TICK_MS, 1, atMs)
  }

  /** Events `from` up to before `end` of a partition. */
  seeRange(from: number, end: number, atMs: number): void {
    const { schedule } = this
    for (let event = from; event < end; ) {
      const tick = schedule.tickOf(event)
      const next = Math.min(end, schedule.endOf(tick))
      this.see(tick, next - event, atMs)
      event = next
    }
  }

  /** Throws unless all were seen, each once. */
  read(): Reading {
    const { schedule } = this
    assert.equal(this.#seen, schedule.total, 'events that were seen, and that there are')
    let sum = 0
    for (let tick = 0; tick < schedule.ticks; tick++)
      sum += tick * (schedule.endOf(tick) - schedule.endOf(tick - 1))
    assert.equal(this.#sum, sum * schedule.options.partitions, 'the times of the events seen')
    const within = (share: number): number => this.#delays.percentile(share)!
    return {
      p50: within(0.5),
      p99: within(0.99),
      p999: within(0.999),
      most: within(1),
      lastAfter: this.#lastMs - schedule.lastDueMs,
    }
  }
}

/** A row of the table, as it is read, and as it comes in the output. */
export interface CountRow {
  readonly key: string
  readonly start: number
  readonly views: number
}

/** Rows one after the other; each has the events that the row before it had, and later ones. */
export class RowSightings {
  readonly sightings: Sightings
  readonly #urls: Urls
  /** By start and url. */
  readonly #views = new Map<string, number>()

  constructor(schedule: Schedule, urls: Urls) {
    this.sightings = new Sightings(schedule)
    this.#urls = urls
  }

  see({ key: url, start, views }: CountRow, atMs: number): void {
    const { schedule } = this.sightings
    const { key } = this.#urls.placeOf(url)
    const name = `${start} ${url}`
    const before = this.#views.get(name) ?? 0
    const first = schedule.ofKey(key, schedule.firstAt(start))
    for (let index = first + before; index < first + views; index++)
      this.sightings.see(schedule.tickOf(schedule.eventOfKey(key, index)), 1, atMs)
    if (views > before) this.#views.set(name, views)
  }

  /** Throws unless the last row of each url and window is right. */
  read(): Reading {
    const { schedule } = this.sightings
    checkRows(this.#views, schedule, this.#urls)
    return this.sightings.read()
  }
}

/** Throws unless these are the counts of all events, by start and url. */
export function checkRows(
  views: ReadonlyMap<string, number>,
  schedule: Schedule,
  urls: Urls,
): void {
  let rows = 0
  for (const start of schedule.windows())
    for (const url of urls.texts.flat()) {
      const count = schedule.countOf(urls.placeOf(url).key, start, schedule.events)
      if (count === 0) continue
      rows++
      assert.equal(views.get(`${start} ${url}`), count, `views of ${url} from ${start}`)
    }
  assert.equal(views.size, rows, 'rows')
}
