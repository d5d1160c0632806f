// Images and other grids; compiled unchanged by functions.test.ts.
import { clamp } from './helpers.ts'

/** One turn of Conway's Game of Life on a torus. */
export function lifeStep(
  cells: Uint8Array,
  next: Uint8Array,
  width: number,
  height: number,
): number {
  let alive = 0
  for (let y = 0; y < height; y++) {
    const above = ((y + height - 1) % height) * width
    const here = y * width
    const below = ((y + 1) % height) * width
    for (let x = 0; x < width; x++) {
      const left = (x + width - 1) % width
      const right = (x + 1) % width
      const neighbours =
        cells[above + left] +
        cells[above + x] +
        cells[above + right] +
        cells[here + left] +
        cells[here + right] +
        cells[below + left] +
        cells[below + x] +
        cells[below + right]
      const lives = neighbours === 3 || (neighbours === 2 && cells[here + x] === 1)
      next[here + x] = lives ? 1 : 0
      if (lives) alive++
    }
  }
  return alive
}

/** A bilinear resize of a grey image. */
export function resize(
  source: Uint8ClampedArray,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Uint8ClampedArray {
  const target = new Uint8ClampedArray(newWidth * newHeight)
  const at = (x: number, y: number): number =>
    source[clamp(y, 0, height - 1) * width + clamp(x, 0, width - 1)]
  for (let y = 0; y < newHeight; y++) {
    const fy = ((y + 0.5) * height) / newHeight - 0.5
    const y0 = Math.floor(fy)
    for (let x = 0; x < newWidth; x++) {
      const fx = ((x + 0.5) * width) / newWidth - 0.5
      const x0 = Math.floor(fx)
      const top = at(x0, y0) * (1 - (fx - x0)) + at(x0 + 1, y0) * (fx - x0)
      const bottom = at(x0, y0 + 1) * (1 - (fx - x0)) + at(x0 + 1, y0 + 1) * (fx - x0)
      target[y * newWidth + x] = top * (1 - (fy - y0)) + bottom * (fy - y0)
    }
  }
  return target
}

/** Edges by Sobel's operator; outside of the image it is dark. */
export function sobel(image: Float32Array, width: number, edges: Float32Array): void {
  const height = image.length / width
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = (dx: number, dy: number): number => {
        const column = x + dx
        if (column < 0 || column >= width) return 0
        return image[(y + dy) * width + column] ?? 0
      }
      const gx =
        pixel(1, -1) +
        2 * pixel(1, 0) +
        pixel(1, 1) -
        pixel(-1, -1) -
        2 * pixel(-1, 0) -
        pixel(-1, 1)
      const gy =
        pixel(-1, 1) +
        2 * pixel(0, 1) +
        pixel(1, 1) -
        pixel(-1, -1) -
        2 * pixel(0, -1) -
        pixel(1, -1)
      edges[y * width + x] = Math.sqrt(gx * gx + gy * gy)
    }
  }
}

/** Steps to each free cell from the start, breadth first; -1 where there is no way. */
export function floodDistances(walls: Uint8Array, width: number, start: number): Int32Array {
  const distances = new Int32Array(walls.length).fill(-1)
  const queue = new Int32Array(walls.length)
  let head = 0
  let tail = 0
  distances[start] = 0
  queue[tail++] = start
  while (head < tail) {
    const cell = queue[head++]
    const column = cell % width
    for (let direction = 0; direction < 4; direction++) {
      if (direction === 0 && column === 0) continue
      if (direction === 1 && column === width - 1) continue
      const next =
        direction === 0
          ? cell - 1
          : direction === 1
            ? cell + 1
            : direction === 2
              ? cell - width
              : cell + width
      if (next < 0 || next >= walls.length || walls[next] === 1 || distances[next] !== -1) continue
      distances[next] = distances[cell] + 1
      queue[tail++] = next
    }
  }
  return distances
}
