// The column kernels that write an element for each element, and the histogram. Called by the
// kernels' host (src/kernel/column/wasm_kernels.ts); see reference_series.ts and log_buckets.ts.
import { element, pair, setElement, setPair } from './column_lanes'

export function ewmaSeries<T>(x: usize, length: usize, out: usize, alpha: f64, last: f64): f64 {
  const keep = 1 - alpha
  let y = last
  for (let i: usize = 0; i < length; i++) {
    y = alpha * element<T>(x, i) + keep * y
    setElement<T>(out, i, y)
  }
  return y
}

export function zScoreSeries<T>(
  x: usize, length: usize, out: usize, mean: f64, scale: f64,
): void {
  const means = f64x2.splat(mean)
  const scales = f64x2.splat(scale)
  let i: usize = 0
  for (; i + 2 <= length; i += 2) {
    setPair<T>(out, i, f64x2.mul(f64x2.sub(pair<T>(x, i), means), scales))
  }
  if (i < length) setElement<T>(out, i, (element<T>(x, i) - mean) * scale)
}

/** 1 for each element whose distance from `mean` is beyond `limit`. */
export function zFlagSeries<T>(
  x: usize, length: usize, out: usize, mean: f64, limit: f64,
): void {
  const m = f64x2.splat(mean)
  const l = f64x2.splat(limit)
  const ones = i8x16.splat(1)
  let i: usize = 0
  for (; i + 16 <= length; i += 16) {
    const first = i16x8.narrow_i32x4_s(four<T>(x, i, m, l), four<T>(x, i + 4, m, l))
    const second = i16x8.narrow_i32x4_s(four<T>(x, i + 8, m, l), four<T>(x, i + 12, m, l))
    v128.store(out + i, v128.and(i8x16.narrow_i16x8_s(first, second), ones))
  }
  for (; i < length; i++) store<u8>(out + i, abs(element<T>(x, i) - mean) > limit ? 1 : 0)
}

/** Four comparisons as four times 32 bits. */
// @ts-ignore: decorator
@inline
function four<T>(x: usize, index: usize, mean: v128, limit: v128): v128 {
  const first = f64x2.gt(f64x2.abs(f64x2.sub(pair<T>(x, index), mean)), limit)
  const second = f64x2.gt(f64x2.abs(f64x2.sub(pair<T>(x, index + 2), mean)), limit)
  return v128.shuffle<i32>(first, second, 0, 2, 4, 6)
}

/** `scratch` holds the suffixes of two groups: those of the one before and those of this one. */
export function movingAverageSeries<T>(
  x: usize, length: usize, out: usize, window: usize, history: usize, scratch: usize,
): void {
  let before = scratch
  let suffixes = scratch + ((window + 1) << 3)
  let from = history
  if (history == 0) {
    from = min(length, window)
    let prefix: f64 = 0
    for (let k: usize = 0; k < from; k++) {
      prefix += element<T>(x, k)
      setElement<T>(out, k, prefix / <f64>(k + 1))
    }
  }
  if (from < length) sumFromRight<T>(x, window, before)
  for (; from < length; from += window) {
    const group = x + from * sizeof<T>()
    const count = min(length - from, window)
    averageGroup<T>(group, count, out + (from - history) * sizeof<T>(), window, before, suffixes)
    const used = before
    before = suffixes
    suffixes = used
  }
}

/** suffixes[k] = x[window - 1] + … + x[k] */
function sumFromRight<T>(x: usize, window: usize, suffixes: usize): void {
  let sum: f64 = 0
  store<f64>(suffixes + (window << 3), 0)
  for (let k = window; k > 0; k--) {
    sum += element<T>(x, k - 1)
    store<f64>(suffixes + ((k - 1) << 3), sum)
  }
}

/**
 * Windows that end among the first `count` elements of a group. Of a whole group the suffixes are
 * summed beside the prefixes: each sum waits for the one before, and two wait no longer than one.
 */
