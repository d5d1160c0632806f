// Draws indexes that are skewed like the pages of a site: a few hundred common ones and a long
// tail. Alias method: two numbers and one table look-up a draw, whatever the number of keys.

/** Weight of key k is (1 + k / (WIDTH × keys)) ^ -STEEPNESS. */
const STEEPNESS = 2.5
const WIDTH = 0.02
/** More keys than this are all equally likely: whoever asks for them wants them to occur. */
const SKEWED_KEYS_MAX = 100_000

const FULL = 4294967296

export class SkewedKeys {
  readonly #keys: number
  /** A draw of the slot is the slot itself below this (of 2^32), else its alias. */
  readonly #threshold: Float64Array
  readonly #alias: Uint32Array

  constructor(keys: number) {
    this.#keys = keys
    this.#threshold = new Float64Array(keys).fill(FULL)
    this.#alias = new Uint32Array(keys)
    const weights = new Float64Array(keys)
    let total = 0
    for (let key = 0; key < keys; key++) {
      weights[key] = keys > SKEWED_KEYS_MAX ? 1 : (1 + key / (WIDTH * keys)) ** -STEEPNESS
      total += weights[key]
    }
    const small: number[] = []
    const large: number[] = []
    for (let key = 0; key < keys; key++) {
      weights[key] *= keys / total
      if (weights[key] < 1) small.push(key)
      else large.push(key)
    }
    // What the poor slot lacks is taken from a rich one, until every slot weighs 1.
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop()!
      const rich = large[large.length - 1]
      this.#threshold[poor] = weights[poor] * FULL
      this.#alias[poor] = rich
      weights[rich] -= 1 - weights[poor]
      if (weights[rich] < 1) small.push(large.pop()!)
    }
  }

  /** The key for two random 32-bit numbers. */
  pick(first: number, second: number): number {
    const slot = Math.floor(((first >>> 0) / FULL) * this.#keys)
    return second >>> 0 < this.#threshold[slot] ? slot : this.#alias[slot]
  }
}
