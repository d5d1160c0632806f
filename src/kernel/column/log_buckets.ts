// Logarithmic buckets: which bucket a magnitude belongs to and where a bucket ends, in plain
// TypeScript. Called by the histogram; logCounts is the oracle of the other backends.
import { BLOCK_LENGTH, bucketSlots, type FloatColumn } from './piece_kernels.ts'

/** A block, and its bits. */
const floats = new Float64Array(BLOCK_LENGTH)
const words = new Uint32Array(floats.buffer)
/** Little-endian, as WebAssembly is and as every platform of Node. */
const LOW = 0
const HIGH = 1

/** What is nearer to zero counts as zero: 2^-1022, the smallest float64 of full precision. */
export const SMALLEST = 2 ** -1022

/** A cubic through (0, 0) and (1, 1) that is log2(1 + s) but for 1 %, times a constant. */
const A = 6 / 35
const B = -3 / 5
const C = 10 / 7

/**
 * DDSketch's cubically interpolated mapping (Masson, Rim, Lee 2019): the exponent of x = 2^e·(1 +
 * s) is taken from its bits, log2(1 + s) is a polynomial, and so no logarithm is computed and all
 * backends find the same bucket. With multiplier = 7 / (10·ln g) a bucket ends at most at g times
 * its beginning: the slope of the cubic, over log2, is nowhere less than 10 / 7·ln 2. Buckets are 1
 * % narrower than with the logarithm, so there are as many more.
 */
export function multiplierOf(accuracy: number): number {
  // A little narrower than asked for: roundings in bucketOf stay within the promised accuracy.
  const kept = accuracy * (1 - 2 ** -20)
  return 7 / (10 * Math.log1p((2 * kept) / (1 - kept)))
}

/** The bucket of a finite magnitude ≥ SMALLEST; 0 and up. */
export function bucketOf(magnitude: number, multiplier: number): number {
  floats[0] = magnitude
  return bucketAt(0, multiplier)
}

/** The bucket of floats[index], whatever its sign. */
function bucketAt(index: number, multiplier: number): number {
  const high = words[2 * index + HIGH]
  const exponent = (high >>> 20) & 0x7ff
  const s = (high & 0xfffff) * 2 ** -20 + words[2 * index + LOW] * 2 ** -52
  return Math.floor(multiplier * (((A * s + B) * s + C) * s + exponent))
}

const EXPONENT_BIAS = 1023

/**
 * Where a bucket starts: the inverse of bucketOf, by Newton's method. Relative to what bucketOf
 * says it is right to 10^-12: what roundings make of logarithms up to 2047.
 */
export function bucketStart(bucket: number, multiplier: number): number {
  const log = bucket / multiplier
  const exponent = Math.floor(log)
  const rest = log - exponent
  let s = rest
  for (let i = 0; i < 4; i++)
    s -= (((A * s + B) * s + C) * s - rest) / ((3 * A * s + 2 * B) * s + C)
  const start = (1 + s) * 2 ** (exponent - EXPONENT_BIAS)
  return Math.min(Number.MAX_VALUE, Math.max(SMALLEST, start))
}

/** Counts the elements of each bucket. */
export function logCounts(
  x: FloatColumn,
  counters: Uint32Array,
  multiplier: number,
  lowestPositive: number,
  lowestNegative: number,
): void {
  const positive = bucketSlots.buckets - lowestPositive
  const negative = (bucketSlots.buckets + counters.length) / 2 - lowestNegative
  for (let from = 0; from < x.length; from += BLOCK_LENGTH) {
    const length = Math.min(BLOCK_LENGTH, x.length - from)
    for (let k = 0; k < length; k++) floats[k] = x[from + k]
    for (let k = 0; k < length; k++) {
      const exponent = (words[2 * k + HIGH] >>> 20) & 0x7ff
      if (exponent === 0) counters[bucketSlots.zero]++
      else if (exponent === 0x7ff) counters[slotOfSpecial(floats[k])]++
      else {
        const bucket = bucketAt(k, multiplier)
        if (floats[k] > 0) counters[positive + Math.max(bucket, lowestPositive)]++
        else counters[negative + Math.max(bucket, lowestNegative)]++
      }
    }
  }
}

function slotOfSpecial(value: number): number {
  if (Number.isNaN(value)) return bucketSlots.nan
  return value > 0 ? bucketSlots.infinity : bucketSlots.negativeInfinity
}
