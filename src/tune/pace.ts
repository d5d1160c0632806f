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

export class Pace {
  readonly #clock: Clock
  readonly #schedules = new Map<string, Schedule>()
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

  /** Offset up to which the partition can be read now; undefined where it is not of the sample. */
  end(topic: string, partition: number): number | undefined {
    const schedule = this.#schedules.get(partitionKey({ topic, partition }))
    if (schedule === undefined) return undefined
    const { earliest, latest, perMs } = schedule
    const elapsed = this.#beganMs === undefined ? 0 : this.#clock.monotonic() - this.#beganMs
    return Math.min(latest, earliest + Math.floor(elapsed * perMs))
  }

  /** ms since a record became readable; below 0 before. */
  ageMs(topic: string, partition: number, offset: number): number {
    const schedule = this.#schedules.get(partitionKey({ topic, partition }))
    if (schedule === undefined || this.#beganMs === undefined) return 0
    const { earliest, perMs } = schedule
    return this.#clock.monotonic() - this.#beganMs - (offset + 1 - earliest) / perMs
  }
}
