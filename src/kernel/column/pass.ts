// A kernel is one pass over its columns, or several: z-scores need the moments first. A pass is
// data; a program is a generator that asks for passes and makes the result of their outcomes, so
// that the same program runs on the calling thread (local_pass.ts) and in the pool (pool_pass.ts).
import type { FloatColumn, PieceKernels } from './piece_kernels.ts'
import type { PieceOutput } from './piece_task.ts'

export interface Pass {
  readonly kernel: keyof PieceKernels
  readonly x: FloatColumn
  readonly y?: FloatColumn
  /** Where a series goes. */
  readonly out?: FloatColumn | Uint8Array
  readonly numbers: readonly number[]
  /** How many counters logCounts has. */
  readonly counters?: number
}

/** A pass gives the records of its blocks, or its counters; of a series nothing. */
export type Program<Result> = Generator<Pass, Result, Float64Array>

export function arraysOf({ x, y, out }: Pass): readonly PieceOutput[] {
  return [x, y, out].filter((array) => array !== undefined)
}

/** From `from` up to `to`, with `history` elements before it that are only read. */
export interface Piece {
  readonly from: number
  readonly to: number
  readonly history: number
}

/** Pieces of about `length` elements. Results do not depend on where a column is cut. */
export function* piecesOf(pass: Pass, length: number, unit: number): Generator<Piece> {
  const step = Math.max(unit, Math.floor(length / unit) * unit)
  const history = pass.kernel === 'movingAverage' ? pass.numbers[0] : 0
  for (let from = 0; from < pass.x.length; from += step) {
    const to = Math.min(from + step, pass.x.length)
    yield { from, to, history: from === 0 ? 0 : history }
  }
}

export function slice<T extends PieceOutput>(array: T, from: number, to: number): T {
  return from === 0 && to === array.length ? array : (array.subarray(from, to) as T)
}
