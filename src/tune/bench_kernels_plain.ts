// Numeric functions as a person writes them in JavaScript: what kernels are measured against. Used
// by bench_kernels_cases.ts.
import type { FloatColumn } from '../kernel/column/piece_kernels.ts'

export function plainSum(x: FloatColumn): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]
  return sum
}

export function plainDot(x: FloatColumn, y: FloatColumn): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i]
  return sum
}

export function plainMinMax(x: FloatColumn): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < x.length; i++) {
    if (x[i] < min) min = x[i]
    if (x[i] > max) max = x[i]
  }
  return { min, max }
}

/**
 * The variance by the squares of deviations: in one pass, by those of values, it is not to trust.
 */
export function plainStats(x: FloatColumn): {
  count: number
  sum: number
  mean: number
  variance: number
  stddev: number
  min: number
  max: number
} {
  let sum = 0
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < x.length; i++) {
    const value = x[i]
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  const mean = sum / x.length
  let squares = 0
  for (let i = 0; i < x.length; i++) {
    const deviation = x[i] - mean
    squares += deviation * deviation
  }
  const variance = squares / x.length
  return { count: x.length, sum, mean, variance, stddev: Math.sqrt(variance), min, max }
}

function meanAndStddev(x: FloatColumn): [mean: number, stddev: number] {
  const mean = plainSum(x) / x.length
  let squares = 0
  for (let i = 0; i < x.length; i++) squares += (x[i] - mean) ** 2
  return [mean, Math.sqrt(squares / x.length)]
}

export function plainZScores(x: FloatColumn, out: FloatColumn): FloatColumn {
  const [mean, stddev] = meanAndStddev(x)
  for (let i = 0; i < x.length; i++) out[i] = (x[i] - mean) / stddev
  return out
}

export function plainZScoreFlags(x: FloatColumn, threshold: number, out: Uint8Array): Uint8Array {
  const [mean, stddev] = meanAndStddev(x)
  for (let i = 0; i < x.length; i++) out[i] = Math.abs((x[i] - mean) / stddev) > threshold ? 1 : 0
  return out
}

export function plainLinearRegression(
  x: FloatColumn,
  y: FloatColumn,
): { slope: number; intercept: number; r2: number } {
  const meanX = plainSum(x) / x.length
  const meanY = plainSum(y) / y.length
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - meanX
    const dy = y[i] - meanY
    xx += dx * dx
    yy += dy * dy
    xy += dx * dy
  }
  const slope = xy / xx
  return { slope, intercept: meanY - slope * meanX, r2: (xy * xy) / (xx * yy) }
}

export function plainEwma(x: FloatColumn, alpha: number, out: FloatColumn): FloatColumn {
  let y = x[0]
  out[0] = y
  for (let i = 1; i < x.length; i++) {
    y = alpha * x[i] + (1 - alpha) * y
    out[i] = y
  }
  return out
}

export function plainMovingAverage(x: FloatColumn, window: number, out: FloatColumn): FloatColumn {
  let sum = 0
  for (let i = 0; i < x.length; i++) {
    sum += x[i]
    if (i >= window) sum -= x[i - window]
    out[i] = sum / Math.min(window, i + 1)
  }
  return out
}

/** Of values above zero: how many there are by the whole number of their logarithm. */
export function plainLogHistogram(x: FloatColumn, accuracy: number): Uint32Array {
  const perBucket = Math.log((1 + accuracy) / (1 - accuracy))
  const first = Math.ceil(Math.log(Number.MIN_VALUE) / perBucket)
  const last = Math.ceil(Math.log(Number.MAX_VALUE) / perBucket)
  const counts = new Uint32Array(last - first + 1)
  for (let i = 0; i < x.length; i++) counts[Math.ceil(Math.log(x[i]) / perBucket) - first]++
  return counts
}

export function plainQuantiles(x: FloatColumn, parts: readonly number[]): number[] {
  const sorted = x.slice().sort()
  return parts.map((part) => sorted[Math.floor(part * (x.length - 1))])
}
