// A picture of escape times: smooth colours, PNG, and small copies for a terminal. Called by
// commands/mandelbrot.ts.
import { gridPoint } from '../kernel/mandelbrot/reference.ts'
import type { MandelbrotGrid } from '../kernel/mandelbrot/shape.ts'
import { PALETTE_SIZE, type PaletteName, paletteTable } from './mandelbrot_palette.ts'

/** Rows from the top, three bytes a pixel. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** Squared distance at which the fraction of a step is read: large, so that it is exact enough. */
const FAR = 2 ** 20
/** Near the tip at -2 the first steps outside gain little. */
const STEPS_MORE = 40
/** Colour cycles for each doubling of the steps. */
const CYCLES = 0.36

/** x to the right, y up; points that never leave are black. */
export function paintPicture(
  counts: Int32Array,
  grid: MandelbrotGrid,
  palette: PaletteName,
): Picture {
  const { nx: width, ny: height, iterations } = grid
  const steps = smoothSteps(counts, grid)
  let least = Number.POSITIVE_INFINITY
  for (const each of steps) if (each < least) least = each
  const table = paletteTable(palette)
  const rgb = new Uint8Array(width * height * 3)
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < height; j++) {
      const k = i * height + j
      if (counts[k] === iterations) continue
      const turns = CYCLES * Math.log2(1 + (steps[k] - least) * 0.3)
      const color = 3 * (Math.floor(turns * PALETTE_SIZE) % PALETTE_SIZE)
      const pixel = 3 * ((height - 1 - j) * width + i)
      rgb[pixel] = table[color]
      rgb[pixel + 1] = table[color + 1]
      rgb[pixel + 2] = table[color + 2]
    }
  }
  return { width, height, rgb }
}

/** Counts with the fraction of the step in which the point left; infinite for those that stay. */
function smoothSteps(counts: Int32Array, grid: MandelbrotGrid): Float32Array {
  const { nx, ny, iterations, xFrom, xTo, yFrom, yTo } = grid
  const smooth = new Float32Array(counts.length).fill(Number.POSITIVE_INFINITY)
  for (let i = 0; i < nx; i++) {
    const cx = gridPoint(i, nx, xFrom, xTo)
    for (let j = 0; j < ny; j++) {
      const count = counts[i * ny + j]
      if (count === iterations) continue
      const steps = smoothCount(cx, gridPoint(j, ny, yFrom, yTo), count)
      smooth[i * ny + j] = Math.max(0, steps)
    }
  }
  return smooth
}

/** The state at `count` again, and from there to where log log |z| grows by one a step. */
function smoothCount(cx: number, cy: number, count: number): number {
  let x = cx
  let y = cy
  for (let n = 0; n < count; n++) {
    const xx = x * x
    const yy = y * y
    y = 2 * x * y + cy
    x = xx - yy + cx
  }
  let n = count
  while (n < count + STEPS_MORE && x * x + y * y < FAR) {
    const xx = x * x
    const yy = y * y
    y = 2 * x * y + cy
    x = xx - yy + cx
    n++
  }
  // |c| so large that it overflows: as far out as can be
  const square = Math.min(x * x + y * y, Number.MAX_VALUE)
  return n + 5 - Math.log2(Math.log2(square))
}

/** A PNG of it; `text` are notes that stay with the file. */
export async function pngOf(
  { width, height, rgb }: Picture,
  text: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const { encode } = await import('fast-png')
  return encode({ width, height, data: rgb, channels: 3, depth: 8, text }, { zlib: { level: 6 } })
}

/** A smaller copy: the mean of the pixels that each of its pixels covers. */
export function shrinkPicture(picture: Picture, width: number, height: number): Picture {
  const rgb = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const top = Math.floor((row * picture.height) / height)
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * picture.height) / height))
    for (let column = 0; column < width; column++) {
      const left = Math.floor((column * picture.width) / width)
      const right = Math.max(left + 1, Math.floor(((column + 1) * picture.width) / width))
      rgb.set(meanOf(picture, left, right, top, bottom), 3 * (row * width + column))
    }
  }
  return { width, height, rgb }
}

function meanOf(
  { width, rgb }: Picture,
  left: number,
  right: number,
  top: number,
  bottom: number,
): readonly number[] {
  const sums = [0, 0, 0]
  for (let row = top; row < bottom; row++) {
    for (let at = 3 * (row * width + left); at < 3 * (row * width + right); at += 3) {
      sums[0] += rgb[at]
      sums[1] += rgb[at + 1]
      sums[2] += rgb[at + 2]
    }
  }
  const pixels = (right - left) * (bottom - top)
  return sums.map((sum) => Math.round(sum / pixels))
}
