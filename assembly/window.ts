// Slices of windows: the pieces of time that hold one cell a key (TypeScript twin:
// src/kernel/slices.ts). The edges are the multiples of the step, and those plus size mod step:
//
//   size 25, step 10    0····5····10···15···20···25···30
//   windows             [0 ─────────────────────── 25)
//                                 [10 ─────────────────────── 35)
//   slices              [0  5)[5  10)[10 15)[15 20)[20 25)…

/** Largest multiple of `step` that is not above `time`, also below zero. */
// @ts-ignore: decorator
@inline
export function floorTo(time: i64, step: i64): i64 {
  const rest = time % step
  return time - (rest < 0 ? rest + step : rest)
}

/** Start of the slice that holds `time`. */
export function sliceStart(time: i64, size: i64, step: i64): i64 {
  const grid = floorTo(time, step)
  const edge = size % step
  return edge != 0 && time - grid >= edge ? grid + edge : grid
}

/** End of the slice that begins at `start`. */
export function sliceEnd(start: i64, size: i64, step: i64): i64 {
  const edge = size % step
  const grid = floorTo(start, step)
  return edge != 0 && start == grid ? grid + edge : grid + step
}

/** Start of the earliest window that holds the slice. */
// @ts-ignore: decorator
@inline
export function firstWindow(slice: i64, size: i64, step: i64): i64 {
  return floorTo(slice - size, step) + step
}

/**
 * How many of the windows that hold the slice, oldest first, are closed at `streamTime`; -1 if all
 * are. A window is open while its end + grace is above stream time.
 */
export function closedWindows(slice: i64, size: i64, step: i64, grace: i64, streamTime: i64): i32 {
  const first = firstWindow(slice, size, step)
  const behind = streamTime - (first + size + grace)
  if (behind < 0) return 0
  const closed = behind / step + 1
  return first + closed * step > slice ? -1 : <i32>closed
}
