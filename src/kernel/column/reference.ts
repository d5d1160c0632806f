// The summaries of blocks in plain TypeScript: the oracle that WebAssembly and native code follow
// bit for bit, and the backend 'js'.
//
// The one order of additions. A column is cut into blocks of 1024. Within a block element k is
// added to stripe k mod 16, each stripe in the order of the elements, from +0; then stripe j takes
// stripe j + 8 for j < 8, j + 4 for j < 4, j + 2 for j < 2, and stripe 0 takes stripe 1:
//
//   x0 x16 x32 …  ─▶ s0 ─┐
//   x1 x17 x33 …  ─▶ s1  ├─ s0+s8, s1+s9 … ─▶ +4 ─▶ +2 ─▶ +1 ─▶ sum of the block
//   …                    │
//   x15 x31 x47 … ─▶ s15 ┘
//
// An element passes through at most 63 + 4 roundings. Blocks are joined by fold.ts.
import { BLOCK_LENGTH, type FloatColumn, recordLengths } from './piece_kernels.ts'

const STRIPES = 16

const stripes = new Float64Array(STRIPES)
const wideX = new Float64Array(BLOCK_LENGTH)
const wideY = new Float64Array(BLOCK_LENGTH)
const deviations = new Float64Array(BLOCK_LENGTH)
const otherDeviations = new Float64Array(BLOCK_LENGTH)
const products = new Float64Array(BLOCK_LENGTH)

/**
 * The sum of `length` elements, at most a block, in the one order. Four stripes at a time, because
 * that many sums stay in registers; the block stays in the first cache.
 */
function stripedSum(x: Float64Array, from: number, length: number): number {
  const end = from + length
  for (let k = 0; k < STRIPES; k += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0]
    let i = from + k
    for (; i + 3 < end; i += STRIPES) {
      s0 += x[i]
      s1 += x[i + 1]
      s2 += x[i + 2]
      s3 += x[i + 3]
    }
    if (i < end) s0 += x[i]
    if (i + 1 < end) s1 += x[i + 1]
    if (i + 2 < end) s2 += x[i + 2]
    stripes[k] = s0
    stripes[k + 1] = s1
    stripes[k + 2] = s2
    stripes[k + 3] = s3
  }
  for (let half = STRIPES / 2; half >= 1; half /= 2)
    for (let k = 0; k < half; k++) stripes[k] += stripes[k + half]
  return stripes[0]
}

/** The block as float64 from index 0 on. */
function widened(x: FloatColumn, from: number, length: number, wide: Float64Array): Float64Array {
  for (let k = 0; k < length; k++) wide[k] = x[from + k]
  return wide
}

/** Calls for each block with where it is. */
function eachBlock(
  length: number,
  call: (from: number, length: number, block: number) => void,
): void {
  for (let from = 0, block = 0; from < length; from += BLOCK_LENGTH, block++)
    call(from, Math.min(BLOCK_LENGTH, length - from), block)
}

export function sum(x: FloatColumn, records: Float64Array): void {
  eachBlock(x.length, (from, length, block) => {
    records[block] =
      x instanceof Float64Array
        ? stripedSum(x, from, length)
        : stripedSum(widened(x, from, length, wideX), 0, length)
  })
}

export function dot(x: FloatColumn, y: FloatColumn, records: Float64Array): void {
  eachBlock(x.length, (from, length, block) => {
    for (let k = 0; k < length; k++) products[k] = x[from + k] * y[from + k]
    records[block] = stripedSum(products, 0, length)
  })
}

/** As Math.min and Math.max: a NaN makes both NaN, -0 is less than 0. */
export function minMax(x: FloatColumn, records: Float64Array): void {
  eachBlock(x.length, (from, length, block) => {
    extremes(x, from, length, records, block * recordLengths.minMax)
  })
}

function extremes(
  x: FloatColumn,
  from: number,
  length: number,
  records: Float64Array,
  at: number,
): void {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let isPlain = true
  for (let i = from; i < from + length; i++) {
    const value = x[i]
    if (value < min) min = value
    if (value > max) max = value
    else if (!(value <= max)) isPlain = false
  }
  // what comparisons do not tell: NaN and the signs of zeros
  if (!isPlain || min === 0 || max === 0) {
    for (let i = from; i < from + length; i++) {
      min = Math.min(min, x[i])
      max = Math.max(max, x[i])
    }
  }
  records[at] = min
  records[at + 1] = max
}

export function finiteRange(x: FloatColumn, records: Float64Array): void {
  eachBlock(x.length, (from, length, block) => {
    let min = Number.POSITIVE_INFINITY
    let max = Number.NEGATIVE_INFINITY
    for (let i = from; i < from + length; i++) {
      const value = x[i]
      if (!Number.isFinite(value)) continue
      if (value < min) min = value
      if (value > max) max = value
    }
    // + 0: which of two zeros it was would depend on the order
    records[block * recordLengths.finiteRange] = min + 0
    records[block * recordLengths.finiteRange + 1] = max + 0
  })
}

export function moments(x: FloatColumn, records: Float64Array): void {
  eachBlock(x.length, (from, length, block) => {
    const values = widened(x, from, length, wideX)
    const total = stripedSum(values, 0, length)
    deviate(values, length, total / length, deviations)
    multiply(deviations, deviations, length)
    const at = block * recordLengths.moments
    records[at] = total
    records[at + 1] = stripedSum(deviations, 0, length)
    records[at + 2] = stripedSum(products, 0, length)
    extremes(values, 0, length, records, at + 3)
  })
}

export function comoments(x: FloatColumn, y: FloatColumn, records: Float64Array): void {
  eachBlock(x.length, (from, length, block) => {
    const xs = widened(x, from, length, wideX)
    const ys = widened(y, from, length, wideY)
    const totalX = stripedSum(xs, 0, length)
    const totalY = stripedSum(ys, 0, length)
    deviate(xs, length, totalX / length, deviations)
    deviate(ys, length, totalY / length, otherDeviations)
    const at = block * recordLengths.comoments
    records[at] = totalX
    records[at + 1] = totalY
    records[at + 2] = stripedSum(deviations, 0, length)
    records[at + 3] = stripedSum(otherDeviations, 0, length)
    multiply(deviations, deviations, length)
    records[at + 4] = stripedSum(products, 0, length)
    multiply(otherDeviations, otherDeviations, length)
    records[at + 5] = stripedSum(products, 0, length)
    multiply(deviations, otherDeviations, length)
    records[at + 6] = stripedSum(products, 0, length)
  })
}

function deviate(values: Float64Array, length: number, mean: number, into: Float64Array): void {
  for (let k = 0; k < length; k++) into[k] = values[k] - mean
}

function multiply(a: Float64Array, b: Float64Array, length: number): void {
  for (let k = 0; k < length; k++) products[k] = a[k] * b[k]
}
