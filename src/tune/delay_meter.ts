// How late results are: of records, from when they became readable to the cut that has their
// results. Used by runs of `tune` at a rate, and by benches of latency.
import type { CountedBatch } from './pace.ts'
import type { Delays } from './sample_spec.ts'

export class DelayMeter {
  #agesMs = new Float64Array(1024)
  #records = new Float64Array(1024)
  #size = 0
  /** Places in the order of their ages; undefined since the last that was added. */
  #order: Uint32Array | undefined

  add(batches: readonly CountedBatch[]): void {
    for (const { ageMs, records } of batches) this.count(ageMs, records)
  }

  /** So many records that are equally late. Makes no object. */
  count(ageMs: number, records: number): void {
    if (this.#size === this.#agesMs.length) this.#grow()
    this.#agesMs[this.#size] = ageMs
    this.#records[this.#size++] = records
    this.#order = undefined
  }

  /** Of records; undefined before the first. */
  read(): Delays | undefined {
    const max = this.percentile(1)
    if (max === undefined) return undefined
    return { p50: this.percentile(0.5)!, p99: this.percentile(0.99)!, max }
  }

  /** ms that this share of the records is within; undefined before the first. */
  percentile(share: number): number | undefined {
    const order = (this.#order ??= this.#sorted())
    let total = 0
    for (const place of order) total += this.#records[place]
    let seen = 0
    for (const place of order) {
      seen += this.#records[place]
      if (seen >= share * total) return this.#agesMs[place]
    }
    return order.length === 0 ? undefined : this.#agesMs[order[order.length - 1]]
  }

  #sorted(): Uint32Array {
    const ages = this.#agesMs
    const places = Uint32Array.from({ length: this.#size }, (_, place) => place)
    return places.sort((a, b) => ages[a] - ages[b])
  }

  #grow(): void {
    const grown = () => new Float64Array(this.#size * 2)
    const [ages, records] = [grown(), grown()]
    ages.set(this.#agesMs)
    records.set(this.#records)
    this.#agesMs = ages
    this.#records = records
  }
}
