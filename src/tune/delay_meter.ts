// How late results are: of each batch of a sample, from when it became readable to the cut that has
// its results. Used by runs of `tune` at a rate.
import type { CountedBatch } from './pace.ts'
import type { Delays } from './sample_spec.ts'

export class DelayMeter {
  readonly #batches: CountedBatch[] = []

  add(batches: readonly CountedBatch[]): void {
    this.#batches.push(...batches)
  }

  /** Of records; undefined before the first. */
  read(): Delays | undefined {
    if (this.#batches.length === 0) return undefined
    const sorted = [...this.#batches].sort((a, b) => a.ageMs - b.ageMs)
    const total = sorted.reduce((sum, { records }) => sum + records, 0)
    const below = (share: number): number => {
      let seen = 0
      for (const { ageMs, records } of sorted) {
        seen += records
        if (seen >= share * total) return ageMs
      }
      return sorted[sorted.length - 1].ageMs
    }
    return { p50: below(0.5), p99: below(0.99), max: sorted[sorted.length - 1].ageMs }
  }
}
