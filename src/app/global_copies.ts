// Copies of global tables: all of their partitions, on every worker, in stores of their own that
// follow the changelogs. Made by the engine, which begins to read when they are there.
import { join } from 'node:path'
import type { SharedMemory } from '../batch/memory.ts'
import { EuphorionError } from '../errors.ts'
import type { ChangelogKernels } from '../kernel/changelog/kernels.ts'
import { openChangelogKernels } from '../kernel/changelog/open.ts'
import type { Executor } from '../kernel/executor.ts'
import type { TopicPartition } from '../log/log.ts'
import type { TablePart } from '../table/cell.ts'
import { changelogReader } from '../table/changelog.ts'
import { tableNumber } from '../table/meta.ts'
import { openStore } from '../table/open.ts'
import type { Store } from '../table/store.ts'
import { keepsChangelogs } from './changelog_tables.ts'
import { globalPath } from './data_dir.ts'
import type { EngineOptions } from './engine_options.ts'
import { ChangelogEnds } from './recovery_ends.ts'
import { type CopiedTable, PartitionCopy, type RecoveredTable } from './recovery_partition.ts'
import { RecoveryReader } from './recovery_reader.ts'

export interface GlobalCopiesOptions
  extends Pick<EngineOptions, 'log' | 'appId' | 'settings' | 'clock' | 'logger' | 'openStore'> {
  readonly tables: readonly CopiedTable[]
  readonly partitionsOf: ReadonlyMap<string, number>
  readonly memory: SharedMemory
  readonly kernels: ChangelogKernels
}

export interface OpenGlobalCopiesOptions extends Omit<GlobalCopiesOptions, 'kernels'> {
  readonly executor: Executor | undefined
}

const RETRY_MS = 2000
const MIB = 1 << 20
/** Workers of one app that share a data directory. */
const WORKERS_MAX = 16

export class GlobalCopies {
  readonly #options: GlobalCopiesOptions
  readonly #reader: RecoveryReader
  readonly #ends: ChangelogEnds
  readonly #copies: PartitionCopy[] = []
  readonly #retries = new Map<PartitionCopy, () => void>()
  /** Which of the workers of the data directory this one is. */
  #worker = 0
  #isClosed = false

  constructor(options: GlobalCopiesOptions) {
    const { settings } = options
    this.#options = options
    this.#reader = new RecoveryReader({
      ...options,
      batchBytes: settings.batchBytes,
      largestBatchBytes: settings.maxRecordBytes,
    })
    this.#ends = new ChangelogEnds({ ...options, mayWait: () => !this.#isClosed })
  }

  /** Resolves when everything that was committed before the call can be read. */
  async start(): Promise<void> {
    const { clock, logger, tables } = this.#options
    const beganMs = clock.monotonic()
    for (const place of this.#places()) this.#copies.push(await this.#open(place))
    await Promise.all(
      this.#copies.flatMap((copy) =>
        copy.tables.map((table) => copy.reach(table, () => undefined)),
      ),
    )
    const names = tables.map(({ name }) => name)
    logger.info(
      { tables: names, ms: Math.round(clock.monotonic() - beganMs) },
      'global tables read',
    )
  }

  /** Committed rows; undefined for a table that is not global. */
  part(name: string, partition: number): TablePart | undefined {
    for (const { place, tables, store } of this.#copies) {
      const table = tables.find((each) => each.name === name)
      if (table !== undefined && place.partition === partition)
        return { store, number: table.number }
    }
    return undefined
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const cancel of this.#retries.values()) cancel()
    for (const copy of this.#copies) await copy.close()
    await this.#reader.close()
    for (const { store } of this.#copies) await store.close()
  }

  #places(): TopicPartition[] {
    const { tables, partitionsOf } = this.#options
    const topics = [...new Set(tables.map(({ topic }) => topic))]
    return topics.flatMap((topic) =>
      Array.from({ length: partitionsOf.get(topic)! }, (_, partition) => ({ topic, partition })),
    )
  }

  async #open(place: TopicPartition): Promise<PartitionCopy> {
    const { clock, logger, kernels } = this.#options
    const store = await this.#openStore(place)
    const tables: RecoveredTable[] = []
    for (const table of this.#options.tables)
      if (table.topic === place.topic)
        tables.push({ ...table, number: await tableNumber(store, table.name, table.shape) })
    const makeReader = (table: number) => changelogReader({ table, kernels })
    const services = { clock, logger, ends: this.#ends, reader: this.#reader, makeReader }
    const failed = (error: unknown) => this.#failed(copy, error)
    const copy: PartitionCopy = new PartitionCopy({ place, store, tables, services, failed })
    return copy
  }

  /** Other workers of the data directory have theirs. */
  async #openStore(place: TopicPartition): Promise<Store> {
    const { settings, appId, openStore: open = openStore } = this.#options
    for (;;) {
      const root = globalPath(settings.dataDir, appId, this.#worker)
      try {
        return await open(settings.store, join(root, place.topic, String(place.partition)), {
          writeBufferBytes: settings.writeBufferMib * MIB,
          cacheBytes: settings.cacheMib * MIB,
        })
      } catch (error) {
        const isTaken = error instanceof EuphorionError && error.code === 'STORE_LOCKED'
        const mayTry = this.#copies.length === 0 && this.#worker < WORKERS_MAX - 1
        if (!isTaken || !mayTry) throw error
        this.#worker++
      }
    }
  }

  #failed(copy: PartitionCopy, error: unknown): void {
    if (this.#isClosed || this.#retries.has(copy)) return
    const { clock, logger } = this.#options
    logger.warn({ ...copy.place, err: error }, 'a global table cannot be read on; again soon')
    const again = (): void => {
      this.#retries.delete(copy)
      for (const table of copy.tables)
        copy.begin(table).catch((failure) => this.#failed(copy, failure))
    }
    this.#retries.set(copy, clock.after(RETRY_MS, again))
  }
}

/**
 * Undefined without tables. Throws SETTING_INVALID without changelogs, CAPABILITY_MISSING where the
 * driver has no transactions.
 */
export function openGlobalCopies(options: OpenGlobalCopiesOptions): GlobalCopies | undefined {
  const { tables, log, settings } = options
  if (tables.length === 0) return undefined
  const place = { table: tables[0].name }
  if (!settings.changelog) {
    const message = 'changelog: global tables are read from theirs'
    throw new EuphorionError('SETTING_INVALID', message, { place })
  }
  if (!keepsChangelogs(settings, log)) {
    const message = 'global tables need transactions, which the driver does not have'
    throw new EuphorionError('CAPABILITY_MISSING', message, { place })
  }
  const kernels = openChangelogKernels({
    ...options,
    inflatedBytesMax: settings.maxDecompressedMib * MIB,
    checkCrcs: settings.checkCrcs,
  })
  return new GlobalCopies({ ...options, kernels })
}
