// Intervals of integers, and how the operators of JavaScript move them. Bounds are exact below 2^53
// and rounded above, where only their size matters. Used by the inference and the emission.

export interface Range {
  readonly lo: number
  readonly hi: number
}

/**
 * What is known of a number: nothing yet (undefined), an integer that is not -0 in a range, or
 * 'float': any float64.
 */
export type Known = Range | 'float' | undefined

export const INT32: Range = { lo: -(2 ** 31), hi: 2 ** 31 - 1 }
/** What a float64 holds exactly. */
export const SAFE: Range = { lo: -(2 ** 53 - 1), hi: 2 ** 53 - 1 }
/**
 * Half of it: a product that is wider is computed in 64 bits without rounding, and where a small
 * number brings it back in here, JavaScript has not rounded it either.
 */
export const KEPT: Range = { lo: -(2 ** 52 - 1), hi: 2 ** 52 - 1 }
/** What may be added to a number that is wider: thousands of them still leave it below 2^53. */
const ADDED: Range = { lo: -(2 ** 40), hi: 2 ** 40 }
/** Beyond it a 64-bit sum might wrap. */
const WIDEST = 2 ** 62 + 2 ** 56

export function isRange(known: Known): known is Range {
  return known !== undefined && known !== 'float'
}

export function within(inner: Range, outer: Range): boolean {
  return inner.lo >= outer.lo && inner.hi <= outer.hi
}

export function isSmall(range: Range): boolean {
  return within(range, INT32)
}

/** Whether every integer in it is a float64 of its own: else JavaScript rounds, 64 bits do not. */
export function isSafe(range: Range): boolean {
  return within(range, SAFE)
}

/** Of a sum in 64 bits: whether all that comes out of it as KEPT was exact in JavaScript too. */
export function isExactSum(a: Range, b: Range): boolean {
  return (isSafe(a) && isSafe(b)) || within(a, ADDED) || within(b, ADDED)
}

export function isExactInt64(range: Range): boolean {
  return range.lo >= -WIDEST && range.hi <= WIDEST
}

export function hull(a: Range, b: Range): Range {
  return { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) }
}

/** Undefined where nothing is in both. */
export function intersect(a: Range, b: Range): Range | undefined {
  const lo = Math.max(a.lo, b.lo)
  const hi = Math.min(a.hi, b.hi)
  return lo <= hi ? { lo, hi } : undefined
}

export function sameRange(a: Range, b: Range): boolean {
  return a.lo === b.lo && a.hi === b.hi
}

export function hasZero(range: Range): boolean {
  return range.lo <= 0 && range.hi >= 0
}

function corners(a: Range, b: Range, f: (x: number, y: number) => number): Range {
  const values = [f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)]
  // -0 is no bound.
  return { lo: Math.min(...values) + 0, hi: Math.max(...values) + 0 }
}

export function addRanges(a: Range, b: Range): Range {
  return { lo: a.lo + b.lo, hi: a.hi + b.hi }
}

export function subtractRanges(a: Range, b: Range): Range {
  return { lo: a.lo - b.hi, hi: a.hi - b.lo }
}

export function multiplyRanges(a: Range, b: Range): Range {
  return corners(a, b, (x, y) => x * y)
}

/** Of the remainder, where the divisor is not 0. */
export function remainderRange(a: Range, b: Range): Range {
  const most = Math.max(Math.abs(b.lo), Math.abs(b.hi)) - 1
  return { lo: Math.max(Math.min(a.lo, 0), -most), hi: Math.min(Math.max(a.hi, 0), most) }
}

/** Of a quotient rounded to an integer in any direction, where the divisor is not 0. */
export function quotientRange(a: Range, b: Range): Range {
  const divisors = [b.lo, b.hi, -1, 1].filter((d) => d !== 0 && d >= b.lo && d <= b.hi)
  const all = divisors.flatMap((d) => [a.lo / d, a.hi / d])
  return { lo: Math.floor(Math.min(0, ...all)), hi: Math.ceil(Math.max(0, ...all)) }
}

export function absoluteRange(a: Range): Range {
  const hi = Math.max(Math.abs(a.lo), Math.abs(a.hi))
  return { lo: hasZero(a) ? 0 : Math.min(Math.abs(a.lo), Math.abs(a.hi)), hi }
}

/** As 32 bits see it. */
function small(range: Range | undefined): Range {
  return range !== undefined && isSmall(range) ? range : INT32
}

type BitOperator = '&' | '|' | '^' | '<<' | '>>' | '>>>'

/** Undefined operands are any number. */
export function bitRange(operator: BitOperator, a: Range | undefined, b: Range | undefined): Range {
  const left = small(a)
  const right = small(b)
  switch (operator) {
    case '&':
      return andRange(left, right)
    case '|':
    case '^':
      if (left.lo < 0 || right.lo < 0) return INT32
      return { lo: 0, hi: allOnes(Math.max(left.hi, right.hi)) }
    case '<<':
      return shiftedLeft(left, right)
    case '>>':
      return shiftedRight(left, right)
    default:
      return unsignedShift(left, right)
  }
}

function andRange(left: Range, right: Range): Range {
  const bounds = [left, right].filter(({ lo }) => lo >= 0).map(({ hi }) => hi)
  return bounds.length ? { lo: 0, hi: Math.min(...bounds) } : INT32
}

/** The smallest 2^n - 1 that is not less. */
function allOnes(value: number): number {
  return 2 ** (32 - Math.clz32(value)) - 1
}

function shiftedLeft(left: Range, right: Range): Range {
  if (right.lo !== right.hi) return INT32
  const factor = 2 ** (right.lo & 31)
  const shifted = { lo: left.lo * factor, hi: left.hi * factor }
  return isSmall(shifted) ? shifted : INT32
}

function shiftedRight(left: Range, right: Range): Range {
  const bits = right.lo === right.hi ? right.lo & 31 : 0
  const shifted = { lo: left.lo >> bits, hi: left.hi >> bits }
  return {
    lo: Math.min(shifted.lo, left.lo < 0 ? shifted.lo : 0),
    hi: Math.max(shifted.hi, left.hi < 0 ? -1 : shifted.hi),
  }
}

function unsignedShift(left: Range, right: Range): Range {
  const bits = right.lo === right.hi ? right.lo & 31 : 0
  if (left.lo >= 0)
    return { lo: right.lo === right.hi ? left.lo >>> bits : 0, hi: left.hi >>> bits }
  return { lo: 0, hi: 2 ** (32 - bits) - 1 }
}
