// The summaries of columns: a record of numbers for each block of 1024 elements. Called by the
// kernels' host (src/kernel/column/wasm_kernels.ts); records are as PieceKernels says.
import { element, pair } from './column_lanes'
import { firstMoments, secondMoments } from './column_moments'
import {
  deviationProductsOf, deviationsOf, productsOf, squaresOf, sumOf,
} from './column_sums'

// @ts-ignore: decorator
@inline
const BLOCK: usize = 1024

export function sumBlocks<T>(x: usize, length: usize, records: usize): void {
  while (length > 0) {
    const count = min(length, BLOCK)
    store<f64>(records, sumOf<T>(x, count))
    records += 8
    x += count * sizeof<T>()
    length -= count
  }
}

export function dotBlocks<T>(x: usize, y: usize, length: usize, records: usize): void {
  while (length > 0) {
    const count = min(length, BLOCK)
    store<f64>(records, productsOf<T>(x, y, count))
    records += 8
    x += count * sizeof<T>()
    y += count * sizeof<T>()
    length -= count
  }
}

export function minMaxBlocks<T>(x: usize, length: usize, records: usize): void {
  while (length > 0) {
    const count = min(length, BLOCK)
    if (hasNan<T>(x, count)) storeNans(records)
    else extremesOf<T>(x, count, records)
    records += 2 * 8
    x += count * sizeof<T>()
    length -= count
  }
}

export function momentBlocks<T>(x: usize, length: usize, records: usize): void {
  while (length > 0) {
    const count = min(length, BLOCK)
    firstMoments<T>(x, count, records)
    const sum = load<f64>(records)
    secondMoments<T>(x, count, sum / <f64>count, records)
    // A NaN makes the sum NaN; but so do infinities of both signs.
    if (sum != sum && hasNan<T>(x, count)) storeNans(records + 24)
    else signZeros<T>(x, count, records + 24)
    records += 5 * 8
    x += count * sizeof<T>()
    length -= count
  }
}

export function comomentBlocks<T>(x: usize, y: usize, length: usize, records: usize): void {
  while (length > 0) {
    const count = min(length, BLOCK)
    const sumX = sumOf<T>(x, count)
    const sumY = sumOf<T>(y, count)
    const meanX = sumX / <f64>count
    const meanY = sumY / <f64>count
    store<f64>(records, sumX)
    store<f64>(records, sumY, 8)
    store<f64>(records, deviationsOf<T>(x, meanX, count), 16)
    store<f64>(records, deviationsOf<T>(y, meanY, count), 24)
    store<f64>(records, squaresOf<T>(x, meanX, count), 32)
    store<f64>(records, squaresOf<T>(y, meanY, count), 40)
    store<f64>(records, deviationProductsOf<T>(x, meanX, y, meanY, count), 48)
    records += 7 * 8
    x += count * sizeof<T>()
    y += count * sizeof<T>()
    length -= count
  }
}

function storeNans(record: usize): void {
  store<f64>(record, NaN)
  store<f64>(record, NaN, 8)
}

function hasNan<T>(x: usize, length: usize): bool {
  let found = f64x2.splat(0)
  let k: usize = 0
  for (; k + 4 <= length; k += 4) {
    const first = pair<T>(x, k)
    const second = pair<T>(x, k + 2)
    found = v128.or(found, v128.or(f64x2.ne(first, first), f64x2.ne(second, second)))
  }
  let isFound = v128.any_true(found)
  for (; k < length; k++) isFound = isFound || isNaN(element<T>(x, k))
  return isFound
}

/** Smallest and largest of elements without NaN. */
function extremesOf<T>(x: usize, length: usize, record: usize): void {
  let low0 = f64x2.splat(Infinity)
  let low1 = low0
  let high0 = f64x2.splat(-Infinity)
  let high1 = high0
  let k: usize = 0
  for (; k + 4 <= length; k += 4) {
    const first = pair<T>(x, k)
    const second = pair<T>(x, k + 2)
    low0 = f64x2.pmin(low0, first)
    low1 = f64x2.pmin(low1, second)
    high0 = f64x2.pmax(high0, first)
    high1 = f64x2.pmax(high1, second)
  }
  low0 = f64x2.pmin(low0, low1)
  high0 = f64x2.pmax(high0, high1)
  let low = min(f64x2.extract_lane(low0, 0), f64x2.extract_lane(low0, 1))
  let high = max(f64x2.extract_lane(high0, 0), f64x2.extract_lane(high0, 1))
  for (; k < length; k++) {
    low = min(low, element<T>(x, k))
    high = max(high, element<T>(x, k))
  }
  store<f64>(record, low)
  store<f64>(record, high, 8)
  signZeros<T>(x, length, record)
}

/** Gives a zero the sign that Math.min and Math.max give it: comparisons cannot tell. */
function signZeros<T>(x: usize, length: usize, record: usize): void {
  if (load<f64>(record) != 0 && load<f64>(record, 8) != 0) return
  let some = i64x2.splat(0)
  let every = i64x2.splat(-1)
  let k: usize = 0
  for (; k + 2 <= length; k += 2) {
    const values = pair<T>(x, k)
    some = v128.or(some, values)
    every = v128.and(every, values)
  }
  let someNegative = i64x2.bitmask(some) != 0
  let someOther = i64x2.bitmask(every) != 3
  if (k < length) {
    const isNegative = reinterpret<i64>(element<T>(x, k)) < 0
    someNegative = someNegative || isNegative
    someOther = someOther || !isNegative
  }
  if (load<f64>(record) == 0) store<f64>(record, someNegative ? -0.0 : 0)
  if (load<f64>(record, 8) == 0) store<f64>(record, someOther ? 0 : -0.0, 8)
}

/** Smallest and largest of what is finite. */
export function finiteRangeBlocks<T>(x: usize, length: usize, records: usize): void {
  while (length > 0) {
    const count = min(length, BLOCK)
    finiteRange<T>(x, count, records)
    records += 2 * 8
    x += count * sizeof<T>()
    length -= count
  }
}

function finiteRange<T>(x: usize, length: usize, record: usize): void {
  const infinity = f64x2.splat(Infinity)
  const minusInfinity = f64x2.splat(-Infinity)
  let low = infinity
  let high = minusInfinity
  let k: usize = 0
  for (; k + 2 <= length; k += 2) {
    const values = pair<T>(x, k)
    const isFinite = f64x2.lt(f64x2.abs(values), infinity)
    low = f64x2.pmin(low, v128.bitselect(values, infinity, isFinite))
    high = f64x2.pmax(high, v128.bitselect(values, minusInfinity, isFinite))
  }
  let least = min(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1))
  let most = max(f64x2.extract_lane(high, 0), f64x2.extract_lane(high, 1))
  if (k < length && isFinite(element<T>(x, k))) {
    least = min(least, element<T>(x, k))
    most = max(most, element<T>(x, k))
  }
  store<f64>(record, least + 0)
  store<f64>(record, most + 0, 8)
}
