// How much numbers that only grow have grown since they were last read. Sources tell counters by it
// what is counted elsewhere; what counted is forgotten with its object.

export class Growth {
  readonly #seen = new WeakMap<object, number[]>()

  /**
   * Of the number `at` of an object, from 0 or from what `from()` has said of it. 0 where it went
   * back: what is counted again is not told again.
   */
  of(source: object, at: number, value: number): number {
    const seen = this.#seenOf(source)
    const before = seen[at] ?? 0
    if (value <= before) return 0
    seen[at] = value
    return value - before
  }

  /** The number was this before anybody counted; heeded once. */
  from(source: object, at: number, value: number): void {
    this.#seenOf(source)[at] ??= value
  }

  #seenOf(source: object): number[] {
    let seen = this.#seen.get(source)
    if (seen === undefined) this.#seen.set(source, (seen = []))
    return seen
  }
}
