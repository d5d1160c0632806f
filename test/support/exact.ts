// Exact sums of doubles as rational numbers, rounded once at the end; and the distance of two doubles
// in units in the last place. Used by the naive oracle.

/** The double as a multiple of 2^-1074. */
function scaled(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const size = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return bits >> 63n ? -size : size
}

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

export class ExactSum {
  #total = 0n
  #infinite = 0

  add(value: number): void {
    if (Number.isFinite(value)) this.#total += scaled(value)
    else this.#infinite += value
  }

  /** The correctly rounded sum divided by `count`. */
  over(count: number): number {
    if (this.#infinite !== 0) return this.#infinite
    return nearest(this.#total, BigInt(count))
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
