// logHistogram and quantiles: counts in logarithmic buckets, DDSketch's (Masson, Rim, Lee 2019).
// Public, by src/kernels.ts. Counts are whole numbers and buckets the same in all backends, so
// results are the same bits everywhere.
import { checkColumn, checkNumber, checkWhole } from './arguments.ts'
import { type ColumnKernel, type ColumnOptions, columnKernel } from './column_kernel.ts'
import { bucketOf, bucketStart, multiplierOf, SMALLEST } from './log_buckets.ts'
import type { Program } from './pass.ts'
import { bucketSlots, type FloatColumn } from './piece_kernels.ts'

export interface HistogramOptions extends ColumnOptions {
  /**
   * Buckets are so narrow that their middle is nowhere further than this part from what they hold:
   * 0.0001 to 0.5. Default 0.01.
   */
  readonly accuracy?: number
  /**
   * Most buckets of each sign, 2 to 65,536; the largest magnitudes have them, and smaller ones are
   * counted in the lowest. Default 2048: with an accuracy of 0.01 magnitudes from 1 to 10^17.
   */
  readonly buckets?: number
}

/** Buckets of one sign: bucket i has the magnitudes from edges[i] up to edges[i + 1]. */
export interface LogBuckets {
  readonly counts: Float64Array
  /**
   * One more than counts, right to 10^-12 of their size; the first is 0 where smaller magnitudes
   * are counted in the lowest bucket.
   */
  readonly edges: Float64Array
}

export interface LogHistogram {
  readonly accuracy: number
  /** Of all values. */
  readonly count: number
  /** Magnitudes below 2^-1022 count as zero. */
  readonly zeros: number
  readonly nans: number
  readonly infinities: { readonly positive: number; readonly negative: number }
  /** Of the finite values; NaN if there are none. */
  readonly min: number
  readonly max: number
  readonly positive: LogBuckets
  readonly negative: LogBuckets
}

/** Counters with what is needed to read them. */
interface Counted {
  readonly counters: Float64Array
  readonly multiplier: number
  readonly buckets: number
  readonly lowestPositive: number
  readonly lowestNegative: number
  readonly min: number
  readonly max: number
}

/** Finds the largest magnitudes first: they say which buckets have counters. */
function* countedOf(
  kernel: string,
  x: FloatColumn,
  { accuracy = 0.01, buckets = 2048 }: HistogramOptions,
): Program<Counted> {
  checkColumn(kernel, 'values', x)
  checkNumber(kernel, 'accuracy', accuracy, { low: 0.0001, high: 0.5, isLowIn: true })
  checkWhole(kernel, 'buckets', buckets, { low: 2, high: 65_536 })
  const ranges = yield { kernel: 'finiteRange', x, numbers: [] }
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let at = 0; at < ranges.length; at += 2) {
    min = Math.min(min, ranges[at])
    max = Math.max(max, ranges[at + 1])
  }
  const multiplier = multiplierOf(accuracy)
  const lowestPositive = lowestOf(max, multiplier, buckets)
  const lowestNegative = lowestOf(-min, multiplier, buckets)
  const counters = yield {
    kernel: 'logCounts',
    x,
    numbers: [multiplier, lowestPositive, lowestNegative],
    counters: bucketSlots.buckets + 2 * buckets,
  }
  return { counters, multiplier, buckets, lowestPositive, lowestNegative, min, max }
}

/** The first bucket that has a counter, so that the largest magnitude has the last one. */
function lowestOf(largest: number, multiplier: number, buckets: number): number {
  if (!(largest >= SMALLEST && largest <= Number.MAX_VALUE)) return 0
  return Math.max(0, bucketOf(largest, multiplier) - buckets + 1)
}

/**
 * Counts the values in buckets whose width is a part of what they hold. A float's bucket comes from
 * its exponent and a cubic of its mantissa; no logarithm is computed.
 */
export const logHistogram: ColumnKernel<
  [values: FloatColumn, options?: HistogramOptions],
  LogHistogram
