// Polynomials, matrices, transforms; compiled unchanged by functions.test.ts.

/** Horner's rule, the highest power first. */
export function horner(coefficients: Float64Array, x: number): number {
  let value = 0
  for (const coefficient of coefficients) value = value * x + coefficient
  return value
}

/** c = a × b of n × n matrices. */
export function matrixProduct(a: Float64Array, b: Float64Array, c: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j]
      c[i * n + j] = sum
    }
  }
}

/** LU decomposition in place with partial pivoting; the determinant. */
export function decompose(matrix: Float64Array, pivots: Int32Array, n: number): number {
  let determinant = 1
  for (let k = 0; k < n; k++) {
    let pivot = k
    for (let i = k + 1; i < n; i++)
      if (Math.abs(matrix[i * n + k]) > Math.abs(matrix[pivot * n + k])) pivot = i
    pivots[k] = pivot
    if (matrix[pivot * n + k] === 0) return 0
    if (pivot !== k) {
      determinant = -determinant
      for (let j = 0; j < n; j++) {
        const at = k * n + j
        const other = pivot * n + j
        ;[matrix[at], matrix[other]] = [matrix[other], matrix[at]]
      }
    }
    determinant *= matrix[k * n + k]
    for (let i = k + 1; i < n; i++) {
      const factor = (matrix[i * n + k] /= matrix[k * n + k])
      for (let j = k + 1; j < n; j++) matrix[i * n + j] -= factor * matrix[k * n + j]
    }
  }
  return determinant
}

/** The fast Fourier transform in place; the length is a power of two. */
export function fft(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length
  if (imaginary.length !== n || (n & (n - 1)) !== 0) throw new Error('not a power of two')
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      swap(real, i, j)
      swap(imaginary, i, j)
    }
  }
  for (let size = 2; size <= n; size <<= 1) {
    const angle = (-2 * Math.PI) / size
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < size / 2; k++) {
        const even = start + k
        const odd = even + size / 2
        const cosine = Math.cos(angle * k)
        const sine = Math.sin(angle * k)
        const re = real[odd] * cosine - imaginary[odd] * sine
        const im = real[odd] * sine + imaginary[odd] * cosine
        real[odd] = real[even] - re
        imaginary[odd] = imaginary[even] - im
        real[even] += re
        imaginary[even] += im
      }
    }
  }
}

function swap(array: Float64Array, i: number, j: number): void {
  const kept = array[i]
  array[i] = array[j]
  array[j] = kept
}

const blur = [1, 4, 6, 4, 1]

/** A convolution with a fixed kernel; edges count what is inside. */
export function convolve(signal: Float32Array): Float32Array {
  const smooth = new Float32Array(signal.length)
  const half = (blur.length - 1) / 2
  for (let i = 0; i < signal.length; i++) {
    let sum = 0
    let weight = 0
    for (let k = -half; k <= half; k++) {
      if (i + k < 0 || i + k >= signal.length) continue
      sum += signal[i + k] * blur[k + half]
      weight += blur[k + half]
    }
    smooth[i] = sum / weight
  }
  return smooth
}
