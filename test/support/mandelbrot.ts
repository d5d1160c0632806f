// The textbook's images as the plain loop counts them, and a hash to know them by. Used by the
// tests of mandelbrot(), of the command and of the benches.
import { createHash } from 'node:crypto'
import { countPoints } from '../../src/kernel/mandelbrot/reference.ts'
import { checkShape, type MandelbrotShape } from '../../src/kernel/mandelbrot/shape.ts'
import { nativeAddon } from '../../src/kernel/native.ts'

/** SHA-256 of the counts; test/long/mandelbrot.test.ts holds the large one against the loop. */
export const textbook = {
  small: {
    shape: { nx: 320, ny: 240, iterations: 255 },
    sha256: 'ff3d68091ac4cd1dabe7f08c214a140b3c27a10e991d2ab7d46df9386c67ffdf',
  },
  large: {
    shape: { nx: 1920, ny: 1440, iterations: 1000 },
    sha256: 'ca4b208d7b8460bcf3a31569777a29339cdc339828cea1ba075f8c76bc87a360',
  },
} as const

/** Those that this machine has. */
export const backends = [
  'js',
  'wasm',
  ...(nativeAddon() === undefined ? [] : (['native'] as const)),
] as const

/** The plain loop. */
export function plainCounts(shape: MandelbrotShape): Int32Array {
  const counts = new Int32Array(shape.nx * shape.ny)
  countPoints(counts, checkShape(shape), 0)
  return counts
}

/** Of the counts as Int32 little-endian, i-major. */
export function hashOf(counts: Int32Array): string {
  const { buffer, byteOffset, byteLength } = counts
  return createHash('sha256')
    .update(Buffer.from(buffer, byteOffset, byteLength))
    .digest('hex')
}
