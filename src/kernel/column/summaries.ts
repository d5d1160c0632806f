// Summaries of one or two columns: sum, dot, minMax, stats and its parts, linearRegression. Public,
// by src/kernels.ts. Each is the summary of blocks of 1024 elements (reference.ts says in which
// order they are added up), joined by fold.ts; so all backends, any number of threads and any cut
// into pieces give the same bits. u = 2^-53 in the bounds.
import { checkColumn, checkPair } from './arguments.ts'
import { type ColumnKernel, type ColumnOptions, columnKernel } from './column_kernel.ts'
import {
  type Extremes,
  foldComoments,
  foldExtremes,
  foldMoments,
  foldSums,
  type Moments,
} from './fold.ts'
import type { Program } from './pass.ts'
import type { FloatColumn } from './piece_kernels.ts'

type OfOne<Result, Options = ColumnOptions> = ColumnKernel<
  [values: FloatColumn, options?: Options],
  Result
>

type OfTwo<Result> = ColumnKernel<[x: FloatColumn, y: FloatColumn, options?: ColumnOptions], Result>

export interface StatsOptions extends ColumnOptions {
  /** Divides by count - 1, for a sample, and not by count, for all there is. Default false. */
  readonly sample?: boolean
}

/** What stats() gives. Without values sum is 0 and all but the count NaN. */
export interface ColumnStats extends Extremes {
  readonly count: number
  readonly sum: number
  readonly mean: number
  readonly variance: number
  readonly stddev: number
}

export interface LinearRegression {
  readonly slope: number
  readonly intercept: number
  /** The part of y's variance that the line explains, 0 to 1. */
  readonly r2: number
}

/**
 * The sum of the values; 0 if there are none. |error| ≤ 69·u·Σ|x|, however many there are. NaN, and
 * infinities of both signs, give NaN; a sum beyond the range of float64 is infinite, also where it
 * would come back into it.
 */
export const sum: OfOne<number> = columnKernel('sum', 1, function* (values) {
  checkColumn('sum', 'values', values)
  return foldSums(yield { kernel: 'sum', x: values, numbers: [] })
})

/** Σ x·y; 0 if there are none. Each product is rounded: |error| ≤ 70·u·Σ|x·y|. */
export const dot: OfTwo<number> = columnKernel('dot', 2, function* (givenX, givenY) {
  const [x, y] = checkPair('dot', givenX, givenY)
  return foldSums(yield { kernel: 'dot', x, y, numbers: [] })
})

/**
 * The smallest and the largest value, as Math.min and Math.max: NaN if one is NaN, and -0 is less
 * than 0. NaN if there are none.
 */
export const minMax: OfOne<Extremes> = columnKernel('minMax', 1, function* (values) {
  checkColumn('minMax', 'values', values)
  return foldExtremes(yield { kernel: 'minMax', x: values, numbers: [] })
})

/** For kernels that begin with the moments. */
export function* momentsOf(kernel: string, values: FloatColumn): Program<Moments> {
  checkColumn(kernel, 'values', values)
  return foldMoments(yield { kernel: 'moments', x: values, numbers: [] }, values.length)
}

export function varianceOf({ squares, count }: Moments, sample = false): number {
  return squares / (sample ? count - 1 : count)
}

/**
 * Count, sum, mean, variance, standard deviation, minimum and maximum in one go.
 *
 * The mean of a block is followed by a pass over its deviations, and blocks are joined by their
 * deviations too, so nothing is lost where the values are large and differ little: the relative
 * error of the variance is at most 200·u, and that of the mean, relative to |mean| + stddev, 80·u.
 * NaN and infinite values make mean and variance what IEEE 754 makes of their sums: NaN, or an
 * infinite mean with a variance of NaN. A sample of one has no variance: NaN.
 */
export const stats: OfOne<ColumnStats, StatsOptions> = columnKernel(
  'stats',
  1,
  function* (values, { sample } = {}) {
    const moments = yield* momentsOf('stats', values)
    const variance = varianceOf(moments, sample)
    const { count, sum, mean, min, max } = moments
    return { count, sum, mean, variance, stddev: Math.sqrt(variance), min, max }
  },
)

/** The mean, as stats() has it; NaN if there are no values. */
export const mean: OfOne<number> = columnKernel('mean', 1, function* (values) {
  return (yield* momentsOf('mean', values)).mean
})

/** The variance, as stats() has it. */
export const variance: OfOne<number, StatsOptions> = columnKernel(
  'variance',
  1,
  function* (values, { sample } = {}) {
    return varianceOf(yield* momentsOf('variance', values), sample)
  },
)

/** The standard deviation: the root of the variance. */
export const stddev: OfOne<number, StatsOptions> = columnKernel(
  'stddev',
  1,
  function* (values, { sample } = {}) {
    return Math.sqrt(varianceOf(yield* momentsOf('stddev', values), sample))
  },
)

/**
 * The line through the points (x, y) with the least squares of vertical distances. Slope and
 * intercept are NaN where no line is determined: fewer than two points, or all x the same; r2 is
 * NaN where y does not vary either. Sums are about the means, as in stats().
 */
export const linearRegression: OfTwo<LinearRegression> = columnKernel(
  'linearRegression',
  2,
  function* (givenX, givenY) {
    const [x, y] = checkPair('linearRegression', givenX, givenY)
    const records = yield { kernel: 'comoments', x, y, numbers: [] }
    const { meanX, meanY, xx, yy, xy } = foldComoments(records, x.length)
    const slope = xx > 0 ? xy / xx : Number.NaN
    const r2 = yy > 0 ? Math.min(1, slope * (xy / yy)) : Number.NaN
    return { slope, intercept: meanY - slope * meanX, r2 }
  },
)
