// Chooses the kernels of changelogs: on the threads of the lanes where there are some.
import type { SharedMemory } from '../../batch/memory.ts'
import type { Executor } from '../executor.ts'
import type { ChangelogKernelOptions, ChangelogKernels } from './kernels.ts'
import { ReferenceChangelogKernels } from './reference.ts'

export interface ChangelogServices extends ChangelogKernelOptions {
  readonly memory: SharedMemory
  /** Undefined for backend js. */
  readonly executor: Executor | undefined
}

/** One for all tables of a worker. */
export function openChangelogKernels(services: ChangelogServices): ChangelogKernels {
  return new ReferenceChangelogKernels(services)
}
