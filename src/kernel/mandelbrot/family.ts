// What an image costs by each backend, for the calibration: which one `auto` becomes, and whether
// the image is worth another thread. Used by mandelbrot.ts.
import type { ChosenBackend } from '../offload/backend.ts'
import type { KernelFamily } from '../offload/calibration.ts'
import { localKernels } from '../offload/local.ts'
import { kernelPool } from '../offload/pool.ts'
import { Band } from './band.ts'
import type { MandelbrotGrid } from './shape.ts'
import { run } from './slice.ts'

const NY = 16
const ITERATIONS = 100
const COLUMN_STEPS = NY * ITERATIONS

/**
 * Its values are steps, as many as there can be: points × iterations. How many an image really
 * takes is known when it is there.
 */
export const mandelbrotFamily: KernelFamily = {
  name: 'mandelbrot',
  nominal: {
    js: { fixedNs: 2000, perValueNs: 3.2 },
    wasm: { fixedNs: 4000, perValueNs: 0.45 },
    native: { fixedNs: 4000, perValueNs: 0.2 },
  },
  sizes: [COLUMN_STEPS, 100 * COLUMN_STEPS],
  prepare(backend, size) {
    // points that stay, all steps of them
    const region = { xFrom: -0.2, xTo: 0.2, yFrom: -0.2, yTo: 0.2 }
    const grid = { nx: size / COLUMN_STEPS, ny: NY, iterations: ITERATIONS, ...region }
    return () => countHere(grid, backend, false)
  },
}

/** A small image on the calling thread. */
export function countHere(
  grid: MandelbrotGrid,
  backend: ChosenBackend,
  shortcuts: boolean,
): Int32Array {
  const points = grid.nx * grid.ny
  const band = new Band(kernelPool().memory, points, points, 1)
  const { counts, taken, slots } = band
  const place = { first: 0, points, chunk: points, counts, taken, slot: slots[0] }
  try {
    band.begin()
    const slice = { grid, backend, shortcuts, ...place }
    for (let begins = true; !run({ ...slice, begins }, localKernels()).isDone; ) begins = false
    return band.view(points).slice()
  } finally {
    band.free()
  }
}
