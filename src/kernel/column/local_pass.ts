// Runs passes on the calling thread, which is theirs until they are done. Called by
// column_kernel.ts.
import type { ChosenBackend } from '../offload/backend.ts'
import { localKernels } from '../offload/local.ts'
import type { NumericExports } from '../offload/numeric.ts'
import { kernelPool } from '../offload/pool.ts'
import { kernelsOf } from './backends.ts'
import { pin, unpin } from './memory.ts'
import { arraysOf, type Pass } from './pass.ts'
import { PassRun } from './pass_run.ts'
import { blockCount, isSummary, type PieceKernels, recordLengths } from './piece_kernels.ts'
import { runPiece } from './piece_task.ts'

/** Made only where WebAssembly is asked for. */
const here = {
  get numeric(): NumericExports {
    return localKernels().numeric
  },
}

/** The outcome of the pass. Throws KERNEL_INVALID, NATIVE_UNAVAILABLE, MEMORY_EXHAUSTED. */
export function runLocally(name: string, pass: Pass, backend: ChosenBackend): Float64Array {
  const kernels = kernelsOf(backend, here)
  const arrays = arraysOf(pass)
  pin(name, arrays)
  try {
    return backend === 'wasm' ? runInPieces(kernels, pass) : runWhole(kernels, pass, backend)
  } finally {
    unpin(arrays)
  }
}

/** For backends that take arrays wherever they lie. */
function runWhole(kernels: PieceKernels, pass: Pass, backend: ChosenBackend): Float64Array {
  const { kernel, x, y, numbers, counters } = pass
  if (x.length === 0) return new Float64Array(counters ?? 0)
  if (isSummary(kernel)) {
    const out = new Float64Array(blockCount(x.length) * recordLengths[kernel])
    runPiece(kernels, { kernel, backend, x, y, out, numbers })
    return out
  }
  const isAverage = kernel === 'movingAverage'
  const out = counters === undefined ? pass.out! : new Uint32Array(counters)
  runPiece(kernels, {
    kernel,
    backend,
    x,
    out,
    numbers: isAverage ? [numbers[0], 0] : numbers,
    scratch: isAverage ? new Float64Array(2 * (numbers[0] + 1)) : undefined,
  })
  return counters === undefined ? noOutcome : new Float64Array(out)
}

const noOutcome = new Float64Array(0)

function runInPieces(kernels: PieceKernels, pass: Pass): Float64Array {
  const run = new PassRun(pass, 'wasm', kernelPool().memory)
  try {
    for (const piece of run.pieces(1)) {
      const opened = run.open(piece)
      try {
        opened.finish(runPiece(kernels, opened.task))
      } finally {
        opened.free()
      }
    }
    return run.result()
  } finally {
    run.free()
  }
}
