// Kernels that give an element for each element: ewma, zScores, zScoreFlags, movingAverage. Public,
// by src/kernels.ts. Arithmetic is in float64; a series has the type of its column, so for float32
// each element is rounded once, when it is stored. All backends give the same bits (but for which
// NaN it is).
import { checkColumn, checkNumber, checkWhole, outputFor } from './arguments.ts'
import { type ColumnKernel, type ColumnOptions, columnKernel } from './column_kernel.ts'
import type { Program } from './pass.ts'
import type { FloatColumn } from './piece_kernels.ts'
import { momentsOf, type StatsOptions, varianceOf } from './summaries.ts'

export interface SeriesOptions extends ColumnOptions {
  /**
   * Where the result goes: of the type and length of the column. In a column of allocateColumn
   * nothing is copied. Default: a new array.
   */
  readonly into?: FloatColumn
}

export interface EwmaOptions extends SeriesOptions {
  /** The average before the first value, to go on with a series. Default: begins with the value. */
  readonly previous?: number
}

export interface ZScoreOptions extends SeriesOptions, StatsOptions {}

export interface ZFlagOptions extends StatsOptions {
  /** Where the result goes: of the length of the column. Default: a new array. */
  readonly into?: Uint8Array
}

/** The type of a series: that of its column. */
export type SeriesOf<Column extends FloatColumn> = Column extends Float64Array
  ? Float64Array
  : Column extends Float32Array
    ? Float32Array
    : never

/** A column kernel (ColumnKernel) that gives an element for each element. */
export interface SeriesKernel<Arguments extends readonly unknown[]> {
  <Column extends FloatColumn>(values: Column, ...args: Arguments): Promise<SeriesOf<Column>>
  /** The same on the calling thread, which waits for it. */
  sync<Column extends FloatColumn>(values: Column, ...args: Arguments): SeriesOf<Column>
}

function seriesKernel<Arguments extends readonly unknown[]>(
  name: string,
  optionsAt: number,
  program: (values: FloatColumn, ...args: Arguments) => Program<FloatColumn>,
): SeriesKernel<Arguments> {
  // a program's result has the type of its column: outputFor sees to it
  return columnKernel(name, optionsAt, program) as unknown as SeriesKernel<Arguments>
}

/** Of movingAverage: a group of as many elements is one piece of work. */
const WINDOW_MAX = 1 << 20

type ArrayClass<T> = new (length: number) => T

function classOf(values: FloatColumn): ArrayClass<FloatColumn> {
  return values.BYTES_PER_ELEMENT === 8 ? Float64Array : Float32Array
}

/**
 * The exponentially weighted moving average: y = alpha·x + (1 - alpha)·y, beginning with the first
 * value. `alpha` is above 0 and at most 1. |error| ≤ 3·u·max|x| / alpha. A NaN stays to the end,
 * and so does an infinity. Each element waits for the one before: this is one thread's work.
 */
export const ewma: SeriesKernel<[alpha: number, options?: EwmaOptions]> = seriesKernel(
  'ewma',
  2,
  function* (values, alpha, { previous, into } = {}) {
    checkColumn('ewma', 'values', values)
    checkNumber('ewma', 'alpha', alpha, { low: 0, high: 1 })
    const out = outputFor('ewma', values, into, classOf(values))
    if (values.length === 0) return out
    if (previous !== undefined) yield { kernel: 'ewma', x: values, out, numbers: [alpha, previous] }
    else {
      out[0] = values[0]
      const [x, rest] = [values.subarray(1), out.subarray(1)]
      yield { kernel: 'ewma', x, out: rest, numbers: [alpha, values[0]] }
    }
    return out
  },
)

/**
 * (x - mean)·(1 / stddev) of each value, with mean and stddev of stats(): within 3·u of the
 * quotient, several times as fast. NaN where the values do not vary; a stddev below 2^-1024 has no
 * inverse.
 */
export const zScores: SeriesKernel<[options?: ZScoreOptions]> = seriesKernel(
  'zScores',
  1,
  function* (values, { sample, into } = {}) {
    checkColumn('zScores', 'values', values)
    const out = outputFor('zScores', values, into, classOf(values))
    const moments = yield* momentsOf('zScores', values)
    const numbers = [moments.mean, 1 / Math.sqrt(varianceOf(moments, sample))]
    yield { kernel: 'zScores', x: values, out, numbers }
    return out
  },
)

/**
 * 1 for each value that is further than `threshold` standard deviations from the mean, else 0:
 * |x - mean| > threshold·stddev, with mean and stddev of stats(). `threshold` is 0 or more. NaN are
 * not flagged; with a NaN or an infinity among the values nothing is.
 */
export const zScoreFlags: ColumnKernel<
  [values: FloatColumn, threshold: number, options?: ZFlagOptions],
  Uint8Array
> = columnKernel('zScoreFlags', 2, function* (values, threshold, { sample, into } = {}) {
  const bounds = { low: 0, high: Number.MAX_VALUE, isLowIn: true }
  checkNumber('zScoreFlags', 'threshold', threshold, bounds)
  checkColumn('zScoreFlags', 'values', values)
  const out = outputFor<Uint8Array>('zScoreFlags', values, into, Uint8Array)
  const moments = yield* momentsOf('zScoreFlags', values)
  const limit = threshold * Math.sqrt(varianceOf(moments, sample))
  yield { kernel: 'zFlags', x: values, out, numbers: [moments.mean, limit] }
  return out
})

/**
 * The mean of each value and of those before it, `window` in all (1 to 1,048,576); at the beginning
 * of as many as there are. Each window has a sum of its own values: |error| ≤ (window +
 * 1)·u·mean|x|, nothing drifts, and a NaN or an infinity is gone when its window is over.
 */
export const movingAverage: SeriesKernel<[window: number, options?: SeriesOptions]> = seriesKernel(
  'movingAverage',
  2,
  function* (values, window, { into } = {}) {
    checkColumn('movingAverage', 'values', values)
    checkWhole('movingAverage', 'window', window, { low: 1, high: WINDOW_MAX })
    const out = outputFor('movingAverage', values, into, classOf(values))
    // a window longer than the column is never full
    const used = Math.max(1, Math.min(window, values.length))
    yield { kernel: 'movingAverage', x: values, out, numbers: [used] }
    return out
  },
)
