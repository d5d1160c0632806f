// The two passes over a block that give its moments: each loads an element once for all that is
// wanted of it. Called by column_blocks.ts; the order of additions is that of column_sums.ts.
import { element, joined, pair, restMask, restPair } from './column_lanes'

/** Sum, smallest and largest of what is no NaN: into record[0], [3] and [4]. */
export function firstMoments<T>(x: usize, length: usize, record: usize): void {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0), s3 = f64x2.splat(0)
  let s4 = f64x2.splat(0), s5 = f64x2.splat(0)
  let s6 = f64x2.splat(0), s7 = f64x2.splat(0)
  let low0 = f64x2.splat(Infinity), low1 = low0
  let high0 = f64x2.splat(-Infinity), high1 = high0
  let v: v128
  for (; length >= 16; length -= 16) {
    v = pair<T>(x, 0)
    s0 = f64x2.add(s0, v)
    low0 = f64x2.pmin(low0, v)
    high0 = f64x2.pmax(high0, v)
    v = pair<T>(x, 2)
    s1 = f64x2.add(s1, v)
    low1 = f64x2.pmin(low1, v)
    high1 = f64x2.pmax(high1, v)
    v = pair<T>(x, 4)
    s2 = f64x2.add(s2, v)
    low0 = f64x2.pmin(low0, v)
    high0 = f64x2.pmax(high0, v)
    v = pair<T>(x, 6)
    s3 = f64x2.add(s3, v)
    low1 = f64x2.pmin(low1, v)
    high1 = f64x2.pmax(high1, v)
    v = pair<T>(x, 8)
    s4 = f64x2.add(s4, v)
    low0 = f64x2.pmin(low0, v)
    high0 = f64x2.pmax(high0, v)
    v = pair<T>(x, 10)
    s5 = f64x2.add(s5, v)
    low1 = f64x2.pmin(low1, v)
    high1 = f64x2.pmax(high1, v)
    v = pair<T>(x, 12)
    s6 = f64x2.add(s6, v)
    low0 = f64x2.pmin(low0, v)
    high0 = f64x2.pmax(high0, v)
    v = pair<T>(x, 14)
    s7 = f64x2.add(s7, v)
    low1 = f64x2.pmin(low1, v)
    high1 = f64x2.pmax(high1, v)
    x += 16 * sizeof<T>()
  }
  low0 = f64x2.pmin(low0, low1)
  high0 = f64x2.pmax(high0, high1)
  let low = min(f64x2.extract_lane(low0, 0), f64x2.extract_lane(low0, 1))
  let high = max(f64x2.extract_lane(high0, 0), f64x2.extract_lane(high0, 1))
  if (length > 0) {
    s0 = f64x2.add(s0, restPair<T>(x, length, 0))
    s1 = f64x2.add(s1, restPair<T>(x, length, 2))
    s2 = f64x2.add(s2, restPair<T>(x, length, 4))
    s3 = f64x2.add(s3, restPair<T>(x, length, 6))
    s4 = f64x2.add(s4, restPair<T>(x, length, 8))
    s5 = f64x2.add(s5, restPair<T>(x, length, 10))
    s6 = f64x2.add(s6, restPair<T>(x, length, 12))
    s7 = f64x2.add(s7, restPair<T>(x, length, 14))
    for (let k: usize = 0; k < length; k++) {
      low = min(low, element<T>(x, k))
      high = max(high, element<T>(x, k))
    }
  }
  store<f64>(record, joined(s0, s1, s2, s3, s4, s5, s6, s7))
  store<f64>(record, low, 24)
  store<f64>(record, high, 32)
}

/** Σ (x - mean) and Σ (x - mean)²: into record[1] and [2]. */
export function secondMoments<T>(x: usize, length: usize, mean: f64, record: usize): void {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0), s3 = f64x2.splat(0)
  let s4 = f64x2.splat(0), s5 = f64x2.splat(0)
  let s6 = f64x2.splat(0), s7 = f64x2.splat(0)
  let q0 = f64x2.splat(0), q1 = f64x2.splat(0)
  let q2 = f64x2.splat(0), q3 = f64x2.splat(0)
  let q4 = f64x2.splat(0), q5 = f64x2.splat(0)
  let q6 = f64x2.splat(0), q7 = f64x2.splat(0)
  const m = f64x2.splat(mean)
  let d: v128
  for (; length >= 16; length -= 16) {
    d = f64x2.sub(pair<T>(x, 0), m)
    s0 = f64x2.add(s0, d)
    q0 = f64x2.add(q0, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 2), m)
    s1 = f64x2.add(s1, d)
    q1 = f64x2.add(q1, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 4), m)
    s2 = f64x2.add(s2, d)
    q2 = f64x2.add(q2, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 6), m)
    s3 = f64x2.add(s3, d)
    q3 = f64x2.add(q3, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 8), m)
    s4 = f64x2.add(s4, d)
    q4 = f64x2.add(q4, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 10), m)
    s5 = f64x2.add(s5, d)
    q5 = f64x2.add(q5, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 12), m)
    s6 = f64x2.add(s6, d)
    q6 = f64x2.add(q6, f64x2.mul(d, d))
    d = f64x2.sub(pair<T>(x, 14), m)
    s7 = f64x2.add(s7, d)
    q7 = f64x2.add(q7, f64x2.mul(d, d))
    x += 16 * sizeof<T>()
  }
  if (length > 0) {
    d = restDeviations<T>(x, length, m, 0)
    s0 = f64x2.add(s0, d)
    q0 = f64x2.add(q0, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 2)
    s1 = f64x2.add(s1, d)
    q1 = f64x2.add(q1, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 4)
    s2 = f64x2.add(s2, d)
    q2 = f64x2.add(q2, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 6)
    s3 = f64x2.add(s3, d)
    q3 = f64x2.add(q3, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 8)
    s4 = f64x2.add(s4, d)
    q4 = f64x2.add(q4, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 10)
    s5 = f64x2.add(s5, d)
    q5 = f64x2.add(q5, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 12)
    s6 = f64x2.add(s6, d)
    q6 = f64x2.add(q6, f64x2.mul(d, d))
    d = restDeviations<T>(x, length, m, 14)
    s7 = f64x2.add(s7, d)
    q7 = f64x2.add(q7, f64x2.mul(d, d))
  }
  store<f64>(record, joined(s0, s1, s2, s3, s4, s5, s6, s7), 8)
  store<f64>(record, joined(q0, q1, q2, q3, q4, q5, q6, q7), 16)
}

// @ts-ignore: decorator
@inline
function restDeviations<T>(x: usize, length: usize, mean: v128, index: usize): v128 {
  return v128.and(f64x2.sub(restPair<T>(x, length, index), mean), restMask(length, index))
}
