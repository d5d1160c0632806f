// Exact sums of doubles as rational numbers, rounded once at the end; and the distance of two
// doubles in units in the last place. Used by the naive oracle.

/** The double nearest to numerator / denominator × 2^-1074, ties to even. */
function nearest(numerator: bigint, denominator: bigint): number {
  const size = numerator < 0n ? -numerator : numerator
  const shift = Math.max(0, (size / denominator).toString(2).length - 53)
  const divisor = denominator << BigInt(shift)
  let quotient = size / divisor
  const rest = (size % divisor) * 2n
  if (rest > divisor || (rest === divisor && quotient % 2n === 1n)) quotient++
  const high = Number(quotient) * 2 ** (Math.min(shift, 2000) - 1074)
  return numerator < 0n ? -high : high
}

/** The double nearest to total / count. */
export function nearestRatio(total: bigint, count: number): number {
  return nearest(total << 1074n, BigInt(count))
}

const scratch = new DataView(new ArrayBuffer(8))

const LOW = 2 ** 27

/** Sums of the halves of 53-bit fractions: exact for 67 million of them. */
interface Fractions {
  high: number
  low: number
}

/** Sums by exponent, which are put together at the end. */
export class ExactSum {
  #fractions = new Map<number, Fractions>()
  #infinite = 0

  add(value: number): void {
    if (!Number.isFinite(value)) {
      this.#infinite += value
      return
    }
    scratch.setFloat64(0, value)
    const top = scratch.getUint32(0)
    const exponent = (top >>> 20) & 0x7ff
    const fraction = (top & 0xfffff) * 2 ** 32 + scratch.getUint32(4) + (exponent && 2 ** 52)
    const shift = exponent === 0 ? 0 : exponent - 1
    const sums = this.#fractions.get(shift) ?? { high: 0, low: 0 }
    this.#fractions.set(shift, sums)
    const sign = value < 0 ? -1 : 1
    sums.high += sign * Math.floor(fraction / LOW)
    sums.low += sign * (fraction % LOW)
  }

  /** The correctly rounded sum divided by `count`. */
  over(count: number): number {
    if (this.#infinite !== 0) return this.#infinite
    let total = 0n
    for (const [shift, { high, low }] of this.#fractions)
      total += (BigInt(high) * BigInt(LOW) + BigInt(low)) << BigInt(shift)
    return nearest(total, BigInt(count))
  }
}

function ordinal(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigInt64(0)
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits
}

/** How many doubles apart the two are; NaN and NaN are 0 apart. */
export function ulpDistance(a: number, b: number): bigint {
  if (Object.is(a, b) || a === b) return 0n
  if (Number.isNaN(a) || Number.isNaN(b)) return 1n << 64n
  const distance = ordinal(a) - ordinal(b)
  return distance < 0n ? -distance : distance
}
