// The implementations of the column kernels that a thread has. Called by thread_job.ts in the pool
// and by local_pass.ts on the calling thread.

import { nativeAddon } from '../native.ts'
import { type ChosenBackend, requireBackend } from '../offload/backend.ts'
import type { NumericExports } from '../offload/numeric.ts'
import { jsKernels } from './js_kernels.ts'
import type { PieceKernels } from './piece_kernels.ts'
import { wasmKernels } from './wasm_kernels.ts'

const wasmOf = new WeakMap<NumericExports, PieceKernels>()

/** `thread.numeric` is asked for only where the backend is wasm. Throws NATIVE_UNAVAILABLE. */
export function kernelsOf(
  backend: ChosenBackend,
  thread: { readonly numeric: NumericExports },
): PieceKernels {
  if (backend === 'js') return jsKernels
  if (backend === 'native') {
    requireBackend(backend)
    return nativeAddon()!.columns
  }
  const { numeric } = thread
  let kernels = wasmOf.get(numeric)
  if (kernels === undefined) {
    kernels = wasmKernels(numeric)
    wasmOf.set(numeric, kernels)
  }
  return kernels
}
