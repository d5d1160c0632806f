// What is asked for: a grid of points and how many steps each is followed. Checked here once, used
// by mandelbrot.ts and its slices.
import { EuphorionError } from '../../errors.ts'

/** Ends of the two axes; both are points of the grid. */
export interface MandelbrotRegion {
  readonly xFrom: number
  readonly xTo: number
  readonly yFrom: number
  readonly yTo: number
}

export interface MandelbrotShape {
  /** Points along x and along y, at least 1 each, together at most 2^29. */
  readonly nx: number
  readonly ny: number
  /** Most steps of a point, 0 to 2^31 - 1; the count of those that never leave. */
  readonly iterations: number
  /** Default: x from -2.5 to 0.5, y from -1.2 to 1.2. */
  readonly region?: MandelbrotRegion
}

/** A shape that was checked, flat as kernels take it. */
export interface MandelbrotGrid extends MandelbrotRegion {
  readonly nx: number
  readonly ny: number
  readonly iterations: number
}

export const wholeSet: MandelbrotRegion = { xFrom: -2.5, xTo: 0.5, yFrom: -1.2, yTo: 1.2 }

const POINTS_MAX = 2 ** 29
const ITERATIONS_MAX = 2 ** 31 - 1

const shapeNames = ['nx', 'ny', 'iterations', 'region']
const regionNames = ['xFrom', 'xTo', 'yFrom', 'yTo'] as const

/** Throws KERNEL_INVALID, saying what is wrong. */
export function checkShape(shape: MandelbrotShape): MandelbrotGrid {
  checkNames(shape, 'shape', shapeNames)
  const { iterations, region = wholeSet } = shape
  const nx = checkWhole('nx', shape.nx, 1, POINTS_MAX)
  const ny = checkWhole('ny', shape.ny, 1, POINTS_MAX)
  if (nx * ny > POINTS_MAX) throw invalid(`nx × ny is ${nx * ny}, more than 2^29`)
  checkWhole('iterations', iterations, 0, ITERATIONS_MAX)
  checkNames(region, 'region', regionNames)
  for (const name of regionNames) {
    if (typeof region[name] !== 'number') throw invalid(`region.${name} is no number`)
  }
  const { xFrom, xTo, yFrom, yTo } = region
  return { nx, ny, iterations, xFrom, xTo, yFrom, yTo }
}

/** Throws KERNEL_INVALID unless it is an object without other names: those are typing errors. */
export function checkNames(value: object, what: string, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw invalid(`the ${what} is no object`)
  const other = Object.keys(value).find((name) => !names.includes(name))
  if (other !== undefined) throw invalid(`the ${what} has no ${other}: it has ${names.join(', ')}`)
}

/** The number, if it is a whole one in that range. Throws KERNEL_INVALID. */
export function checkWhole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw invalid(`${name} is ${String(value)}, not a whole number from ${min} to ${max}`)
}

function invalid(message: string): EuphorionError {
  return new EuphorionError('KERNEL_INVALID', `mandelbrot: ${message}`)
}
