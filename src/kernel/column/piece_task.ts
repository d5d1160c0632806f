// One kernel over one piece of a column, as data: what the calling thread runs itself or sends to a
// thread of the pool.
import type { ChosenBackend } from '../offload/backend.ts'
import type { FloatColumn, PieceKernels } from './piece_kernels.ts'

export interface PieceTask {
  readonly kernel: keyof PieceKernels
  readonly backend: ChosenBackend
  /** In the pool all arrays lie in its memory, and so they do for backend 'wasm' anywhere. */
  readonly x: FloatColumn
  /** The second column of dot and comoments. */
  readonly y?: FloatColumn
  /** Records, counters or elements. */
  readonly out: PieceOutput
  /** The numbers of the kernel, in the order of PieceKernels. */
  readonly numbers: readonly number[]
  readonly scratch?: Float64Array
}

export type PieceOutput = FloatColumn | Uint8Array | Uint32Array

/** Runs it to its end. Returns the last element of ewma, else 0. */
export function runPiece(kernels: PieceKernels, task: PieceTask): number {
  const { kernel, x, numbers } = task
  const [first, second, third] = numbers
  switch (kernel) {
    case 'sum':
    case 'minMax':
    case 'finiteRange':
    case 'moments':
      kernels[kernel](x, task.out as Float64Array)
      return 0
    case 'dot':
    case 'comoments':
      kernels[kernel](x, task.y!, task.out as Float64Array)
      return 0
    case 'logCounts':
      kernels.logCounts(x, task.out as Uint32Array, first, second, third)
      return 0
    case 'ewma':
      return kernels.ewma(x, task.out as FloatColumn, first, second)
    case 'zScores':
      kernels.zScores(x, task.out as FloatColumn, first, second)
      return 0
    case 'zFlags':
      kernels.zFlags(x, task.out as Uint8Array, first, second)
      return 0
    case 'movingAverage':
      kernels.movingAverage(x, task.out as FloatColumn, first, second, task.scratch!)
      return 0
  }
}