function averageGroup<T>(
  x: usize, count: usize, out: usize, window: usize, before: usize, suffixes: usize,
): void {
  const divisor = f64x2.splat(<f64>window)
  const isWhole = count == window
  let prefix: f64 = 0
  let suffix: f64 = 0
  store<f64>(suffixes + (window << 3), 0)
  let k: usize = 0
  for (; k + 2 <= count; k += 2) {
    let prefixes = f64x2.splat(prefix + element<T>(x, k))
    prefix = prefix + element<T>(x, k) + element<T>(x, k + 1)
    prefixes = f64x2.replace_lane(prefixes, 1, prefix)
    const sums = f64x2.add(v128.load(before + ((k + 1) << 3)), prefixes)
    setPair<T>(out, k, f64x2.div(sums, divisor))
    if (!isWhole) continue
    const at = suffixes + ((window - 2 - k) << 3)
    suffix += element<T>(x, window - 1 - k)
    store<f64>(at, suffix, 8)
    suffix += element<T>(x, window - 2 - k)
    store<f64>(at, suffix)
  }
  if (k == count) return
  prefix += element<T>(x, k)
  const sum = load<f64>(before + ((k + 1) << 3)) + prefix
  setElement<T>(out, k, sum / <f64>window)
  if (isWhole) store<f64>(suffixes, suffix + element<T>(x, 0))
}

// @ts-ignore: decorator
@inline
const SMALLEST: f64 = 2.2250738585072014e-308
/** 2^52: a whole number below it, added, stands in the low bits of the sum. */
// @ts-ignore: decorator
@inline
const MAGIC: f64 = 4503599627370496

/** The counters of bucketSlots, in bytes. */
// @ts-ignore: decorator
@inline
const NANS: usize = 4

export function logCountSeries<T>(
  x: usize, length: usize, counters: usize, buckets: i32,
  multiplier: f64, lowestPositive: f64, lowestNegative: f64,
): void {
  const nansBefore = load<u32>(counters + NANS)
  const rest = length & 1
  const end = length - rest
  for (let i: usize = 0; i < end; i += 2) {
    const slots = slotsOf(pair<T>(x, i), multiplier, lowestPositive, lowestNegative, buckets)
    count(counters, i32x4.extract_lane(slots, 0))
    count(counters, i32x4.extract_lane(slots, 2))
  }
  if (rest) {
    const last = f64x2.splat(element<T>(x, end))
    const slots = slotsOf(last, multiplier, lowestPositive, lowestNegative, buckets)
    count(counters, i32x4.extract_lane(slots, 0))
  }
  if (load<u32>(counters + NANS) != nansBefore) tellInfinities<T>(x, length, counters)
}

// @ts-ignore: decorator
@inline
function count(counters: usize, slot: i32): void {
  const at = counters + (<usize>slot << 2)
  store<u32>(at, load<u32>(at) + 1)
}

/** Counters of two elements in lanes 0 and 2; those that are not finite are counted as NaN. */
// @ts-ignore: decorator
@inline
function slotsOf(
  x: v128, multiplier: f64, lowestPositive: f64, lowestNegative: f64, buckets: i32,
): v128 {
  const magic = f64x2.splat(MAGIC)
  const size = f64x2.abs(x)
  const exponent = f64x2.sub(v128.or(i64x2.shr_u(size, 52), magic), magic)
  const mantissa = v128.and(size, i64x2.splat(0x000fffffffffffff))
  const s = f64x2.sub(v128.or(mantissa, f64x2.splat(1)), f64x2.splat(1))
  let log = f64x2.add(f64x2.mul(f64x2.splat(6.0 / 35.0), s), f64x2.splat(-3.0 / 5.0))
  log = f64x2.add(f64x2.mul(log, s), f64x2.splat(10.0 / 7.0))
  log = f64x2.add(f64x2.mul(log, s), exponent)
  const bucket = f64x2.floor(f64x2.mul(f64x2.splat(multiplier), log))
  const isNegative = f64x2.lt(x, f64x2.splat(0))
  const lowest = v128.bitselect(
    f64x2.splat(lowestNegative), f64x2.splat(lowestPositive), isNegative,
  )
  const first = v128.bitselect(f64x2.splat(4.0 + <f64>buckets), f64x2.splat(4), isNegative)
  const above = f64x2.pmax(f64x2.sub(bucket, lowest), f64x2.splat(0))
  const isZero = f64x2.lt(size, f64x2.splat(SMALLEST))
  const isBucket = v128.andnot(f64x2.lt(size, f64x2.splat(Infinity)), isZero)
  const special = v128.andnot(f64x2.splat(1), isZero)
  return f64x2.add(v128.bitselect(f64x2.add(above, first), special, isBucket), magic)
}

/** Moves the infinities from the counter of NaN to their own. */
function tellInfinities<T>(x: usize, length: usize, counters: usize): void {
  for (let i: usize = 0; i < length; i++) {
    const value = element<T>(x, i)
    if (value != Infinity && value != -Infinity) continue
    store<u32>(counters + NANS, load<u32>(counters + NANS) - 1)
    count(counters, value < 0 ? 2 : 3)
  }
}