> = columnKernel('logHistogram', 1, function* (values, options = {}) {
  const counted = yield* countedOf('logHistogram', values, options)
  const { counters, lowestPositive, lowestNegative, buckets, min, max } = counted
  const first = bucketSlots.buckets
  const isNone = min > max
  return {
    accuracy: options.accuracy ?? 0.01,
    count: values.length,
    zeros: counters[bucketSlots.zero],
    nans: counters[bucketSlots.nan],
    infinities: {
      positive: counters[bucketSlots.infinity],
      negative: counters[bucketSlots.negativeInfinity],
    },
    min: isNone ? Number.NaN : min,
    max: isNone ? Number.NaN : max,
    positive: bucketsOf(counted, first, lowestPositive),
    negative: bucketsOf(counted, first + buckets, lowestNegative),
  }
})

/** From the first to the last that has counts. */
function bucketsOf(
  { counters, multiplier, buckets }: Counted,
  slot: number,
  lowest: number,
): LogBuckets {
  let [first, end] = [0, buckets]
  while (end > 0 && counters[slot + end - 1] === 0) end--
  if (end === 0) return { counts: new Float64Array(0), edges: new Float64Array(0) }
  while (counters[slot + first] === 0) first++
  const counts = counters.slice(slot + first, slot + end)
  const edges = new Float64Array(counts.length + 1)
  for (let i = 0; i < edges.length; i++) edges[i] = bucketStart(lowest + first + i, multiplier)
  if (first === 0 && lowest > 0) edges[0] = 0
  return { counts, edges }
}

/**
 * The values at these parts of the sorted column: 0 is the smallest, 0.5 the median, 1 the largest,
 * q that of rank ⌊q·(n - 1)⌋, counted from 0. Each is within `accuracy` (default 0.01) of the value
 * itself, relative to it, without sorting; the first and the last are exact. Of values whose
 * magnitude is too small for a bucket of its own (HistogramOptions.buckets) only that is known. NaN
 * for all if there are no values or one of them is NaN.
 */
export const quantiles: ColumnKernel<
  [values: FloatColumn, parts: readonly number[], options?: HistogramOptions],
  number[]
> = columnKernel('quantiles', 2, function* (values, parts, options = {}) {
  for (const part of parts)
    checkNumber('quantiles', 'a part', part, { low: 0, high: 1, isLowIn: true })
  const counted = yield* countedOf('quantiles', values, options)
  const hasNone = values.length === 0 || counted.counters[bucketSlots.nan] > 0
  const ranks = parts.map((part) => Math.floor(part * (values.length - 1)))
  return ranks.map((rank) => (hasNone ? Number.NaN : valueAt(counted, rank, values.length)))
})

/** Goes through the counters in the order of values. */
function valueAt(counted: Counted, rank: number, count: number): number {
  const { counters, buckets, lowestPositive, lowestNegative, min, max } = counted
  const infinite = [counters[bucketSlots.negativeInfinity], counters[bucketSlots.infinity]]
  if (rank < infinite[0]) return Number.NEGATIVE_INFINITY
  if (rank >= count - infinite[1]) return Number.POSITIVE_INFINITY
  if (rank === infinite[0]) return min
  if (rank === count - infinite[1] - 1) return max
  const within = (value: number) => Math.min(max, Math.max(min, value))
  const first = bucketSlots.buckets
  let seen = infinite[0]
  for (let i = buckets - 1; i >= 0; i--) {
    seen += counters[first + buckets + i]
    if (rank < seen) return within(-middle(lowestNegative + i, counted.multiplier))
  }
  seen += counters[bucketSlots.zero]
  if (rank < seen) return 0
  for (let i = 0; i < buckets; i++) {
    seen += counters[first + i]
    if (rank < seen) return within(middle(lowestPositive + i, counted.multiplier))
  }
  return max
}

/** As far from the beginning of the bucket as from its end, relative to each. */
function middle(bucket: number, multiplier: number): number {
  const start = bucketStart(bucket, multiplier)
  const end = bucketStart(bucket + 1, multiplier)
  return start * (2 / (1 + start / end))
}
