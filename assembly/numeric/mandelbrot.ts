// Escape times of the Mandelbrot set, eight points at a time in four vectors of two. Called in
// slices by src/kernel/mandelbrot/slice.ts; several slots, each in its own thread, share an image.
//
//  points ──▶ tile: 16 exact steps ──▶ counts of those that left, or are known to stay
//    ▲                    │ survivors
//  taken by an            ▼
//  atomic add          lanes: blocks of 8 steps ──▶ counts; the lane takes the next survivor
//
// Counts are those of the plain loop (src/kernel/mandelbrot/reference.ts) to the last one: every
// state that is looked at was rounded like there, and shortcuts end only what can never leave.
import * as slot from './mandelbrot_slot'
import { isNear, makeBlocks, makeBlocksOfCycles } from './mandelbrot_blocks'
import { makeTile } from './mandelbrot_tile'

/** The first time that z is kept, in blocks from the tile on; most points have left by then. */
const FIRST_WINDOW: u32 = 4

/**
 * Prepares a slot for the points first … first + points - 1 of a grid (point i * ny + j). `counts`
 * is where theirs go, `taken` an i32 that all slots of the image share, 0 at first.
 */
export function mandelbrotBegin(
  s: usize, counts: u32, taken: u32, chunk: u32, first: u32, points: u32,
  nx: u32, ny: u32, xFrom: f64, xTo: f64, yFrom: f64, yTo: f64, iterations: u32, shortcuts: u32,
): void {
  memory.fill(s, 0, slot.SLOT_BYTES)
  for (let lane: usize = 0; lane < slot.LANES; lane++) {
    store<i32>(s + (lane << 2), -1, slot.IDLE)
    store<f64>(s + (lane << 3), NaN, slot.X_KEPT)
  }
  store<u32>(s, counts, slot.COUNTS)
  store<u32>(s, taken, slot.TAKEN)
  store<u32>(s, chunk, slot.CHUNK)
  store<u32>(s, first, slot.FIRST)
  store<u32>(s, points, slot.POINTS)
  store<u32>(s, nx, slot.NX)
  store<u32>(s, ny, slot.NY)
  store<u32>(s, iterations, slot.ITERATIONS)
  store<u32>(s, shortcuts, slot.SHORTCUTS)
  store<f64>(s, xFrom, slot.X_FROM)
  store<f64>(s, xTo, slot.X_TO)
  store<f64>(s, nx > 1 ? (xTo - xFrom) / f64(nx - 1) : 0, slot.X_STEP)
  store<f64>(s, yFrom, slot.Y_FROM)
  store<f64>(s, yTo, slot.Y_TO)
  store<f64>(s, ny > 1 ? (yTo - yFrom) / f64(ny - 1) : 0, slot.Y_STEP)
}

/**
 * Makes at most `budget` blocks and tiles (25 to 60 ns each) and returns 1 when nothing is left to
 * do for this slot, else 0.
 */
export function mandelbrotRun(s: usize, budget: i32): i32 {
  store<i32>(s, budget, slot.BUDGET)
  return load<u32>(s, slot.SHORTCUTS) ? run(s, true) : run(s, false)
}

// @ts-ignore: decorator
@inline
function run(s: usize, shortcuts: bool): i32 {
  while (load<i32>(s, slot.BUDGET) > 0) {
    const busy = fillLanes(s)
    const budget = load<i32>(s, slot.BUDGET)
    if (busy == 0 && budget > 0) return 1
    if (busy == 0) break
    const limit = min(blocksToDue(s, shortcuts), u32(max(1, budget)))
    let seen: u32 = 0
    if (limit > 0) {
      seen = shortcuts ? makeBlocksOfCycles(s, limit) : makeBlocks(s, limit)
      const made = limit - load<u32>(s, slot.BLOCKS_LEFT)
      store<u32>(s, load<u32>(s, slot.BLOCK) + made, slot.BLOCK)
      store<i32>(s, budget - i32(made), slot.BUDGET)
    }
    settle(s, seen, shortcuts)
  }
  return 0
}

/** One bit for each of eight i32 that are all ones. */
// @ts-ignore: decorator
@inline
function bitsOf(low: v128, high: v128): u32 {
  return i32x4.bitmask(low) | (i32x4.bitmask(high) << 4)
}

