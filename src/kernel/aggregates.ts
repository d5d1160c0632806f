// Arithmetic on the states of cells (layout: state.ts): add a value, merge two states, read the
// results. Used by the reference kernel, the cut and the tables; assembly/aggregate.ts does the
// same additions in the same order, so that the bytes are equal.
import type { StateField, StateLayout } from './state.ts'

export type OutputValue = number | bigint | null

/**
 * Adds high + low to the double-double at `at` (high first). Relative error of an addition <
 * 2^-104, so a sum without heavy cancellation is within 1 ulp of the correctly rounded one in any
 * order. Once the sum leaves the finite numbers it is what plain addition gives, with low = 0.
 */
export function addDouble(state: DataView, at: number, high: number, low: number): void {
  const high1 = state.getFloat64(at, true)
  const low1 = state.getFloat64(at + 8, true)
  // Two-sum of the high and of the low parts.
  const s = high1 + high
  const sPart = s - high1
  const sError = high1 - (s - sPart) + (high - sPart)
  const t = low1 + low
  const tPart = t - low1
  const tError = low1 - (t - tPart) + (low - tPart)
  // Two fast two-sums bring the four parts back to two.
  const c = sError + t
  const v = s + c
  const vError = c - (v - s)
  const w = tError + vError
  const z = v + w
  if (z - z === 0) {
    state.setFloat64(at, z, true)
    state.setFloat64(at + 8, w - (z - v), true)
  } else {
    state.setFloat64(at, s - s !== 0 ? s : v - v !== 0 ? v : z, true)
    state.setFloat64(at + 8, 0, true)
  }
}

/** Adds the integer `value` (safe integer or int64) to the i128 at `at`. */
export function addInteger(state: DataView, at: number, value: number | bigint): void {
  const wide = BigInt(value)
  const low = state.getBigUint64(at, true) + BigInt.asUintN(64, wide)
  const carry = low >> 64n
  state.setBigUint64(at, BigInt.asUintN(64, low), true)
  const high = state.getBigInt64(at + 8, true) + (wide < 0n ? -1n : 0n) + carry
  state.setBigInt64(at + 8, BigInt.asIntN(64, high), true)
}

/** Sum of two little-endian integers of `words` 32-bit words, modulo their width. No allocation. */
function mergeWords(
  into: DataView,
  intoAt: number,
  from: DataView,
  fromAt: number,
  words: number,
): void {
  let carry = 0
  for (let byte = 0; byte < words * 4; byte += 4) {
    const sum = into.getUint32(intoAt + byte, true) + from.getUint32(fromAt + byte, true) + carry
    into.setUint32(intoAt + byte, sum >>> 0, true)
    carry = sum > 0xffffffff ? 1 : 0
  }
}

function mergeFloatExtreme(
  into: DataView,
  intoAt: number,
  from: DataView,
  fromAt: number,
  max: boolean,
): void {
  const mine = into.getFloat64(intoAt, true)
  const other = from.getFloat64(fromAt, true)
  if (Number.isNaN(other)) return
  // Math.min and Math.max order -0 before 0, so the result does not depend on who comes first.
  const best = Number.isNaN(mine) ? other : max ? Math.max(mine, other) : Math.min(mine, other)
  into.setFloat64(intoAt, best, true)
}

function mergeIntegerExtreme(
  into: DataView,
  intoAt: number,
  from: DataView,
  fromAt: number,
  max: boolean,
): void {
  if (from.getBigUint64(fromAt + 8, true) === 0n) return
  const other = from.getBigInt64(fromAt, true)
  const mine = into.getBigInt64(intoAt, true)
  const none = into.getBigUint64(intoAt + 8, true) === 0n
  if (none || (max ? other > mine : other < mine)) into.setBigInt64(intoAt, other, true)
  mergeWords(into, intoAt + 8, from, fromAt + 8, 2)
}

