// Fractals: functions as people write them, compiled unchanged by functions.test.ts.

/** The textbook's: the step at which the point leaves, or `iterations`. */
export function mandelbrotPoint(cx: number, cy: number, iterations: number): number {
  let x = cx
  let y = cy
  for (let i = 0; i < iterations; i++) {
    const x2 = x * x
    const y2 = y * y
    if (x2 + y2 >= 4) return i
    y = 2 * x * y + cy
    x = x2 - y2 + cx
  }
  return iterations
}

export function mandelbrot(nx: number, ny: number, iterations: number): Int32Array {
  const height = new Int32Array(nx * ny)
  const dx = 3 / (nx - 1)
  const dy = 2.4 / (ny - 1)
  for (let i = 0; i < nx; i++) {
    for (let j = 0; j < ny; j++) {
      height[i * ny + j] = mandelbrotPoint(-2.5 + i * dx, -1.2 + j * dy, iterations)
    }
  }
  return height
}

/** Fills an image of bytes by the escape time of z² + c. */
export const julia = (pixels: Uint8Array, width: number, height: number, cx = -0.8, cy = 0.156) => {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let x = (column / width) * 3 - 1.5
      let y = (row / height) * 3 - 1.5
      let n = 0
      while (x * x + y * y < 4 && n < 255) {
        ;[x, y] = [x * x - y * y + cx, 2 * x * y + cy]
        n++
      }
      pixels[row * width + column] = n
    }
  }
}

/** Which root of z³ = 1 Newton's method ends at from each point, and after how many steps. */
export function newton(roots: Uint8Array, steps: Uint8Array, size: number): void {
  const realParts = [1, -0.5, -0.5]
  const imaginaryParts = [0, Math.sqrt(3) / 2, -Math.sqrt(3) / 2]
  for (let i = 0; i < size * size; i++) {
    let x = ((i % size) / size) * 4 - 2
    let y = (Math.floor(i / size) / size) * 4 - 2
    let step = 0
    search: for (; step < 40; step++) {
      for (let k = 0; k < 3; k++) {
        if (Math.hypot(x - realParts[k], y - imaginaryParts[k]) < 1e-6) {
          roots[i] = k + 1
          break search
        }
      }
      // z - (z³ - 1) / 3z²
      const a = x * x - y * y
      const b = 2 * x * y
      const norm = 3 * (a * a + b * b)
      const u = a * x - b * y - 1
      const v = a * y + b * x
      x -= (u * a + v * b) / norm
      y -= (v * a - u * b) / norm
    }
    steps[i] = step
  }
}
