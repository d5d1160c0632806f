// The inner loop of mandelbrot.ts: eight lanes make blocks of eight steps, and only after a block
// it is seen whether one has left. That is safe: once |z|² ≥ 4 with |c|² < 4 (tested in the tile),
// |z|² falls by rounding only, in eight steps by less than 1e-9, so it stands at 3.99 or more, or
// is NaN, after the block, and the exact step is found from the state before.
import { ALL_LANES, BLOCKS_LEFT, CX, CY, X, X_BEFORE, X_KEPT, Y, Y_BEFORE } from './mandelbrot_slot'
import { bits, nextY, storeLanes } from './mandelbrot_lanes'

/** Any less than 4 by more than rounding can amount to in a block. */
const NEAR: f64 = 3.99

// @ts-ignore: decorator
@inline
function nextX(x: v128, y: v128, cx: v128): v128 {
  return f64x2.add(f64x2.sub(f64x2.mul(x, x), f64x2.mul(y, y)), cx)
}

/** All ones where |z|² is near. NaN is not. */
// @ts-ignore: decorator
@inline
function near(x: v128, y: v128): v128 {
  return f64x2.lt(f64x2.add(f64x2.mul(x, x), f64x2.mul(y, y)), f64x2.splat(NEAR))
}

/** The same of one lane. */
// @ts-ignore: decorator
@inline
export function isNear(x: f64, y: f64): bool {
  return x * x + y * y < NEAR
}

/** And where x is not what was kept: equal states are those of a cycle, whatever the sign of 0. */
// @ts-ignore: decorator
@inline
function unseen(x: v128, kept: v128): v128 {
  return f64x2.ne(x, kept)
}

/**
 * The steps are written out: in a loop they take a fifth longer. c is read where it is used, as
 * there are not registers enough for all.
 */
// @ts-ignore: decorator
@inline
function blocks(s: usize, limit: u32, watchCycles: bool): u32 {
  let x0 = v128.load(s, X)
  let y0 = v128.load(s, Y)
  let x1 = v128.load(s, X + 16)
  let y1 = v128.load(s, Y + 16)
  let x2 = v128.load(s, X + 32)
  let y2 = v128.load(s, Y + 32)
  let x3 = v128.load(s, X + 48)
  let y3 = v128.load(s, Y + 48)
  let t: v128, near0: v128, near1: v128, near2: v128, near3: v128
  let left = limit
  do {
    v128.store(s, x0, X_BEFORE)
    v128.store(s, y0, Y_BEFORE)
    v128.store(s, x1, X_BEFORE + 16)
    v128.store(s, y1, Y_BEFORE + 16)
    v128.store(s, x2, X_BEFORE + 32)
    v128.store(s, y2, Y_BEFORE + 32)
    v128.store(s, x3, X_BEFORE + 48)
    v128.store(s, y3, Y_BEFORE + 48)
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    t = nextY(x0, y0, v128.load(s, CY)); x0 = nextX(x0, y0, v128.load(s, CX)); y0 = t
    t = nextY(x1, y1, v128.load(s, CY + 16)); x1 = nextX(x1, y1, v128.load(s, CX + 16)); y1 = t
    t = nextY(x2, y2, v128.load(s, CY + 32)); x2 = nextX(x2, y2, v128.load(s, CX + 32)); y2 = t
    t = nextY(x3, y3, v128.load(s, CY + 48)); x3 = nextX(x3, y3, v128.load(s, CX + 48)); y3 = t
    near0 = near(x0, y0)
    near1 = near(x1, y1)
    near2 = near(x2, y2)
    near3 = near(x3, y3)
    if (watchCycles) {
      near0 = v128.and(near0, unseen(x0, v128.load(s, X_KEPT)))
      near1 = v128.and(near1, unseen(x1, v128.load(s, X_KEPT + 16)))
      near2 = v128.and(near2, unseen(x2, v128.load(s, X_KEPT + 32)))
      near3 = v128.and(near3, unseen(x3, v128.load(s, X_KEPT + 48)))
    }
    left--
  } while (left != 0 && i64x2.all_true(v128.and(v128.and(near0, near1), v128.and(near2, near3))))
  storeLanes(s + X, x0, x1, x2, x3)
  storeLanes(s + Y, y0, y1, y2, y3)
  store<u32>(s, left, BLOCKS_LEFT)
  return ALL_LANES ^ bits(near0, near1, near2, near3)
}

/**
 * Makes at most `limit` blocks (at least 1; left over are BLOCKS_LEFT), fewer when a lane needs to
 * be looked at. Returns those lanes as bits.
 */
export function makeBlocks(s: usize, limit: u32): u32 {
  return blocks(s, limit, false)
}

/** The same, and a lane is looked at also when its x is the one that was kept. */
export function makeBlocksOfCycles(s: usize, limit: u32): u32 {
  return blocks(s, limit, true)
}
