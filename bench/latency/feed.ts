// Appends the events of a schedule when they are due, and waits for nothing else: not for the log,
// not for who reads. What it is late with is appended as soon as it can be, and is as old then as it
// is late. Run by feeder.ts, or by the worker where the log is of one process.
import type { Clock } from '../../src/clock.ts'
import { deferred } from '../../src/deferred.ts'
import type { LogProducer } from '../../src/log/log.ts'
import { DelayMeter } from '../../src/tune/delay_meter.ts'
import type { Schedule } from './schedule.ts'

export interface FeedOptions {
  readonly schedule: Schedule
  /** Undefined where nothing of the partition is due at that tick. */
  readonly batch: (partition: number, tick: number) => Uint8Array | undefined
  readonly producer: Pick<LogProducer, 'appendBatch'>
  readonly topic: string
  readonly clock: Clock
}

export class Feed {
  readonly #options: FeedOptions
  readonly #ended = deferred()
  readonly #lateness = new DelayMeter()
  #tick = 0
  #underWay = 0

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Resolves when all is stored; rejects with what an append has failed of. */
  run(): Promise<void> {
    this.#wait()
    return this.#ended.promise
  }

  /** ms that events were appended after they were due; of those that count. */
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
    while (this.#tick < schedule.ticks && schedule.dueMs(this.#tick) <= clock.monotonic())
      this.#append(this.#tick++)
    if (this.#tick < schedule.ticks) this.#wait()
    else this.#end()
  }

  #append(tick: number): void {
    const { schedule, batch, producer, topic, clock } = this.#options
    for (let partition = 0; partition < schedule.options.partitions; partition++) {
      const bytes = batch(partition, tick)
      if (bytes === undefined) continue
      this.#underWay++
      const stored = producer.appendBatch(topic, partition, bytes)
      if (schedule.counts(tick)) {
        const records = schedule.endOf(tick) - schedule.endOf(tick - 1)
        this.#lateness.count(clock.monotonic() - schedule.dueMs(tick), records)
      }
      stored.then(() => this.#stored(), this.#ended.reject)
    }
  }

  #stored(): void {
    this.#underWay--
    this.#end()
  }

  #end(): void {
    const isOver = this.#tick === this.#options.schedule.ticks && this.#underWay === 0
    if (isOver) this.#ended.resolve()
  }
}
