// Doubles as whole numbers of 2^-1074, which all of them are: sums and products without rounding.
// Used by the tests of error bounds.

const view = new DataView(new ArrayBuffer(8))

/** x · 2^1074, for a finite x. */
export function fixed(x: number): bigint {
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const size = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return x < 0 ? -size : size
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

export function total(values: Iterable<bigint>): bigint {
  let sum = 0n
  for (const value of values) sum += value
  return sum
}

/** |actual - exact| ≤ factor · 2^-53 · scale; all in the same unit. */
export function isWithin(actual: bigint, exact: bigint, factor: number, scale: bigint): boolean {
  return magnitude(actual - exact) << 53n <= BigInt(factor) * magnitude(scale)
}
