// How late results are: of each record of a sample, from when it became readable to the cut that
// has its result. Used by runs of `tune` at a rate.
import type { Delays } from './sample_spec.ts'

/** Records between two cuts that stand for the others. */
const POINTS = 25

export class DelayMeter {
  readonly #delays: { readonly ms: number; readonly records: number }[] = []

  /** A cut has the records from `from` up to before `to`; `ageMs` of each as of now. */
  add(from: number, to: number, ageMs: (offset: number) => number): void {
    const records = to - from
    if (records <= 0) return
    const points = Math.min(POINTS, records)
    for (let point = 0; point < points; point++) {
      const offset = from + Math.floor(((point + 0.5) * records) / points)
      this.#delays.push({ ms: Math.max(0, ageMs(offset)), records: records / points })
    }
  }

  /** Undefined before the first. */
  read(): Delays | undefined {
    if (this.#delays.length === 0) return undefined
    const sorted = [...this.#delays].sort((a, b) => a.ms - b.ms)
    const total = sorted.reduce((sum, { records }) => sum + records, 0)
    const below = (share: number): number => {
      let seen = 0
      for (const { ms, records } of sorted) {
        seen += records
        if (seen >= share * total) return ms
      }
      return sorted[sorted.length - 1].ms
    }
    return { p50: below(0.5), p99: below(0.99), max: sorted[sorted.length - 1].ms }
  }
}
