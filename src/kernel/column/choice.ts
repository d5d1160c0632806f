// Which backend runs a pass, and whether in the pool. Called by column_kernel.ts.
import type { ChosenBackend, KernelBackend } from '../offload/backend.ts'
import { kernelSettings } from '../offload/options.ts'
import { nativeKernels } from './backends.ts'
import { isShared } from './memory.ts'
import { arraysOf, type Pass } from './pass.ts'

export interface Choice {
  readonly backend: ChosenBackend
  readonly offload: boolean
}

interface Wanted {
  readonly backend?: KernelBackend
  readonly offload?: boolean
}

/** Below, a call of WebAssembly or native code costs more than it saves. */
const SMALL = 256
/** Elements that the pool takes less of the calling thread's time for. */
const OFFLOADED = 1 << 17

export function choose(pass: Pass, { backend, offload }: Wanted): Choice {
  const wanted = backend ?? kernelSettings().backend
  const { length } = pass.x
  const inPlace = arraysOf(pass).every((array) => isShared(array))
  return {
    backend: wanted === 'auto' ? fastest(length) : wanted,
    offload: offload ?? (inPlace && length >= OFFLOADED),
  }
}

function fastest(length: number): ChosenBackend {
  if (length < SMALL) return 'js'
  return nativeKernels() === undefined ? 'wasm' : 'native'
}
