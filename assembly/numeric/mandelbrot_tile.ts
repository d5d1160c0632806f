// The first steps of eight neighbouring points, tested one by one (mandelbrot.ts calls it). Most
// points of an image are outside and done with here; the others wait in the slot for a lane.
import {
  COUNTS, END, FIRST, ITERATIONS, LANES, NEXT, NX, NY, SHORTCUTS, TILE_CX, TILE_CY, TILE_POINT,
  TILE_STEPS, TILE_X, TILE_Y, WAITING, X_FROM, X_STEP, X_TO, Y_FROM, Y_STEP, Y_TO,
} from './mandelbrot_slot'
import { bits, nextY, storeLanes } from './mandelbrot_lanes'

/** The tests for the large bulbs say yes only where rounding cannot have misled them. */
const MARGIN: f64 = 1e-9

/** All ones where c lies in the main cardioid or in the circle left of it: these points stay. */
// @ts-ignore: decorator
@inline
function inBulb(cx: v128, cy: v128): v128 {
  const cy2 = f64x2.mul(cy, cy)
  const right = f64x2.sub(cx, f64x2.splat(0.25))
  const q = f64x2.add(f64x2.mul(right, right), cy2)
  const edge = f64x2.sub(f64x2.mul(cy2, f64x2.splat(0.25)), f64x2.splat(MARGIN))
  // not less-or-equal: far out both sides are infinite
  const cardioid = f64x2.lt(f64x2.mul(q, f64x2.add(q, right)), edge)
  const left = f64x2.add(cx, f64x2.splat(1))
  const distance = f64x2.add(f64x2.mul(left, left), cy2)
  return v128.or(cardioid, f64x2.lt(distance, f64x2.splat(0.0625 - MARGIN)))
}

// @ts-ignore: decorator
@inline
function any(a: v128, b: v128, c: v128, d: v128): bool {
  return v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))
}

/** The lower halves of four pairs of i64, as eight i32. */
// @ts-ignore: decorator
@inline
function storeCounts(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, i32x4.shuffle(a, b, 0, 2, 4, 6))
  v128.store(at, i32x4.shuffle(c, d, 0, 2, 4, 6), 16)
}

/** Lanes that were in and still are; NaN is for ever, as it is not ≥ 4. */
// @ts-ignore: decorator
@inline
function stay(live: v128, xx: v128, yy: v128): v128 {
  return v128.andnot(live, f64x2.ge(f64x2.add(xx, yy), f64x2.splat(4)))
}

/** cy of the pair of points j. */
// @ts-ignore: decorator
@inline
function pairOf(s: usize, j: v128, last: v128): v128 {
  const inside = f64x2.add(
    v128.load64_splat(s, Y_FROM),
    f64x2.mul(j, v128.load64_splat(s, Y_STEP)),
  )
  return v128.bitselect(v128.load64_splat(s, Y_TO), inside, f64x2.eq(j, last))
}

/** Takes up to eight points of one column from NEXT on; returns how many. */
function placeTile(s: usize): u32 {
  const next = load<u32>(s, NEXT)
  const ny = load<u32>(s, NY)
  const nx = load<u32>(s, NX)
  const point = load<u32>(s, FIRST) + next
  const i = point / ny
  const j = point - i * ny
  const points = min(LANES, min(load<u32>(s, END) - next, ny - j))
  store<u32>(s, next, TILE_POINT)
  store<u32>(s, next + points, NEXT)
  const isLast = i == nx - 1 && nx > 1
  const cx = load<f64>(s, X_FROM) + f64(i) * load<f64>(s, X_STEP)
  store<f64>(s, isLast ? load<f64>(s, X_TO) : cx, TILE_CX)
  const last = f64x2.splat(ny > 1 ? f64(ny - 1) : -1)
  const first = f64x2.add(f64x2.splat(f64(j)), f64x2(0, 1))
  v128.store(s, pairOf(s, first, last), TILE_CY)
  v128.store(s, pairOf(s, f64x2.add(first, f64x2.splat(2)), last), TILE_CY + 16)
  v128.store(s, pairOf(s, f64x2.add(first, f64x2.splat(4)), last), TILE_CY + 32)
  v128.store(s, pairOf(s, f64x2.add(first, f64x2.splat(6)), last), TILE_CY + 48)
  return points
}

