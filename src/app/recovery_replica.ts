// One table of one partition while it is copied from its changelog to a store: takes what the
// reader brings, in its order. Owned by Recovery until the partition's lanes take over.

import type { SharedBatch } from '../batch/region.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { TopicPartition } from '../log/log.ts'
import type { ChangelogMeta, ChangelogReader } from '../table/changelog.ts'
import type { TableCopy } from '../table/recovery.ts'
import { shapesFit, tableChanged } from '../table/shape_change.ts'
import type { ReadPartition } from './recovery_reader.ts'

export interface ReplicaOptions {
  /** A partition of the changelog. */
  readonly place: TopicPartition
  readonly name: string
  readonly shape: string
  readonly copy: TableCopy
  readonly reader: ChangelogReader
  /** Offset from which it is copied. */
  readonly from: number
  /**
   * Reads nothing behind the end that is to be reached: a fetch that waits at the end would hold up
   * whoever is read next.
   */
  readonly isOnce?: boolean | undefined
  /** There is room for more. */
  readonly roomMade: () => void
  /** Nothing more is taken. */
  readonly failed?: (error: unknown) => void
  /** Something was copied. */
  readonly copied?: () => void
}

/** Batches that wait or are worked on. */
const PENDING_MAX = 2
/** With more than so many records to go, they are loaded in bulk. */
const BULK_RECORDS = 50_000

export class Replica implements ReadPartition {
  readonly topic: string
  readonly partition: number
  readonly name: string
  /** Everything before it is in the store. */
  nextOffset: number
  /** Records copied so far. */
  records = 0
  /** The last cut that was copied. */
  meta: ChangelogMeta | undefined
  /** Where the changelog ended when somebody asked. */
  end: number
  error: unknown
  readonly #options: ReplicaOptions
  #pending = 0
  #last: Promise<void> = Promise.resolve()
  #goals: { readonly offset: number; readonly reached: Deferred<void> }[] = []

  constructor(options: ReplicaOptions) {
    this.#options = options
    this.topic = options.place.topic
    this.partition = options.place.partition
    this.name = options.name
    this.nextOffset = options.from
    this.end = options.from
  }

  get hasRoom(): boolean {
    const isThere = this.#options.isOnce === true && this.nextOffset >= this.end
    return this.error === undefined && this.#pending < PENDING_MAX && !isThere
  }

  /** Records that the store lacks of what the changelog is known to have. */
  get lag(): number {
    return Math.max(0, this.end - this.nextOffset)
  }

  offer(batch: SharedBatch, release: () => void): void {
    this.#pending++
    this.#last = this.#last
      .then(() => (this.error === undefined ? this.#take(batch) : undefined))
      .catch((error: unknown) => this.failed(error))
      .finally(() => {
        release()
        this.#pending--
        this.#options.roomMade()
      })
  }

  /** Resolves when everything below the offset is in the store, and can be read. */
  async reach(offset: number, signal?: AbortSignal): Promise<void> {
    if (this.error !== undefined) throw this.error
    this.end = Math.max(this.end, offset)
    if (this.nextOffset < offset) {
      const reached = deferred()
      this.#goals.push({ offset, reached })
      this.#options.roomMade()
      const cancel = (): void => reached.reject(signal?.reason)
      signal?.addEventListener('abort', cancel)
      if (signal?.aborted) cancel()
      await reached.promise.finally(() => signal?.removeEventListener('abort', cancel))
    }
    await this.settled()
    await this.#options.copy.flush()
  }

  failed(error: unknown): void {
    if (this.error !== undefined) return
    this.error = error
    for (const { reached } of this.#goals.splice(0)) reached.reject(error)
    this.#options.failed?.(error)
  }

  /** Resolves when everything offered so far has been taken. */
  settled(): Promise<void> {
    return this.#last
  }

  /** All of the changelog is copied: rows and position are those of one cut. */
  finish(): Promise<void> {
    return this.#options.copy.finish(this.nextOffset)
  }

  /** The reader has let go of it. What was copied stays. */
  async close(): Promise<void> {
    const { copy, reader } = this.#options
    const hasFailed = this.error !== undefined
    this.error ??= new EuphorionError('LOG_FAILED', 'the copy was given up')
    await this.#last
    if (hasFailed) await copy.drop()
    // a store that takes no writes any more: then it is copied again
    else await copy.flush().catch(() => copy.drop())
    reader.close()
  }

  async #take(batch: SharedBatch): Promise<void> {
    const { reader, copy, name, shape, copied } = this.#options
    const { rows, records, meta } = await reader.read(batch, this.nextOffset)
    if (meta !== undefined && !shapesFit(meta.shape, shape))
      throw tableChanged(name, `the changelog ${this.topic}`, meta.shape, shape)
    const isBulk = this.end - this.nextOffset > BULK_RECORDS
    await copy.put(rows, meta, batch.nextOffset, isBulk)
    this.meta = meta ?? this.meta
    this.records += records
    this.nextOffset = batch.nextOffset
    for (const goal of this.#goals) if (goal.offset <= this.nextOffset) goal.reached.resolve()
    this.#goals = this.#goals.filter(({ offset }) => offset > this.nextOffset)
    copied?.()
  }
}
