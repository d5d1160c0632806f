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
  const run = new PassRun(pass, backend, backend === 'wasm' ? kernelPool().memory : undefined)
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
    unpin(arrays)
  }
}