/**
 * The tile's first steps: writes the counts of points that left or are known to stay, and leaves
 * the others, with their states, in WAITING.
 */
export function makeTile(s: usize): void {
  const points = placeTile(s)
  const iterations = load<u32>(s, ITERATIONS)
  const cx = v128.load64_splat(s, TILE_CX)
  const c0 = v128.load(s, TILE_CY)
  const c1 = v128.load(s, TILE_CY + 16)
  const c2 = v128.load(s, TILE_CY + 32)
  const c3 = v128.load(s, TILE_CY + 48)
  let x0 = cx, x1 = cx, x2 = cx, x3 = cx, y0 = c0, y1 = c1, y2 = c2, y3 = c3
  let n0 = i64x2.splat(0), n1 = n0, n2 = n0, n3 = n0
  const end = f64x2.splat(f64(points))
  let live0 = f64x2.lt(f64x2(0, 1), end), live1 = f64x2.lt(f64x2(2, 3), end)
  let live2 = f64x2.lt(f64x2(4, 5), end), live3 = f64x2.lt(f64x2(6, 7), end)
  let xx: v128, yy: v128
  if (load<u32>(s, SHORTCUTS)) {
    const b0 = inBulb(cx, c0), b1 = inBulb(cx, c1), b2 = inBulb(cx, c2), b3 = inBulb(cx, c3)
    const all = i64x2.splat(iterations)
    n0 = v128.and(b0, all); n1 = v128.and(b1, all); n2 = v128.and(b2, all); n3 = v128.and(b3, all)
    live0 = v128.andnot(live0, b0); live1 = v128.andnot(live1, b1);
    live2 = v128.andnot(live2, b2); live3 = v128.andnot(live3, b3)
  }
  const steps = min(iterations, TILE_STEPS)
  for (let step: u32 = 0; step < steps && any(live0, live1, live2, live3); step++) {
    xx = f64x2.mul(x0, x0); yy = f64x2.mul(y0, y0)
    live0 = stay(live0, xx, yy); n0 = i64x2.sub(n0, live0)
    y0 = nextY(x0, y0, c0); x0 = f64x2.add(f64x2.sub(xx, yy), cx)
    xx = f64x2.mul(x1, x1); yy = f64x2.mul(y1, y1)
    live1 = stay(live1, xx, yy); n1 = i64x2.sub(n1, live1)
    y1 = nextY(x1, y1, c1); x1 = f64x2.add(f64x2.sub(xx, yy), cx)
    xx = f64x2.mul(x2, x2); yy = f64x2.mul(y2, y2)
    live2 = stay(live2, xx, yy); n2 = i64x2.sub(n2, live2)
    y2 = nextY(x2, y2, c2); x2 = f64x2.add(f64x2.sub(xx, yy), cx)
    xx = f64x2.mul(x3, x3); yy = f64x2.mul(y3, y3)
    live3 = stay(live3, xx, yy); n3 = i64x2.sub(n3, live3)
    y3 = nextY(x3, y3, c3); x3 = f64x2.add(f64x2.sub(xx, yy), cx)
  }
  storeCounts(s + TILE_X, n0, n1, n2, n3)
  memory.copy(load<u32>(s, COUNTS) + (load<u32>(s, TILE_POINT) << 2), s + TILE_X, points << 2)
  const live = iterations <= TILE_STEPS ? 0 : bits(live0, live1, live2, live3)
  store<u32>(s, live, WAITING)
  if (live == 0) return
  storeLanes(s + TILE_X, x0, x1, x2, x3)
  storeLanes(s + TILE_Y, y0, y1, y2, y3)
}
