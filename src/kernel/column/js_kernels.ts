// The backend 'js' of the column kernels: the oracle's functions under one name.
import { logCounts } from './log_buckets.ts'
import type { PieceKernels } from './piece_kernels.ts'
import { comoments, dot, finiteRange, minMax, moments, sum } from './reference.ts'
import { ewma, movingAverage, zFlags, zScores } from './reference_series.ts'

export const jsKernels: PieceKernels = {
  sum,
  dot,
  minMax,
  finiteRange,
  moments,
  comoments,
  logCounts,
  ewma,
  zScores,
  zFlags,
  movingAverage,
}
