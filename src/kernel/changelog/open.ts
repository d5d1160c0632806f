// Chooses the kernels of changelogs: on the threads of the lanes where there are some.
import type { SharedMemory } from '../../batch/memory.ts'
import type { Executor } from '../executor.ts'
import type { ChangelogKernelOptions, ChangelogKernels } from './kernels.ts'
import { ReferenceChangelogKernels } from './reference.ts'
import { WasmChangelogKernels } from './wasm_kernels.ts'

export interface ChangelogServices extends ChangelogKernelOptions {
  readonly memory: SharedMemory
  /** Undefined for backend js. */
  readonly executor: Executor | undefined
}

/** One for all tables of a worker. */
export function openChangelogKernels(services: ChangelogServices): ChangelogKernels {
  const { executor } = services
  if (executor === undefined) return new ReferenceChangelogKernels(services)
  return new WasmChangelogKernels({ ...services, executor })
}
