// Makes the page views of `euphorion demo`, at a rate or as fast as they are aggregated.
import { type Clock, pause } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { PageViews } from '../tune/workload.ts'

export interface DemoFeedOptions {
  readonly log: Log
  readonly topic: string
  readonly partitions: number
  /** Number.MAX_SAFE_INTEGER: until stop(). */
  readonly events: number
  /** Events a second; Infinity for no bound. */
  readonly rate: number
  /** Lets the embedded log drop what was aggregated, sooner than its own maintenance would. */
  readonly cleans: boolean
  /** Events aggregated so far. */
  readonly aggregated: () => number
  readonly clock: Clock
}

/** A log that is cleaned when told. */
interface Cleaner {
  clean(topic: string): Promise<void>
}

/** Events that may wait to be aggregated. */
const LAG_MAX = 1_000_000
const PAUSE_MS = 5
/** About 150 MB. */
const CLEAN_EVENTS = 2_000_000

export class DemoFeed {
  readonly #options: DemoFeedOptions
  #stopped = false
  /** Events stored in the topic so far. */
  produced = 0

  constructor(options: DemoFeedOptions) {
    this.#options = options
  }

  /** Resolves when all events are stored, or after stop(). */
  async run(): Promise<void> {
    const { log, topic, partitions, events, clock, cleans } = this.#options
    const views = new PageViews({ events, partitions })
    const cleaner = 'clean' in log ? (log as Log & Cleaner) : undefined
    const producer = await log.producer()
    const startedAt = clock.monotonic()
    let cleanAt = cleans ? CLEAN_EVENTS : Number.POSITIVE_INFINITY
    for (let batch = views.nextBatch(); batch !== undefined; batch = views.nextBatch()) {
      const { partition, bytes, records } = batch
      await producer.appendBatch(topic, partition, bytes)
      this.produced += records
      if (this.produced >= cleanAt) {
        cleanAt += CLEAN_EVENTS
        await cleaner?.clean(topic)
      }
      await this.#pace(startedAt)
      if (this.#stopped) break
    }
    await producer.close()
  }

  stop(): void {
    this.#stopped = true
  }

  async #pace(startedAt: number): Promise<void> {
    const { rate, aggregated, clock } = this.#options
    const isAhead = (): boolean =>
      this.produced > ((clock.monotonic() - startedAt) / 1000) * rate ||
      this.produced - aggregated() > LAG_MAX
    await new Promise((resolve) => setImmediate(resolve))
    while (!this.#stopped && isAhead()) {
      await pause(clock, PAUSE_MS)
    }
  }
}
