// Appends the events of a schedule when they are due, and waits for nobody: what is due while a
// batch of its partition is on its way goes with the next one, as with any producer, and is as old
// then as it is. Run by feeder.ts, or by the worker where the log is of one process.
import type { Clock } from '../../src/clock.ts'
import { deferred } from '../../src/deferred.ts'
import type { LogProducer } from '../../src/log/log.ts'
import { DelayMeter } from '../../src/tune/delay_meter.ts'
import type { Schedule } from './schedule.ts'
import type { TimedViews } from './timed_views.ts'

const BATCH_EVENTS_MAX = 4000

export interface FeedOptions {
  readonly schedule: Schedule
  readonly views: Pick<TimedViews, 'batch'>
  readonly producer: Pick<LogProducer, 'appendBatch'>
  readonly topic: string
  readonly clock: Clock
}

export class Feed {
  readonly #options: FeedOptions
  readonly #ended = deferred()
  readonly #lateness = new DelayMeter()
  /** By partition: events that are on their way, or stored. */
  readonly #sent: number[]
  readonly #isBusy: boolean[]
  /** The next one. */
  #tick = 0

  constructor(options: FeedOptions) {
    const { partitions } = options.schedule.options
    this.#options = options
    this.#sent = new Array(partitions).fill(0)
    this.#isBusy = new Array(partitions).fill(false)
  }

  /** Resolves when all is stored; rejects with what an append has failed of. */
  run(): Promise<void> {
    this.#wait()
    return this.#ended.promise
  }

  /** ms after they were due that the schedule came to them; of events that count. */
  lateMs(share: number): number {
    return this.#lateness.percentile(share) ?? 0
  }

  #wait(): void {
    const { schedule, clock } = this.#options
    const ms = schedule.dueMs(this.#tick) - clock.monotonic()
    clock.after(Math.max(0, ms), () => this.#appendDue())
  }

  #appendDue(): void {
    const { schedule, clock } = this.#options
    const { ticks } = schedule
    for (; this.#tick < ticks && schedule.dueMs(this.#tick) <= clock.monotonic(); this.#tick++) {
      const lateMs = clock.monotonic() - schedule.dueMs(this.#tick)
      const events = schedule.endOf(this.#tick) - schedule.endOf(this.#tick - 1)
      if (schedule.counts(this.#tick)) this.#lateness.count(lateMs, events)
    }
    for (const partition of this.#sent.keys()) this.#send(partition)
    if (this.#tick < ticks) this.#wait()
  }

  /** What is due, unless something is on its way. */
  #send(partition: number): void {
    const { schedule, views, producer, topic } = this.#options
    const from = this.#sent[partition]
    const end = Math.min(schedule.endOf(this.#tick - 1), from + BATCH_EVENTS_MAX)
    if (this.#isBusy[partition] || end === from) return
    this.#isBusy[partition] = true
    this.#sent[partition] = end
    const stored = producer.appendBatch(topic, partition, views.batch(partition, from, end))
    stored.then(() => this.#stored(partition), this.#ended.reject)
  }

  #stored(partition: number): void {
    this.#isBusy[partition] = false
    this.#send(partition)
    const { schedule } = this.#options
    const isOver = this.#sent.every((sent) => sent === schedule.events)
    if (isOver && !this.#isBusy.includes(true)) this.#ended.resolve()
  }
}
