// The Mandelbrot set in plain TypeScript: the oracle of all backends, and the backend 'js'.
import type { MandelbrotGrid } from './shape.ts'

/** Point k of n from `from` to `to`, as NumPy's linspace has it; a single point is `from`. */
export function gridPoint(k: number, n: number, from: number, to: number): number {
  if (n === 1) return from
  return k === n - 1 ? to : from + k * ((to - from) / (n - 1))
}

/**
 * The number of steps z → z² + c, from z = c on, before |z|² ≥ 4; at most `iterations`. Each
 * operation is rounded by itself: no backend may contract two into one. NaN never leaves.
 */
export function escapeCount(cx: number, cy: number, iterations: number): number {
  let x = cx
  let y = cy
  for (let n = 0; n < iterations; n++) {
    const xx = x * x
    const yy = y * y
    if (xx + yy >= 4) return n
    y = 2 * x * y + cy
    x = xx - yy + cx
  }
  return iterations
}

/** Counts of the points first … first + counts.length - 1; point i * ny + j is at x i and y j. */
export function countPoints(counts: Int32Array, grid: MandelbrotGrid, first: number): void {
  const { nx, ny, iterations, xFrom, xTo, yFrom, yTo } = grid
  let i = Math.floor(first / ny)
  let j = first - i * ny
  for (let k = 0; k < counts.length; k++) {
    const cx = gridPoint(i, nx, xFrom, xTo)
    counts[k] = escapeCount(cx, gridPoint(j, ny, yFrom, yTo), iterations)
    j++
    if (j < ny) continue
    j = 0
    i++
  }
}
