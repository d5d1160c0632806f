// What every backend does to a piece of a column: the interface that JavaScript, WebAssembly and
// the native addon implement, bit for bit alike. Called by the drivers of the column kernels.

/** A column of floats. float32 is widened to float64 exactly; all arithmetic is in float64. */
export type FloatColumn = Float64Array | Float32Array

/** Summaries are made of blocks of so many elements, and joined in their order (fold.ts). */
export const BLOCK_LENGTH = 1024

/** float64 per block that a summary writes. */
export const recordLengths = {
  /** sum */
  sum: 1,
  /** Σ x·y */
  dot: 1,
  /** min, max; NaN where the block has one. */
  minMax: 2,
  /** min, max of the finite elements; Infinity, -Infinity where there are none. */
  finiteRange: 2,
  /** sum, Σ (x - m), Σ (x - m)², min, max; m = sum / length */
  moments: 5,
  /** sum of x, of y, Σ dx, Σ dy, Σ dx², Σ dy², Σ dx·dy; dx = x - sum of x / length */
  comoments: 7,
} as const

type Summary = keyof typeof recordLengths

export function isSummary(kernel: string): kernel is Summary {
  return kernel in recordLengths
}

/** Counters of a histogram: after these the positive buckets, then as many negative ones. */
export const bucketSlots = {
  zero: 0,
  nan: 1,
  negativeInfinity: 2,
  infinity: 3,
  buckets: 4,
} as const

/**
 * One backend. Lengths are those of the typed arrays; summaries write one record a block. Outputs
 * must not overlap inputs, and have the input's type where they are series.
 */
export interface PieceKernels {
  sum(x: FloatColumn, records: Float64Array): void
  dot(x: FloatColumn, y: FloatColumn, records: Float64Array): void
  minMax(x: FloatColumn, records: Float64Array): void
  finiteRange(x: FloatColumn, records: Float64Array): void
  moments(x: FloatColumn, records: Float64Array): void
  comoments(x: FloatColumn, y: FloatColumn, records: Float64Array): void
  /**
   * Adds to the counters, at most 2^32 - 1 elements between two clearings. Bucket `lowestPositive`
   * and those below have the first counter of their sign; see bucketOf for `multiplier`.
   */
  logCounts(
    x: FloatColumn,
    counters: Uint32Array,
    multiplier: number,
    lowestPositive: number,
    lowestNegative: number,
  ): void
  /** y = alpha·x + (1 - alpha)·y from y = `last`; returns the last y. */
  ewma(x: FloatColumn, out: FloatColumn, alpha: number, last: number): number
  /** (x - mean)·scale */
  zScores(x: FloatColumn, out: FloatColumn, mean: number, scale: number): void
  /** 1 where |x - mean| > limit, else 0. */
  zFlags(x: FloatColumn, out: Uint8Array, mean: number, limit: number): void
  /**
   * The mean of each element and of the `window` - 1 before it. `x` begins with `history` elements
   * that have no output: none at a column's start, else `window`. `scratch` has 2·(window + 1).
   */
  movingAverage(
    x: FloatColumn,
    out: FloatColumn,
    window: number,
    history: number,
    scratch: Float64Array,
  ): void
}

export function blockCount(length: number): number {
  return Math.ceil(length / BLOCK_LENGTH)
}
