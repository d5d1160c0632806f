// Sums over a block in the one order that all backends share (src/kernel/column/reference.ts):
// sixteen stripes are eight vectors of two. Called by column_blocks.ts.
import { joined, pair, restMask, restPair } from './column_lanes'

/** What is summed. The constants fold away: there is a loop of its own for each. */
// @ts-ignore: decorator
@inline
const VALUES: i32 = 0
// @ts-ignore: decorator
@inline
const PRODUCTS: i32 = 1
// @ts-ignore: decorator
@inline
const DEVIATIONS: i32 = 2
// @ts-ignore: decorator
@inline
const SQUARES: i32 = 3
// @ts-ignore: decorator
@inline
const DEVIATION_PRODUCTS: i32 = 4

/** Σ x */
export function sumOf<T>(x: usize, length: usize): f64 {
  return striped<T>(VALUES, x, 0, x, 0, length)
}

/** Σ x·y */
export function productsOf<T>(x: usize, y: usize, length: usize): f64 {
  return striped<T>(PRODUCTS, x, 0, y, 0, length)
}

/** Σ (x - mean) */
export function deviationsOf<T>(x: usize, mean: f64, length: usize): f64 {
  return striped<T>(DEVIATIONS, x, mean, x, 0, length)
}

/** Σ (x - mean)² */
export function squaresOf<T>(x: usize, mean: f64, length: usize): f64 {
  return striped<T>(SQUARES, x, mean, x, 0, length)
}

/** Σ (x - meanX)·(y - meanY) */
export function deviationProductsOf<T>(
  x: usize, meanX: f64, y: usize, meanY: f64, length: usize,
): f64 {
  return striped<T>(DEVIATION_PRODUCTS, x, meanX, y, meanY, length)
}

// @ts-ignore: decorator
@inline
function striped<T>(
  kind: i32, x: usize, meanX: f64, y: usize, meanY: f64, length: usize,
): f64 {
  const mx = f64x2.splat(meanX)
  const my = f64x2.splat(meanY)
  let s0 = f64x2.splat(0)
  let s1 = f64x2.splat(0)
  let s2 = f64x2.splat(0)
  let s3 = f64x2.splat(0)
  let s4 = f64x2.splat(0)
  let s5 = f64x2.splat(0)
  let s6 = f64x2.splat(0)
  let s7 = f64x2.splat(0)
  for (; length >= 16; length -= 16) {
    s0 = f64x2.add(s0, term(kind, pair<T>(x, 0), mx, pair<T>(y, 0), my))
    s1 = f64x2.add(s1, term(kind, pair<T>(x, 2), mx, pair<T>(y, 2), my))
    s2 = f64x2.add(s2, term(kind, pair<T>(x, 4), mx, pair<T>(y, 4), my))
    s3 = f64x2.add(s3, term(kind, pair<T>(x, 6), mx, pair<T>(y, 6), my))
    s4 = f64x2.add(s4, term(kind, pair<T>(x, 8), mx, pair<T>(y, 8), my))
    s5 = f64x2.add(s5, term(kind, pair<T>(x, 10), mx, pair<T>(y, 10), my))
    s6 = f64x2.add(s6, term(kind, pair<T>(x, 12), mx, pair<T>(y, 12), my))
    s7 = f64x2.add(s7, term(kind, pair<T>(x, 14), mx, pair<T>(y, 14), my))
    x += 16 * sizeof<T>()
    y += 16 * sizeof<T>()
  }
  if (length > 0) {
    s0 = f64x2.add(s0, restTerm<T>(kind, x, mx, y, my, length, 0))
    s1 = f64x2.add(s1, restTerm<T>(kind, x, mx, y, my, length, 2))
    s2 = f64x2.add(s2, restTerm<T>(kind, x, mx, y, my, length, 4))
    s3 = f64x2.add(s3, restTerm<T>(kind, x, mx, y, my, length, 6))
    s4 = f64x2.add(s4, restTerm<T>(kind, x, mx, y, my, length, 8))
    s5 = f64x2.add(s5, restTerm<T>(kind, x, mx, y, my, length, 10))
    s6 = f64x2.add(s6, restTerm<T>(kind, x, mx, y, my, length, 12))
    s7 = f64x2.add(s7, restTerm<T>(kind, x, mx, y, my, length, 14))
  }
  return joined(s0, s1, s2, s3, s4, s5, s6, s7)
}

// @ts-ignore: decorator
@inline
function term(kind: i32, x: v128, mx: v128, y: v128, my: v128): v128 {
  if (kind == VALUES) return x
  if (kind == PRODUCTS) return f64x2.mul(x, y)
  const dx = f64x2.sub(x, mx)
  if (kind == DEVIATIONS) return dx
  if (kind == SQUARES) return f64x2.mul(dx, dx)
  return f64x2.mul(dx, f64x2.sub(y, my))
}

/** Beyond the end +0: no sum is ever -0, so that changes none. */
// @ts-ignore: decorator
@inline
function restTerm<T>(
  kind: i32, x: usize, mx: v128, y: usize, my: v128, length: usize, index: usize,
): v128 {
  const xs = restPair<T>(x, length, index)
  const ys = kind == PRODUCTS || kind == DEVIATION_PRODUCTS ? restPair<T>(y, length, index) : xs
  return v128.and(term(kind, xs, mx, ys, my), restMask(length, index))
}
