// Which backend runs a pass, and whether in the pool. Called by column_kernel.ts.
import type { ChosenBackend, KernelBackend } from '../offload/backend.ts'
import { chooseBackend, HAND_OVER_NS } from '../offload/calibration.ts'
import { kernelSettings } from '../offload/options.ts'
import { familyOf } from './families.ts'
import { isShared } from './memory.ts'
import { arraysOf, type Pass } from './pass.ts'

export interface PassChoice {
  readonly backend: ChosenBackend
  readonly offload: boolean
}

interface Wanted {
  readonly backend?: KernelBackend
  readonly offload?: boolean
}

/** Copying into the shared memory is the calling thread's work, wherever the kernel runs. */
const COPY_NS_PER_BYTE = 0.04

/** Longer than that the calling thread is not held up: it copies in pieces, with turns between. */
const LONG_NS = 5_000_000
/**
 * Up to here JavaScript takes a microsecond: nothing is faster, and nothing worth a measurement.
 */
const TINY = 256

/** Throws NATIVE_UNAVAILABLE. */
export function choose(pass: Pass, { backend, offload }: Wanted): PassChoice {
  if (pass.x.length <= TINY && (backend ?? kernelSettings().backend) === 'auto')
    return { backend: 'js', offload: offload ?? false }
  const copied = arraysOf(pass).filter((array) => !isShared(array))
  const family = familyOf(pass, copied.length === 0)
  const chosen = chooseBackend(family, pass.x.length, backend)
  if (offload !== undefined) return { backend: chosen.backend, offload }
  const bytes = copied.reduce((sum, array) => sum + array.byteLength, 0)
  const savedNs = chosen.costNs - bytes * COPY_NS_PER_BYTE
  return { backend: chosen.backend, offload: savedNs > HAND_OVER_NS || chosen.costNs > LONG_NS }
}
