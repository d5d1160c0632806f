// Records of a sample that become readable one after the other, at a rate, whether anybody reads
// them or not: so a reader that stops has to make up for it, and what waited is seen to have waited
// (no coordinated omission). Used by runs of `tune` at a rate.
import type { Clock } from '../clock.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { SampledTopic } from './sample_spec.ts'

interface Schedule {
  readonly earliest: number
  readonly latest: number
  /** Records a ms. */
  readonly perMs: number
}

export interface PaceEnd {
  readonly offset: number
  /** Of the sample. */
  readonly isLast: boolean
}

/** A batch becomes readable with its last record. */
export interface CountedBatch {
  readonly records: number
  readonly ageMs: number
}

export class Pace {
  readonly #clock: Clock
  readonly #schedules = new Map<string, Schedule>()
  /** Batches whose results do not count yet, by partitionKey(). */
  readonly #fetched = new Map<string, { lastOffset: number; records: number }[]>()
  /** The last offset of which they do. */
  readonly #counted = new Map<string, number>()
  #beganMs: number | undefined

  /** `rate`: records a second of all partitions, which all end at the same time. */
  constructor(sample: readonly SampledTopic[], rate: number, clock: Clock) {
    this.#clock = clock
    const all = sample.flatMap(({ topic, partitions }) =>
      partitions.map((each) => ({ topic, ...each })),
    )
    const total = all.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0)
    for (const { earliest, latest, ...place } of all) {
      const perMs = (rate / 1000) * ((latest - earliest) / total)
      this.#schedules.set(partitionKey(place), { earliest, latest, perMs })
    }
  }

  /** From now on. */
  begin(): void {
    this.#beganMs = this.#clock.monotonic()
  }

  /** Up to where the partition can be read now; undefined where it is not of the sample. */
  end(topic: string, partition: number): PaceEnd | undefined {
    const schedule = this.#schedules.get(partitionKey({ topic, partition }))
    if (schedule === undefined) return undefined
    const { earliest, latest, perMs } = schedule
    const elapsed = this.#beganMs === undefined ? 0 : this.#clock.monotonic() - this.#beganMs
    const offset = Math.min(latest, earliest + Math.floor(elapsed * perMs))
    return { offset, isLast: offset === latest }
  }

  /** A batch is on its way to the reader. One that was fetched before is not counted again. */
  fetched(topic: string, partition: number, lastOffset: number, records: number): void {
    const key = partitionKey({ topic, partition })
    const queue = this.#fetched.get(key) ?? []
    this.#fetched.set(key, queue)
    const known = queue.at(-1)?.lastOffset ?? this.#counted.get(key) ?? -1
    if (lastOffset > known) queue.push({ lastOffset, records })
  }

  /** Results of all records below `end` count from now on: batches that have not been told yet. */
  counted(topic: string, partition: number, end: number): CountedBatch[] {
    const key = partitionKey({ topic, partition })
    const queue = this.#fetched.get(key) ?? []
    const size = queue.findIndex(({ lastOffset }) => lastOffset >= end)
    const done = queue.splice(0, size < 0 ? queue.length : size)
    this.#counted.set(key, end - 1)
    return done.map(({ lastOffset, records }) => {
      return { records, ageMs: Math.max(0, this.ageMs(topic, partition, lastOffset)) }
    })
  }

  /** ms since a record became readable; below 0 before. */
  ageMs(topic: string, partition: number, offset: number): number {
    const schedule = this.#schedules.get(partitionKey({ topic, partition }))
    if (schedule === undefined || this.#beganMs === undefined) return 0
    const { earliest, perMs } = schedule
    return this.#clock.monotonic() - this.#beganMs - (offset + 1 - earliest) / perMs
  }
}