function mergeField(
  field: StateField,
  into: DataView,
  intoAt: number,
  from: DataView,
  fromAt: number,
): void {
  const { kind } = field
  if (kind === 'count') mergeWords(into, intoAt, from, fromAt, 2)
  else if (kind === 'sumFloat' || kind === 'meanFloat')
    addDouble(into, intoAt, from.getFloat64(fromAt, true), from.getFloat64(fromAt + 8, true))
  else if (kind === 'sumInteger' || kind === 'meanInteger')
    mergeWords(into, intoAt, from, fromAt, 4)
  else if (kind === 'minFloat' || kind === 'maxFloat')
    mergeFloatExtreme(into, intoAt, from, fromAt, kind === 'maxFloat')
  else mergeIntegerExtreme(into, intoAt, from, fromAt, kind === 'maxInteger')
  if (kind === 'meanFloat' || kind === 'meanInteger')
    mergeWords(into, intoAt + 16, from, fromAt + 16, 2)
}

/** Merges the state at `fromAt` into the one at `intoAt`. The two must not overlap. */
export function mergeStates(
  layout: StateLayout,
  into: DataView,
  intoAt: number,
  from: DataView,
  fromAt: number,
): void {
  for (const field of layout.fields)
    mergeField(field, into, intoAt + field.offset, from, fromAt + field.offset)
}

function readUnsigned(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
}

function readWide(view: DataView, at: number): bigint {
  return (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true)
}

/** High part of the product's split (Veltkamp): 26 bits, so that products of parts are exact. */
function highPart(x: number): number {
  const scaled = x * 134217729
  return scaled - (scaled - x)
}

/** (high + low) / count with one rounding in all but astronomically rare cases. */
function divideDouble(high: number, low: number, count: number): number {
  const quotient = high / count
  const size = Math.abs(quotient)
  // Outside these bounds the exact product would overflow or underflow; plain division is ≤ 1 ulp
  // off.
  if (!(size > 1e-250 && size < 1e250)) return quotient
  const quotientHigh = highPart(quotient)
  const quotientLow = quotient - quotientHigh
  const countHigh = highPart(count)
  const countLow = count - countHigh
  const product = quotient * count
  const error =
    quotientHigh * countHigh -
    product +
    quotientHigh * countLow +
    quotientLow * countHigh +
    quotientLow * countLow
  return quotient + (high - product - error + low) / count
}

/** The double nearest to total / count, ties to even. */
function divideWide(total: bigint, count: bigint): number {
  const size = total < 0n ? -total : total
  // 64 bits of quotient and a sticky bit below them: rounding to 53 bits cannot go wrong.
  const shift = Math.max(0, 64 - (size.toString(2).length - count.toString(2).length))
  const scaled = size << BigInt(shift)
  const quotient = scaled / count
  const sticky = quotient * count === scaled ? quotient << 1n : (quotient << 1n) | 1n
  const result = Number(sticky) / 2 ** (shift + 1)
  return total < 0n ? -result : result
}

function finishField(field: StateField, view: DataView, at: number): OutputValue {
  switch (field.kind) {
    case 'count':
      return readUnsigned(view, at)
    case 'sumFloat':
      return view.getFloat64(at, true) + view.getFloat64(at + 8, true)
    case 'sumInteger': {
      const total = readWide(view, at)
      return field.type === 'int64' ? total : Number(total)
    }
    case 'minFloat':
    case 'maxFloat': {
      const value = view.getFloat64(at, true)
      return Number.isNaN(value) ? null : value
    }
    case 'minInteger':
    case 'maxInteger':
      return view.getBigUint64(at + 8, true) === 0n ? null : view.getBigInt64(at, true)
    case 'meanFloat': {
      const count = readUnsigned(view, at + 16)
      if (count === 0) return null
      return divideDouble(view.getFloat64(at, true), view.getFloat64(at + 8, true), count)
    }
    case 'meanInteger': {
      const count = view.getBigUint64(at + 16, true)
      return count === 0n ? null : divideWide(readWide(view, at), count)
    }
  }
}

/**
 * Sets the results on `row`, in the order of the plan, and returns it: count and sums as numbers
 * (sums, min and max of int64 as bigint), 0 for a sum of nothing, null for min, max, mean of
 * nothing.
 */
export function finishState<Row extends Record<string, unknown>>(
  layout: StateLayout,
  view: DataView,
  at: number,
  row: Row,
): Row & Record<string, OutputValue> {
  const target: Record<string, unknown> = row
  for (const field of layout.fields)
    target[field.name] = finishField(field, view, at + field.offset)
  return row as Row & Record<string, OutputValue>
}
