// The series of one metric, their values in one typed array. Adding to a series that is there
// allocates nothing but the key that it is found by. Owned by Metrics.
//
//   counter, gauge   [ value ]                                  a slot of 1 for each series
//   histogram        [ count of each bucket …, of +Inf, sum ]   a slot of bounds + 2
import type { MetricSpec } from './metric_spec.ts'

/** In place of label values that there are too many of. */
const OTHER = 'other'
const SLOTS_MIN = 8

export interface Series {
  readonly labels: readonly string[]
  /** As in the slot; a copy. */
  readonly values: readonly number[]
}

export class Family {
  readonly spec: MetricSpec
  readonly #seriesMax: number
  readonly #width: number
  readonly #slots = new Map<string, number>()
  /** Keys of those that add up what there was no room for. */
  readonly #others = new Set<string>()
  /** By slot; undefined: it is free. */
  readonly #labels: (readonly string[] | undefined)[] = []
  readonly #free: number[] = []
  #values: Float64Array
  /** Gauges that have a value since the last begin(). */
  #isSet: Uint8Array

  /** So many series keep their labels: those that come first. */
  constructor(spec: MetricSpec, seriesMax: number) {
    this.spec = spec
    this.#seriesMax = seriesMax
    this.#width = spec.type === 'histogram' ? spec.bounds.length + 2 : 1
    this.#values = new Float64Array(this.#width * SLOTS_MIN)
    this.#isSet = new Uint8Array(SLOTS_MIN)
    // what has not happened yet is 0, and not unknown
    if (spec.labels.length === 0 && spec.type !== 'gauge') this.#slotOf([])
  }

  /** The values of gauges are about to be told anew. */
  begin(): void {
    if (this.spec.type === 'gauge') this.#isSet.fill(0)
  }

  /** Forgets gauges that were not told. */
  end(): void {
    if (this.spec.type !== 'gauge') return
    for (const [key, slot] of this.#slots) {
      if (this.#isSet[slot] === 1) continue
      this.#slots.delete(key)
      this.#others.delete(key)
      this.#labels[slot] = undefined
      this.#free.push(slot)
    }
  }

  /** A counter's growth; of gauges, what is added up under the same labels. */
  add(value: number, labels: readonly (string | number)[]): void {
    const slot = this.#slotOf(labels)
    if (this.spec.type === 'gauge' && this.#isSet[slot] === 0) this.#values[slot] = 0
    this.#isSet[slot] = 1
    this.#values[slot] += value
  }

  observe(value: number, labels: readonly (string | number)[]): void {
    const { bounds } = this.spec
    const at = this.#slotOf(labels) * this.#width
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]) bucket++
    this.#values[at + bucket]++
    this.#values[at + this.#width - 1] += value
  }

  series(): Series[] {
    const width = this.#width
    return [...this.#slots.values()].map((slot) => ({
      labels: this.#labels[slot]!,
      values: [...this.#values.subarray(slot * width, (slot + 1) * width)],
    }))
  }

  #slotOf(labels: readonly (string | number)[]): number {
    const known = this.#slots.get(labels.join('\0'))
    if (known !== undefined) return known
    if (this.#slots.size - this.#others.size < this.#seriesMax) return this.#newSlot(labels)
    const { labels: names, closed } = this.spec
    const others = names.map((name, at) => (closed.includes(name) ? labels[at] : OTHER))
    const key = others.join('\0')
    this.#others.add(key)
    return this.#slots.get(key) ?? this.#newSlot(others)
  }

  #newSlot(labels: readonly (string | number)[]): number {
    const slot = this.#free.pop() ?? this.#labels.length
    if (slot >= this.#isSet.length) this.#enlarge()
    this.#slots.set(labels.join('\0'), slot)
    this.#labels[slot] = labels.map(String)
    this.#values.fill(0, slot * this.#width, (slot + 1) * this.#width)
    this.#isSet[slot] = 0
    return slot
  }

  #enlarge(): void {
    const values = new Float64Array(this.#values.length * 2)
    values.set(this.#values)
    const isSet = new Uint8Array(this.#isSet.length * 2)
    isSet.set(this.#isSet)
    this.#values = values
    this.#isSet = isSet
  }
}