// @ts-ignore: decorator
@inline
function idleLanes(s: usize): u32 {
  return bitsOf(v128.load(s, slot.IDLE), v128.load(s, slot.IDLE + 16))
}

/** Lanes whose block at `field` (LAST, KEEP) is the one just made. */
// @ts-ignore: decorator
@inline
function dueLanes(s: usize, field: usize): u32 {
  const block = v128.load32_splat(s, slot.BLOCK)
  const low = i32x4.eq(v128.load(s + field), block)
  return bitsOf(low, i32x4.eq(v128.load(s + field, 16), block))
}

/** Blocks until the first of eight, those of idle lanes left out. */
// @ts-ignore: decorator
@inline
function blocksTo(s: usize, field: usize): v128 {
  const block = v128.load32_splat(s, slot.BLOCK)
  const low = v128.or(i32x4.sub(v128.load(s + field), block), v128.load(s, slot.IDLE))
  const high = v128.or(i32x4.sub(v128.load(s + field, 16), block), v128.load(s, slot.IDLE + 16))
  return i32x4.min_u(low, high)
}

/** Blocks until a lane has made all its blocks or wants its state kept. */
// @ts-ignore: decorator
@inline
function blocksToDue(s: usize, shortcuts: bool): u32 {
  let least = blocksTo(s, slot.LAST)
  if (shortcuts) least = i32x4.min_u(least, blocksTo(s, slot.KEEP))
  least = i32x4.min_u(least, i32x4.shuffle(least, least, 2, 3, 0, 1))
  return min<u32>(i32x4.extract_lane(least, 0), i32x4.extract_lane(least, 1))
}

/** Gives each idle lane a point, while there are some; makes tiles for that. Returns busy lanes. */
function fillLanes(s: usize): u32 {
  let idle = idleLanes(s)
  let waiting = load<u32>(s, slot.WAITING)
  while (idle != 0) {
    while (waiting == 0) {
      const budget = load<i32>(s, slot.BUDGET)
      if (budget <= 0 || !takePoints(s)) {
        store<u32>(s, 0, slot.WAITING)
        return slot.ALL_LANES ^ idle
      }
      makeTile(s)
      store<i32>(s, budget - 1, slot.BUDGET)
      waiting = load<u32>(s, slot.WAITING)
    }
    enter(s, ctz(idle), ctz(waiting))
    idle &= idle - 1
    waiting &= waiting - 1
  }
  store<u32>(s, waiting, slot.WAITING)
  return slot.ALL_LANES
}

/** Whether there are points without a tile. */
// @ts-ignore: decorator
@inline
function takePoints(s: usize): bool {
  if (load<u32>(s, slot.NEXT) < load<u32>(s, slot.END)) return true
  const points = load<u32>(s, slot.POINTS)
  const taken = load<usize>(s, slot.TAKEN)
  // not beyond the end for ever: the sum must not wrap
  if (atomic.load<u32>(taken) >= points) return false
  const chunk = load<u32>(s, slot.CHUNK)
  const next = atomic.add<u32>(taken, chunk)
  if (next >= points) return false
  store<u32>(s, next, slot.NEXT)
  store<u32>(s, min(next + chunk, points), slot.END)
  return true
}

/** A survivor of the tile goes into a lane. */
// @ts-ignore: decorator
@inline
function enter(s: usize, lane: usize, survivor: usize): void {
  const from = s + (survivor << 3)
  const to = s + (lane << 3)
  store<f64>(to, load<f64>(from, slot.TILE_X), slot.X)
  store<f64>(to, load<f64>(from, slot.TILE_Y), slot.Y)
  store<f64>(to, load<f64>(s, slot.TILE_CX), slot.CX)
  store<f64>(to, load<f64>(from, slot.TILE_CY), slot.CY)
  store<f64>(to, NaN, slot.X_KEPT)
  const block = load<u32>(s, slot.BLOCK)
  const blocks = (load<u32>(s, slot.ITERATIONS) - slot.TILE_STEPS) / slot.BLOCK_STEPS
  const at = s + (lane << 2)
  store<i32>(at, 0, slot.IDLE)
  store<u32>(at, load<u32>(s, slot.TILE_POINT) + u32(survivor), slot.POINT)
  store<u32>(at, slot.TILE_STEPS - block * slot.BLOCK_STEPS, slot.ORIGIN)
  store<u32>(at, block + blocks, slot.LAST)
  store<u32>(at, FIRST_WINDOW, slot.WINDOW)
  store<u32>(at, block + FIRST_WINDOW, slot.KEEP)
}

