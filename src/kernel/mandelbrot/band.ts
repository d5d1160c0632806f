// The memory that one image is computed in: a band of its counts, and what the tasks keep from
// slice to slice. A large image is made band after band, so that it needs little of the budget.
import type { SharedMemory } from '../../batch/memory.ts'
import { EuphorionError } from '../../errors.ts'

/** 16 MiB of counts: large enough that the pause between two bands does not count. */
const BAND_POINTS = 4 << 20
const BAND_POINTS_MIN = 1 << 12
/** SLOT_BYTES of assembly/numeric/mandelbrot_slot.ts. */
const SLOT_BYTES = 1024
const CONTROL_BYTES = 64

export class Band {
  /** Most points at once. */
  readonly points: number
  /** Address of their counts. */
  readonly counts: number
  /** Address of an i32: how many of them are taken. */
  readonly taken: number
  /** Address of each task's memory. */
  readonly slots: readonly number[]
  readonly #memory: SharedMemory
  readonly #taken: Int32Array

  /**
   * Room for `points` if the budget has it, else for a smaller band of whole `grain`s of points.
   * Throws MEMORY_EXHAUSTED.
   */
  constructor(memory: SharedMemory, points: number, grain: number, tasks: number) {
    this.#memory = memory
    this.taken = memory.allocate(CONTROL_BYTES + tasks * SLOT_BYTES, 'mandelbrot')
    this.slots = Array.from(
      { length: tasks },
      (_, k) => this.taken + CONTROL_BYTES + k * SLOT_BYTES,
    )
    this.#taken = new Int32Array(memory.wasm.buffer, this.taken, 1)
    const room = allocateCounts(memory, points, grain)
    if (room === undefined) {
      memory.free(this.taken)
      const wanted = `No ${Math.max(grain, BAND_POINTS_MIN) * 4} bytes of shared memory left`
      throw new EuphorionError(
        'MEMORY_EXHAUSTED',
        `mandelbrot: ${wanted} (${memory.freeBytes()} free)`,
      )
    }
    this.counts = room.address
    this.points = room.points
  }

  /** Nothing of the next band is taken. */
  begin(): void {
    Atomics.store(this.#taken, 0, 0)
  }

  /** How many of `points` are taken. */
  takenOf(points: number): number {
    return Math.min(points, Atomics.load(this.#taken, 0))
  }

  /** A view of the first counts. */
  view(points: number): Int32Array {
    return new Int32Array(this.#memory.wasm.buffer, this.counts, points)
  }

  free(): void {
    this.#memory.free(this.counts)
    this.#memory.free(this.taken)
  }
}

function allocateCounts(
  memory: SharedMemory,
  points: number,
  grain: number,
): { readonly address: number; readonly points: number } | undefined {
  let wanted = points
  for (let most = BAND_POINTS; most >= BAND_POINTS_MIN; most /= 2) {
    wanted = Math.min(points, Math.max(grain, most - (most % grain)))
    const address = memory.tryAllocate(wanted * 4)
    if (address !== undefined) return { address, points: wanted }
  }
  return undefined
}
