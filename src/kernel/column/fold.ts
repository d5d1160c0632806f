// Joins the records of blocks, in the order of blocks: one piece of TypeScript for all backends, so
// that what they agree on in a block they agree on in the whole, however it was cut up.
import { BLOCK_LENGTH, recordLengths } from './piece_kernels.ts'

/**
 * A sum whose rounding errors are summed beside it (Neumaier 1974, with Knuth's two-sum): what it
 * adds to the error of the blocks is one rounding, however many blocks there are.
 */
class LongSum {
  #sum = 0
  #rest = 0

  add(value: number): void {
    const sum = this.#sum + value
    const added = sum - this.#sum
    this.#rest += this.#sum - (sum - added) + (value - added)
    this.#sum = sum
  }

  get value(): number {
    const value = this.#sum + this.#rest
    // the rest of an infinite sum is NaN
    return Number.isFinite(value) ? value : this.#sum
  }
}

/** Of records that are one sum each. */
export function foldSums(records: Float64Array): number {
  const total = new LongSum()
  for (const sum of records) total.add(sum)
  return total.value
}

export interface Extremes {
  readonly min: number
  readonly max: number
}

/** Of records that are a minimum and a maximum; NaN for both without records. */
export function foldExtremes(records: Float64Array): Extremes {
  if (records.length === 0) return { min: Number.NaN, max: Number.NaN }
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let at = 0; at < records.length; at += 2) {
    min = Math.min(min, records[at])
    max = Math.max(max, records[at + 1])
  }
  return { min, max }
}

/**
 * A mean that grows by blocks. A block's mean is two numbers, m = sum / n and c = Σ (x - m) / n,
 * what m missed by: their sum is exact but for the rounding of deviations, not of the values.
 */
class Mean {
  #high = 0
  #low = 0

  /** How far the block's mean is from this one. */
  distance(m: number, c: number): number {
    return m - this.#high + (c - this.#low)
  }

  set(m: number, c: number): void {
    this.#high = m
    this.#low = c
  }

  move(step: number): void {
    const high = this.#high + step
    const added = high - this.#high
    this.#low += this.#high - (high - added) + (step - added)
    this.#high = high
  }

  get value(): number {
    return this.#high + this.#low
  }
}

/** Sum, mean and the sum of squared deviations from it. */
export interface Moments extends Extremes {
  readonly count: number
  readonly sum: number
  readonly mean: number
  readonly squares: number
}

/**
 * Chan, Golub and LeVeque's pairwise update (1979), block after block: the squares about the mean
 * of both are those about each mean, and those of the means about the common one.
 */
export function foldMoments(records: Float64Array, count: number): Moments {
  const sum = new LongSum()
  const squares = new LongSum()
  const mean = new Mean()
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let before = 0
  for (let at = 0; at < records.length; at += recordLengths.moments) {
    const n = Math.min(BLOCK_LENGTH, count - before)
    const m = records[at] / n
    const c = records[at + 1] / n
    sum.add(records[at])
    squares.add(positive(records[at + 2] - records[at + 1] * c))
    if (before === 0) mean.set(m, c)
    else {
      const distance = mean.distance(m, c)
      const step = distance * (n / (before + n))
      squares.add(distance * step * before)
      mean.move(step)
    }
    min = Math.min(min, records[at + 3])
    max = Math.max(max, records[at + 4])
    before += n
  }
  if (count === 0) return { count, sum: 0, mean: NaN, squares: NaN, min: NaN, max: NaN }
  const total = sum.value
  const hasMean = Number.isFinite(total)
  return {
    count,
    sum: total,
    mean: hasMean ? mean.value : total / count,
    squares: hasMean ? squares.value : Number.NaN,
    min,
    max,
  }
}

/** A sum of squares that roundings made negative is 0; NaN stays. */
function positive(squares: number): number {
  return squares < 0 ? 0 : squares
}

/** Means of two columns, and their sums of squares and products about them. */
export interface Comoments {
  readonly meanX: number
  readonly meanY: number
  readonly xx: number
  readonly yy: number
  readonly xy: number
}

/** The same update for two columns. */
export function foldComoments(records: Float64Array, count: number): Comoments {
  const [meanX, meanY] = [new Mean(), new Mean()]
  const [xx, yy, xy] = [new LongSum(), new LongSum(), new LongSum()]
  let before = 0
  for (let at = 0; at < records.length; at += recordLengths.comoments) {
    const n = Math.min(BLOCK_LENGTH, count - before)
    const [sumX, sumY, restX, restY, blockXX, blockYY, blockXY] = records.subarray(at)
    const [mx, my, cx, cy] = [sumX / n, sumY / n, restX / n, restY / n]
    xx.add(positive(blockXX - restX * cx))
    yy.add(positive(blockYY - restY * cy))
    xy.add(blockXY - restX * cy)
    if (before === 0) {
      meanX.set(mx, cx)
      meanY.set(my, cy)
    } else {
      const dx = meanX.distance(mx, cx)
      const dy = meanY.distance(my, cy)
      const part = n / (before + n)
      xx.add(dx * (dx * part) * before)
      yy.add(dy * (dy * part) * before)
      xy.add(dx * (dy * part) * before)
      meanX.move(dx * part)
      meanY.move(dy * part)
    }
    before += n
  }
  const isNone = count === 0
  return {
    meanX: isNone ? Number.NaN : meanX.value,
    meanY: isNone ? Number.NaN : meanY.value,
    xx: xx.value,
    yy: yy.value,
    xy: xy.value,
  }
}
