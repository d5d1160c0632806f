// The kernels that write an element for each element, in plain TypeScript: oracle and backend 'js'.
import type { FloatColumn } from './piece_kernels.ts'

/**
 * A recurrence: each element waits for the one before. Written as alpha·x + (1 - alpha)·y and not
 * as y + alpha·(x - y), because then only a multiplication and an addition wait, where the other
 * form has a subtraction, too.
 */
export function ewma(x: FloatColumn, out: FloatColumn, alpha: number, last: number): number {
  const keep = 1 - alpha
  let y = last
  for (let i = 0; i < x.length; i++) {
    y = alpha * x[i] + keep * y
    out[i] = y
  }
  return y
}

export function zScores(x: FloatColumn, out: FloatColumn, mean: number, scale: number): void {
  for (let i = 0; i < x.length; i++) out[i] = (x[i] - mean) * scale
}

export function zFlags(x: FloatColumn, out: Uint8Array, mean: number, limit: number): void {
  for (let i = 0; i < x.length; i++) out[i] = Math.abs(x[i] - mean) > limit ? 1 : 0
}

/**
 * The column is cut into groups of `window` elements. A window that ends in a group is the end of
 * the group before (its sum from the right: a suffix) and the beginning of this one (from the
 * left):
 *
 *   │ · · · a b │ c d e · · │     mean of a … e = ((b + a) + ((c + d) + e)) / 5
 *
 * So each window has sums of its own elements only: nothing drifts, and a NaN or an infinity is
 * gone when its window is over. An element passes through at most `window` roundings.
 */
export function movingAverage(
  x: FloatColumn,
  out: FloatColumn,
  window: number,
  history: number,
  suffixes: Float64Array,
): void {
  if (history > 0) sumFromRight(x, 0, window, suffixes)
  for (let from = history; from < x.length; from += window) {
    const to = Math.min(from + window, x.length)
    let prefix = 0
    for (let i = from; i < to; i++) {
      prefix += x[i]
      const k = i - from + 1
      out[i - history] = from === 0 ? prefix / k : (suffixes[k] + prefix) / window
    }
    if (to < x.length) sumFromRight(x, from, window, suffixes)
  }
}

/** suffixes[k] = x[from + window - 1] + … + x[from + k]; of nothing it is +0. */
function sumFromRight(x: FloatColumn, from: number, window: number, suffixes: Float64Array): void {
  let sum = 0
  suffixes[window] = 0
  for (let k = window - 1; k >= 0; k--) {
    sum += x[from + k]
    suffixes[k] = sum
  }
}
