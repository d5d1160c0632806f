// What tiles and blocks share (mandelbrot_tile.ts, mandelbrot_blocks.ts): eight lanes in four
// vectors.

/** Doubling is exact: xy + xy + cy is 2xy + cy. */
// @ts-ignore: decorator
@inline
export function nextY(x: v128, y: v128, cy: v128): v128 {
  const product = f64x2.mul(x, y)
  return f64x2.add(f64x2.add(product, product), cy)
}

// @ts-ignore: decorator
@inline
export function storeLanes(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a)
  v128.store(at, b, 16)
  v128.store(at, c, 32)
  v128.store(at, d, 48)
}

/** One bit for each lane that is all ones. */
// @ts-ignore: decorator
@inline
export function bits(a: v128, b: v128, c: v128, d: v128): u32 {
  const low = i64x2.bitmask(a) | (i64x2.bitmask(b) << 2)
  return low | ((i64x2.bitmask(c) | (i64x2.bitmask(d) << 2)) << 4)
}
