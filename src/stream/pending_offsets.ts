// Offsets of events that were taken and are not acknowledged, in order; they may be acknowledged in
// any. Used by kept_events.ts.
//
//   taken 1 … 10, acknowledged 1 2 3 4 6 7 8 10  ─▶  first() is 5, then 9

/** Offsets that are gone from the array's beginning before it is made shorter. */
const GONE_MAX = 1024

export class PendingOffsets {
  /** Ascending; those before #head are gone. */
  #offsets: number[] = []
  #head = 0
  /** Gone, behind #head. */
  readonly #gone = new Set<number>()

  get size(): number {
    return this.#offsets.length - this.#head - this.#gone.size
  }

  /** The smallest; Infinity where there is none. */
  first(): number {
    return this.#head < this.#offsets.length ? this.#offsets[this.#head] : Number.POSITIVE_INFINITY
  }

  /** One that is not in it. Cheap where it is larger than all. */
  add(offset: number): void {
    if (this.#gone.delete(offset)) return
    const offsets = this.#offsets
    const at = this.#placeOf(offset)
    if (at === offsets.length) offsets.push(offset)
    else offsets.splice(at, 0, offset)
  }

  has(offset: number): boolean {
    const at = this.#placeOf(offset)
    return this.#offsets[at] === offset && !this.#gone.has(offset)
  }

  /** False where it is not in it. */
  delete(offset: number): boolean {
    if (!this.has(offset)) return false
    this.#gone.add(offset)
    while (this.#gone.delete(this.#offsets[this.#head])) this.#head++
    if (this.#head >= GONE_MAX || this.#head === this.#offsets.length) {
      this.#offsets = this.#offsets.slice(this.#head)
      this.#head = 0
    }
    return true
  }

  /** Ascending. */
  *[Symbol.iterator](): IterableIterator<number> {
    const { length } = this.#offsets
    for (let at = this.#head; at < length; at++)
      if (!this.#gone.has(this.#offsets[at])) yield this.#offsets[at]
  }

  /** Of the first offset that is not smaller. */
  #placeOf(offset: number): number {
    const offsets = this.#offsets
    let from = this.#head
    let to = offsets.length
    if (to > from && offsets[to - 1] < offset) return to
    while (from < to) {
      const middle = (from + to) >>> 1
      if (offsets[middle] < offset) from = middle + 1
      else to = middle
    }
    return from
  }
}
