// Slices: the pieces of time that hopping windows are composed of, so that a record updates one
// cell and not one a window. Used by the reference kernel and by the tables' read side.
//
//   size 25, step 10: edges at multiples of 10, and 5 (size mod step) after each
//
//   slices     0    5    10   15   20   25   30   35
//              ├────┼────┼────┼────┼────┼────┼────┤
//   window 0   ├────────────────────────┤
//   window 10            ├────────────────────────┤
//
// No window begins or ends inside a slice, so all records of a slice share their windows. All times
// are integer milliseconds and may be negative. A tumbling window is one slice.
import type { WindowPlan } from './plan.ts'

/** Largest multiple of `step` that is not above `t`. */
function floorTo(t: number, step: number): number {
  return Math.floor(t / step) * step
}

/** Start of the slice that holds the time `t`. */
export function sliceStart(window: WindowPlan, t: number): number {
  const base = floorTo(t, window.stepMs)
  const rest = window.sizeMs % window.stepMs
  return t - base < rest ? base : base + rest
}

/** Exclusive end of the slice that starts at `start`. */
export function sliceEnd(window: WindowPlan, start: number): number {
  const base = floorTo(start, window.stepMs)
  const rest = window.sizeMs % window.stepMs
  return base + (start - base < rest ? rest : window.stepMs)
}

/** Start of the oldest window that holds the time `t` (or the slice that starts there). */
export function firstWindow(window: WindowPlan, t: number): number {
  return floorTo(t - window.sizeMs, window.stepMs) + window.stepMs
}

/** Start of the newest window that holds the time `t` (or the slice that starts there). */
export function lastWindow(window: WindowPlan, t: number): number {
  return floorTo(t, window.stepMs)
}

/** Start of the oldest window that is open at `streamTimeMs`: end + grace > stream time. */
export function firstOpenWindow(window: WindowPlan, streamTimeMs: number): number {
  return firstWindow(window, streamTimeMs - window.graceMs)
}

/**
 * How many of the windows of the slice that starts at `start`, oldest first, are closed at
 * `streamTimeMs`; -1 when all are, so that a record of the slice is late. At most size / step.
 */
export function skippedFor(window: WindowPlan, start: number, streamTimeMs: number): number {
  const open = firstOpenWindow(window, streamTimeMs)
  if (open > lastWindow(window, start)) return -1
  return Math.max(0, (open - firstWindow(window, start)) / window.stepMs)
}

/**
 * Starts of the slices of the window that starts at `start`, in order: at most 2 × ceil(size /
 * step).
 */
export function slicesOfWindow(window: WindowPlan, start: number): number[] {
  const slices: number[] = []
  const end = start + window.sizeMs
  for (let slice = start; slice < end; slice = sliceEnd(window, slice)) slices.push(slice)
  return slices
}
