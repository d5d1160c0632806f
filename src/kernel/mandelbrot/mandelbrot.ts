// mandelbrot(): escape times over a grid, off the calling thread. The image is cut into slices of
// some milliseconds, and each of its tasks queues its next slice behind what others wait with.
import { type Clock, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { ChosenBackend, KernelBackend } from '../offload/backend.ts'
import { chooseBackend } from '../offload/calibration.ts'
import { type KernelPool, kernelPool } from '../offload/pool.ts'
import { Band } from './band.ts'
import { countHere, mandelbrotFamily } from './family.ts'
import {
  checkNames,
  checkShape,
  checkWhole,
  type MandelbrotGrid,
  type MandelbrotShape,
} from './shape.ts'
import type { MandelbrotSlice } from './slice.ts'

export interface MandelbrotOptions {
  /** Default: that of the settings, 'auto'. 'js' is the plain loop, without shortcuts. */
  readonly backend?: KernelBackend
  /** Tasks at once, at most the threads of the pool. Default: all of them. */
  readonly threads?: number
  /** Ends early what can be known not to leave; the counts are the same. Default true. */
  readonly shortcuts?: boolean
  /** Ends it with KERNEL_CANCELLED. */
  readonly signal?: AbortSignal
  /** Called at most ten times a second with the part that is done, and with 1 at the end. */
  readonly onProgress?: (fraction: number) => void
  readonly clock?: Clock
}

/** Counts, and how they were made. */
export interface MandelbrotImage {
  readonly counts: Int32Array
  readonly backend: ChosenBackend
  /** Threads of the pool that worked on it; 0: the calling thread did. */
  readonly threads: number
}

const optionNames = ['backend', 'threads', 'shortcuts', 'signal', 'onProgress', 'clock']
const THREADS_MAX = 64
const PROGRESS_MS = 100
/** Copying so many takes the calling thread about a millisecond. */
const PIECE_POINTS = 1 << 19

/**
 * Counts the steps z → z² + c, from z = c on, before |z|² ≥ 4, for each point c of a grid; points
 * that never leave get `iterations`. Resolves with an Int32Array of nx × ny: `[i * ny + j]` is the
 * point at x i and y j. The counts are the same integers with every backend, number of threads and
 * with or without shortcuts. Rejects with KERNEL_INVALID, KERNEL_CANCELLED, KERNEL_QUEUE_FULL,
 * NATIVE_UNAVAILABLE, MEMORY_EXHAUSTED.
 */
export async function mandelbrot(
  shape: MandelbrotShape,
  options: MandelbrotOptions = {},
): Promise<Int32Array> {
  return (await mandelbrotImage(shape, options)).counts
}

/** The same with what was chosen. Used by the command line and by benches. */
export async function mandelbrotImage(
  shape: MandelbrotShape,
  options: MandelbrotOptions = {},
): Promise<MandelbrotImage> {
  const grid = checkShape(shape)
  checkNames(options, 'options', optionNames)
  const { signal, shortcuts = true } = options
  const pool = kernelPool()
  const wanted = checkWhole('threads', options.threads ?? pool.threads, 1, THREADS_MAX)
  const steps = grid.nx * grid.ny * Math.max(1, grid.iterations)
  const { backend, onCallingThread } = chooseBackend(mandelbrotFamily, steps, options.backend)
  if (signal?.aborted) throw cancelled(signal)
  if (onCallingThread) {
    const counts = countHere(grid, backend, shortcuts)
    options.onProgress?.(1)
    return { counts, backend, threads: 0 }
  }
  const threads = Math.min(wanted, pool.threads)
  const image = new Image(pool, grid, { backend, shortcuts, threads }, options)
  const counts = await unlessAborted(image.compute(), signal)
  return { counts, backend, threads }
}

/** How the image is made. */
interface Plan {
  readonly backend: ChosenBackend
  readonly shortcuts: boolean
  readonly threads: number
}

/** One image while it is computed. */
class Image {
  readonly #pool: KernelPool
  readonly #grid: MandelbrotGrid
  readonly #plan: Plan
  readonly #options: MandelbrotOptions
  readonly #clock: Clock
  readonly #points: number
  #reportedAt: number
  #hasFailed = false

  constructor(pool: KernelPool, grid: MandelbrotGrid, plan: Plan, options: MandelbrotOptions) {
    this.#pool = pool
    this.#grid = grid
    this.#plan = plan
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#points = grid.nx * grid.ny
    this.#reportedAt = this.#clock.monotonic()
  }

  async compute(): Promise<Int32Array> {
    const band = new Band(this.#pool.memory, this.#points, 1, this.#plan.threads)
    try {
      const counts = allocateCounts(this.#points)
      for (let first = 0; first < this.#points; first += band.points) {
        const points = Math.min(band.points, this.#points - first)
        band.begin()
        await this.#computeBand(band, first, points)
        await copyInPieces(band.view(points), counts, first)
      }
      this.#options.onProgress?.(1)
      return counts
    } finally {
      band.free()
    }
  }

  /** When it rejects, no task touches the band any more. */
  async #computeBand(band: Band, first: number, points: number): Promise<void> {
    const { backend, shortcuts } = this.#plan
    const { grid, chunk } = { grid: this.#grid, chunk: this.#chunk(points, band.slots.length) }
    const { counts, taken } = band
    const common = { grid, backend, shortcuts, first, points, chunk, counts, taken }
    const tasks = band.slots.map((slot) => this.#runTask({ ...common, slot, begins: true }, band))
    const ends = await Promise.allSettled(tasks)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async #runTask(slice: MandelbrotSlice, band: Band): Promise<void> {
    try {
      let isDone = await this.#runSlice(slice, false)
      while (!isDone && !this.#hasFailed) {
        const { signal } = this.#options
        if (signal?.aborted) throw cancelled(signal)
        this.#report(slice.first + band.takenOf(slice.points))
        isDone = await this.#runSlice({ ...slice, begins: false }, true)
      }
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }

  async #runSlice(slice: MandelbrotSlice, continues: boolean): Promise<boolean> {
    const isFirst = slice.first === 0 && !continues
    const options = { name: 'mandelbrot', continues: !isFirst }
    return (await this.#pool.run('mandelbrot', slice, options)).isDone
  }

  /** Few enough points that the last ones of an image end at about the same time. */
  #chunk(points: number, tasks: number): number {
    const { iterations } = this.#grid
    const [steps, least, most] = chunkOf[this.#plan.backend]
    const wanted = Math.min(most, steps / Math.max(1, iterations), points / (tasks * 16))
    return Math.max(least, Math.ceil(wanted))
  }

  #report(done: number): void {
    const { onProgress } = this.#options
    if (onProgress === undefined) return
    const now = this.#clock.monotonic()
    if (now - this.#reportedAt < PROGRESS_MS) return
    this.#reportedAt = now
    onProgress(done / this.#points)
  }
}

/** Steps of some milliseconds; least and most points. */
const chunkOf: Readonly<Record<ChosenBackend, readonly [number, number, number]>> = {
  js: [1e6, 1, 1024],
  wasm: [8e6, 64, 4096],
  native: [1.6e7, 64, 16_384],
}

function allocateCounts(points: number): Int32Array {
  try {
    return new Int32Array(points)
  } catch (cause) {
    const message = `mandelbrot: no memory for ${points} counts`
    throw new EuphorionError('MEMORY_EXHAUSTED', message, { cause })
  }
}

/** The event loop gets its turn in between. */
async function copyInPieces(from: Int32Array, to: Int32Array, first: number): Promise<void> {
  for (let at = 0; at < from.length; at += PIECE_POINTS) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve))
    to.set(from.subarray(at, at + PIECE_POINTS), first + at)
  }
}

function cancelled(signal: AbortSignal): EuphorionError {
  return new EuphorionError('KERNEL_CANCELLED', 'mandelbrot was cancelled', {
    cause: signal.reason,
  })
}

/** Rejects at once when the signal comes; the slices that run end by themselves. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelled(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    const forget = () => signal.removeEventListener('abort', onAbort)
    work.then(resolve, reject).finally(forget)
  })
}
