// Where to look: regions that users name, give by their middle and zoom, or by their edges. Used by
// commands/mandelbrot.ts.
import { InvalidArgumentError } from 'commander'
import type { MandelbrotRegion } from '../kernel/mandelbrot/shape.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Center {
  readonly x: number
  readonly y: number
}

interface Place extends Center {
  /** Against the height of the whole set, 2.4. */
  readonly zoom: number
  /** Steps that its details need. */
  readonly iterations: number
}

/** Worth a visit; `whole` is the set with square pixels, whatever the size. */
export const places = {
  whole: { x: -0.75, y: 0, zoom: 1, iterations: 1000 },
  seahorses: { x: -0.747_1, y: 0.107_2, zoom: 240, iterations: 3000 },
  tail: { x: -0.743_643_887_037_158, y: 0.131_825_904_205_312, zoom: 20_000, iterations: 5000 },
  elephants: { x: 0.292_575_5, y: -0.014_997_7, zoom: 500, iterations: 3000 },
  spirals: { x: -0.088_6, y: 0.654_5, zoom: 300, iterations: 2000 },
  lightning: { x: -0.170_337, y: -1.065_06, zoom: 90, iterations: 2000 },
  island: { x: -1.768_778_8, y: -0.001_738_9, zoom: 40_000, iterations: 3000 },
} as const satisfies Record<string, Place>

export type PlaceName = keyof typeof places

const HEIGHT = 2.4

/** Square pixels around a point. */
export function regionAround({ x, y }: Center, zoom: number, { width, height }: Size) {
  const halfHeight = HEIGHT / 2 / zoom
  // the pixels at the edges are whole ones: distances between points are what is equal
  const step = height > 1 ? (2 * halfHeight) / (height - 1) : 2 * halfHeight
  const halfWidth = (step * (width - 1)) / 2
  return {
    xFrom: x - halfWidth,
    xTo: x + halfWidth,
    yFrom: y - halfHeight,
    yTo: y + halfHeight,
  } satisfies MandelbrotRegion
}

/** Reads '1920x1440'. */
export function parseSize(text: string): Size {
  const match = /^([1-9]\d{0,8})[x×]([1-9]\d{0,8})$/i.exec(text)
  if (match === null) throw new InvalidArgumentError('It is WIDTHxHEIGHT, as in 1920x1440.')
  return { width: Number(match[1]), height: Number(match[2]) }
}

/** Reads 'xFrom,xTo,yFrom,yTo'. */
export function parseRegion(text: string): MandelbrotRegion {
  const [xFrom, xTo, yFrom, yTo] = numbers(text, 4, 'xFrom,xTo,yFrom,yTo')
  return { xFrom, xTo, yFrom, yTo }
}

/** Reads 'x,y'. */
export function parseCenter(text: string): Center {
  const [x, y] = numbers(text, 2, 'x,y')
  return { x, y }
}

/** Reads how many times larger. */
export function parseZoom(text: string): number {
  const zoom = Number(text)
  if (text.trim() !== '' && zoom > 0 && zoom < Number.POSITIVE_INFINITY) return zoom
  throw new InvalidArgumentError('It is a number above 0, as in 500 or 1e6.')
}

function numbers(text: string, count: number, form: string): readonly number[] {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (parts.length === count && parts.every(Number.isFinite)) return parts
  throw new InvalidArgumentError(`It is ${count} numbers, ${form}.`)
}
