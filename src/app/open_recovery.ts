// The recovery of an engine, where its tables are kept in changelogs. Called by the engine.
import type { SharedMemory } from '../batch/memory.ts'
import { openChangelogKernels } from '../kernel/changelog/open.ts'
import type { Executor } from '../kernel/executor.ts'
import { changelogReader } from '../table/changelog.ts'
import { openStore } from '../table/open.ts'
import { keepsChangelogs } from './changelog_tables.ts'
import type { EngineOptions } from './engine_options.ts'
import { Recovery } from './recovery.ts'
import type { CopiedTable } from './recovery_partition.ts'
import { openTaskStore } from './task_store.ts'

export interface OpenRecoveryOptions
  extends Pick<
    EngineOptions,
    'log' | 'appId' | 'settings' | 'clock' | 'logger' | 'openStore' | 'plants'
  > {
  /** Every table that is kept in a changelog. */
  readonly tables: readonly CopiedTable[]
  readonly memory: SharedMemory
  readonly executor: Executor | undefined
  /** Of this worker. */
  readonly transactionalId: string
  readonly rejoin: (reason: string) => void
}

const MIB = 1 << 20

/** Undefined where there is nothing to recover from. */
export function openRecovery(options: OpenRecoveryOptions): Recovery | undefined {
  const { log, appId, settings, tables, openStore: open = openStore } = options
  if (tables.length === 0 || !keepsChangelogs(settings, log)) return undefined
  const kernels = openChangelogKernels({
    ...options,
    inflatedBytesMax: settings.maxDecompressedMib * MIB,
    checkCrcs: settings.checkCrcs,
  })
  return new Recovery({
    ...options,
    makeReader: (table) => changelogReader({ table, kernels }),
    openStore: (place) => openTaskStore(open, settings, appId, place),
  })
}
