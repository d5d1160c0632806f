// A slice: some milliseconds of work on an image, the job 'mandelbrot' of the kernel pool. Several
// run at once on one image; each takes the points that nobody has taken yet.
import { systemClock } from '../../clock.ts'
import type { ChosenBackend } from '../offload/backend.ts'
import type { ThreadContext } from '../offload/thread_context.ts'
import { countPoints } from './reference.ts'
import type { MandelbrotGrid } from './shape.ts'

export interface MandelbrotSlice {
  readonly grid: MandelbrotGrid
  readonly backend: ChosenBackend
  readonly shortcuts: boolean
  /** Points first … first + points - 1 of the grid are computed. */
  readonly first: number
  readonly points: number
  /** Points to take at once. */
  readonly chunk: number
  /** Address of an i32 a point. */
  readonly counts: number
  /** Address of an i32 that all slices share: how many points are taken. */
  readonly taken: number
  /** Address of what a task keeps from slice to slice (wasm). */
  readonly slot: number
  /** Whether this is the first slice of its slot. */
  readonly begins: boolean
}

export interface SliceResult {
  /** Nothing is left to do for this slot. */
  readonly isDone: boolean
}

/** Slices end then, so that others get their turn; one chunk of points may take it beyond. */
const SLICE_MS = 8
/** Blocks and tiles of a call: a tenth of a millisecond. */
const BUDGET = 4000

/** Works until the slice is over. Also called without the pool, for small images. */
export function run(slice: MandelbrotSlice, thread: ThreadContext): SliceResult {
  const end = systemClock.monotonic() + SLICE_MS
  const step = slice.backend === 'wasm' ? wasmStep(slice, thread) : chunkStep(slice, thread)
  while (step()) if (systemClock.monotonic() >= end) return { isDone: false }
  return { isDone: true }
}

/** One step of work; false: there is no more. */
type Step = () => boolean

function wasmStep(slice: MandelbrotSlice, { numeric }: ThreadContext): Step {
  const { grid, slot, counts, taken, chunk, first, points, shortcuts } = slice
  if (slice.begins) {
    const { nx, ny, xFrom, xTo, yFrom, yTo, iterations } = grid
    const place = [slot, counts, taken, chunk, first, points, nx, ny] as const
    numeric.mandelbrotBegin(...place, xFrom, xTo, yFrom, yTo, iterations, Number(shortcuts))
  }
  return () => numeric.mandelbrotRun(slot, BUDGET) === 0
}

function chunkStep(slice: MandelbrotSlice, thread: ThreadContext): Step {
  const { first, points, chunk, counts } = slice
  const { buffer } = thread.memory
  const taken = new Int32Array(buffer, slice.taken, 1)
  return () => {
    const begin = Atomics.load(taken, 0) < points ? Atomics.add(taken, 0, chunk) : points
    if (begin >= points) return false
    const length = Math.min(chunk, points - begin)
    const target = new Int32Array(buffer, counts + begin * 4, length)
    if (slice.backend === 'js') countPoints(target, slice.grid, first + begin)
    else countNative(target, slice, first + begin, thread)
    return true
  }
}

function countNative(
  counts: Int32Array,
  { grid, shortcuts }: MandelbrotSlice,
  first: number,
  { native }: ThreadContext,
): void {
  const { nx, ny, xFrom, xTo, yFrom, yTo, iterations } = grid
  const size = [nx, ny, xFrom, xTo, yFrom, yTo] as const
  const points = [first, first + counts.length] as const
  native!.mandelbrotPoints(counts, ...size, iterations, shortcuts, ...points)
}
