// Partitions that came while another process still has their stores open: a worker of the same data
// directory that hangs, and has lost them. Each is tried again until it opens or goes; the others
// are not held up. Called by the engine.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { AssignedPartition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'

export interface LockedStoresOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Tries again; what is still locked is added again. */
  readonly open: (partition: AssignedPartition) => Promise<void>
  readonly failed: (error: unknown) => void
}

const RETRY_MS = 1000

export class LockedStores {
  readonly #options: LockedStoresOptions
  readonly #cancels = new Map<string, () => void>()
  readonly #tries = new Map<string, Promise<void>>()

  constructor(options: LockedStoresOptions) {
    this.#options = options
  }

  /** Throws the error unless it `mayWait` and is STORE_LOCKED. */
  add(place: AssignedPartition, error: unknown, mayWait: boolean): void {
    const isLocked = error instanceof EuphorionError && error.code === 'STORE_LOCKED'
    if (!isLocked || !mayWait) throw error
    const { clock, logger } = this.#options
    const key = partitionKey(place)
    if (!this.#tries.has(key)) {
      const { topic, partition } = place
      logger.warn({ topic, partition, err: error }, 'a partition waits until its store is free')
    }
    const cancel = clock.after(RETRY_MS, () => this.#try(key, place))
    this.#cancels.set(key, cancel)
  }

  #try(key: string, place: AssignedPartition): void {
    this.#cancels.delete(key)
    const { open, failed } = this.#options
    const tried = open(place)
      .catch(failed)
      .finally(() => {
        this.#tries.delete(key)
      })
    this.#tries.set(key, tried)
  }

  /** Resolves when these are not tried any more: they are open, or wait no longer. */
  async drop(places: readonly TopicPartition[]): Promise<void> {
    for (const place of places) {
      await this.#tries.get(partitionKey(place))
      this.#cancels.get(partitionKey(place))?.()
      this.#cancels.delete(partitionKey(place))
    }
  }
}
