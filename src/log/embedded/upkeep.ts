// What an open embedded log does behind its users' backs: forces bytes to disk at intervals, and
// removes what topics no longer keep. Started with the log, stopped when it closes.
import { compact } from './compaction.ts'
import type { FileCache } from './file_cache.ts'
import type { ResolvedOptions } from './options.ts'
import { applyRetention } from './retention.ts'
import type { Topic, Topics } from './topics.ts'
import type { Transactions } from './transactions.ts'

export interface UpkeepParts {
  readonly options: ResolvedOptions
  readonly files: FileCache
  readonly topics: Topics
  readonly transactions: Transactions
}

export class Upkeep {
  readonly #parts: UpkeepParts
  #stopped = false
  #cancelSync: () => void = () => {}
  #cancelMaintenance: () => void = () => {}

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    const { fsync, maintenanceIntervalMs } = parts.options
    if (fsync === 'interval') this.#syncLater()
    if (maintenanceIntervalMs > 0) this.#maintainLater()
  }

  #syncLater(): void {
    const { topics, transactions, options } = this.#parts
    this.#cancelSync = options.clock.after(options.fsyncIntervalMs, () => {
      const partitions = topics.all().flatMap((topic) => topic.partitions)
      const synced = Promise.allSettled([...partitions, transactions].map((each) => each.sync()))
      // A sync that failed is told to the next append of its partition, or the next commit.
      void synced.then(() => this.#stopped || this.#syncLater())
    })
  }

  #maintainLater(): void {
    const { clock, maintenanceIntervalMs } = this.#parts.options
    this.#cancelMaintenance = clock.after(maintenanceIntervalMs, () => {
      void this.#maintain().then(() => this.#stopped || this.#maintainLater())
    })
  }

  async #maintain(): Promise<void> {
    const { topics, files, options } = this.#parts
    for (const { partitions } of topics.all())
      for (const partition of partitions) {
        if (this.#stopped) return
        try {
          await applyRetention(partition, options.clock)
          await compact(partition, files, options, false)
        } catch (error) {
          if (!partition.stopping) options.onBackgroundError(error)
        }
      }
  }

  /** Retention and compaction of all records so far: the active segments are ended first. */
  async clean({ partitions }: Topic): Promise<void> {
    const { files, options } = this.#parts
    for (const partition of partitions) {
      await partition.roll()
      await applyRetention(partition, options.clock)
      await compact(partition, files, options, true)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#cancelSync()
    this.#cancelMaintenance()
  }
}
