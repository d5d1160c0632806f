// Statistics, learning, finance; compiled unchanged by functions.test.ts.
import { normal } from './helpers.ts'

export function prefixSums(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i] + values[i]
  return sums
}

/** Mean, variance, smallest and largest. */
export function summary(values: Float64Array): number[] {
  let mean = 0
  let squares = 0
  let lo = Infinity
  let hi = -Infinity
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    const delta = value - mean
    mean += delta / (i + 1)
    squares += delta * (value - mean)
    if (value < lo) lo = value
    if (value > hi) hi = value
  }
  return [mean, squares / (values.length - 1), lo, hi]
}

/** Each point to its nearest centre, then centres to the means; how many points moved. */
export function kMeansStep(
  points: Float64Array,
  centres: Float64Array,
  nearest: Uint16Array,
  dimensions: number,
): number {
  const clusters = centres.length / dimensions
  const sums = new Float64Array(centres.length)
  const counts = new Uint32Array(clusters)
  let moved = 0
  for (let point = 0; point * dimensions < points.length; point++) {
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (let c = 0; c < clusters; c++) {
      let distance = 0
      for (let d = 0; d < dimensions; d++)
        distance += (points[point * dimensions + d] - centres[c * dimensions + d]) ** 2
      if (distance < least) {
        least = distance
        best = c
      }
    }
    if (nearest[point] !== best) moved++
    nearest[point] = best
    counts[best]++
    for (let d = 0; d < dimensions; d++)
      sums[best * dimensions + d] += points[point * dimensions + d]
  }
  for (let c = 0; c < clusters; c++)
    for (let d = 0; d < dimensions; d++)
      if (counts[c] > 0) centres[c * dimensions + d] = sums[c * dimensions + d] / counts[c]
  return moved
}

/** The price of a European option by Black and Scholes. */
export function optionPrice(
  isCall: boolean,
  price: number,
  strike: number,
  years: number,
  rate: number,
  volatility: number,
): number {
  const spread = volatility * Math.sqrt(years)
  const d1 = (Math.log(price / strike) + (rate + volatility ** 2 / 2) * years) / spread
  const d2 = d1 - spread
  const discounted = strike * Math.exp(-rate * years)
  return isCall
    ? price * normal(d1) - discounted * normal(d2)
    : discounted * normal(-d2) - price * normal(-d1)
}

export function optionPrices(prices: Float64Array, strikes: Float64Array, out: Float64Array): void {
  for (let i = 0; i < prices.length; i++)
    out[i] = optionPrice(i % 2 === 0, prices[i], strikes[i], 0.5, 0.02, 0.3)
}

/** A histogram with the same number of values between all edges would be flat: this is not. */
export function histogram(
  values: Float64Array,
  lo: number,
  hi: number,
  counts: Int32Array,
): number {
  let outside = 0
  const scale = counts.length / (hi - lo)
  for (const value of values) {
    const bin = Math.floor((value - lo) * scale)
    if (bin >= 0 && bin < counts.length) counts[bin]++
    else outside++
  }
  return outside
}

/** Exponentially weighted mean, where a missing value (NaN) leaves it as it is. */
export function ewma(values: Float64Array, weight: number): Float64Array {
  const out = new Float64Array(values.length)
  let mean = Number.NaN
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (!Number.isNaN(value)) mean = Number.isNaN(mean) ? value : mean + weight * (value - mean)
    out[i] = mean
  }
  return out
}

/** Each value by its share of the largest; how many are above half of it, and where the first is. */
export function normalise(values: Float64Array): number[] {
  if (values.length === 0) return []
  const largest = values.reduce((most, value) => Math.max(most, value))
  const shares = values.map((value) => value / largest)
  let above = 0
  shares.forEach((share, i) => {
    values[i] = share
    if (share > 0.5) above++
  })
  const isLarge = (share: number): boolean => share > 0.5
  const first = shares.find(isLarge) ?? -1
  return [above, shares.findIndex(isLarge), first, shares.every((each) => each >= 0) ? 1 : 0]
}