// @ts-ignore: decorator
@inline
function leave(s: usize, lane: usize, count: u32): void {
  const at = s + (lane << 2)
  store<u32>(load<usize>(s, slot.COUNTS) + (load<usize>(at, slot.POINT) << 2), count)
  store<i32>(at, -1, slot.IDLE)
  // stays at 0 until a point comes
  const from = s + (lane << 3)
  store<f64>(from, 0, slot.X)
  store<f64>(from, 0, slot.Y)
  store<f64>(from, 0, slot.CX)
  store<f64>(from, 0, slot.CY)
  store<f64>(from, NaN, slot.X_KEPT)
}

/** Looks at the lanes that blocks stopped for (`seen`) and at those that are due. */
function settle(s: usize, seen: u32, shortcuts: bool): void {
  const busy = slot.ALL_LANES ^ idleLanes(s)
  const last = dueLanes(s, slot.LAST) & busy
  for (let lanes = (seen & busy) | last; lanes != 0; lanes &= lanes - 1) {
    const lane = ctz(lanes)
    const bit: u32 = 1 << lane
    const count = countOf(s, lane, (seen & bit) != 0, (last & bit) != 0, shortcuts)
    if (count >= 0) leave(s, lane, count)
  }
  if (!shortcuts) return
  const still = slot.ALL_LANES ^ idleLanes(s)
  for (let lanes = dueLanes(s, slot.KEEP) & still; lanes != 0; lanes &= lanes - 1) {
    keep(s, ctz(lanes))
  }
}

/** The lane's count if it is known, else -1. */
// @ts-ignore: decorator
@inline
function countOf(s: usize, lane: usize, isSeen: bool, isLast: bool, shortcuts: bool): i32 {
  const at = s + (lane << 3)
  const x = load<f64>(at, slot.X)
  const y = load<f64>(at, slot.Y)
  const cx = load<f64>(at, slot.CX)
  const cy = load<f64>(at, slot.CY)
  const iterations = load<u32>(s, slot.ITERATIONS)
  const made = load<u32>(s, slot.BLOCK) * slot.BLOCK_STEPS
  const steps = made + load<u32>(s + (lane << 2), slot.ORIGIN)
  if (isSeen && !isNear(x, y)) {
    const xBefore = load<f64>(at, slot.X_BEFORE)
    const yBefore = load<f64>(at, slot.Y_BEFORE)
    const count = plain(xBefore, yBefore, cx, cy, steps - slot.BLOCK_STEPS, steps + 1)
    if (count <= steps) return count
    // c has a NaN: nothing is ever ≥ 4
    if (x != x || y != y) return iterations
  } else if (isSeen && shortcuts) {
    if (x == load<f64>(at, slot.X_KEPT) && y == load<f64>(at, slot.Y_KEPT)) return iterations
  }
  return isLast ? plain(x, y, cx, cy, steps, iterations) : -1
}

/** The plain loop from step n on; `end` if |z|² stays below 4 until then. */
// @ts-ignore: decorator
@inline
function plain(x: f64, y: f64, cx: f64, cy: f64, n: u32, end: u32): u32 {
  for (; n < end; n++) {
    const xx = x * x
    const yy = y * y
    if (xx + yy >= 4) break
    y = 2 * x * y + cy
    x = xx - yy + cx
  }
  return n
}

/** Keeps the lane's state; twice as long each time, so that a cycle of any length is found. */
// @ts-ignore: decorator
@inline
function keep(s: usize, lane: usize): void {
  const from = s + (lane << 3)
  store<f64>(from, load<f64>(from, slot.X), slot.X_KEPT)
  store<f64>(from, load<f64>(from, slot.Y), slot.Y_KEPT)
  const at = s + (lane << 2)
  const window = load<u32>(at, slot.WINDOW)
  store<u32>(at, load<u32>(s, slot.BLOCK) + window, slot.KEEP)
  store<u32>(at, window << 1, slot.WINDOW)
}
