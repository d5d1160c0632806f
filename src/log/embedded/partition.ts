// One partition of the embedded log: a queue of appends written in groups, segments one behind the
// other, and what readers need to find an offset. Owned by a topic; consumers listen to it.
import * as fs from 'node:fs'
import { EuphorionError } from '../../errors.ts'
import { eachBatchHeader } from '../../wire/batch_header.ts'
import { type AppendGroup, AppendQueue } from './append_queue.ts'
import { writeCheckpoint } from './checkpoint.ts'
import type { FileCache } from './file_cache.ts'
import { datasync, fileError, truncate, writeAt } from './files.ts'
import type { ResolvedOptions, ResolvedTopicConfig } from './options.ts'
import type { PartitionTransactions, TransactionSnapshot } from './partition_transactions.ts'
import type { ProducerStates } from './producer_states.ts'
import { createSegment, type RecoveredPartition, recoverPartition } from './recovery.ts'
import { scanBatches } from './scan.ts'
import type { Segment } from './segment.ts'

/** After so many synced bytes the index of the segment being written is saved. */
const checkpointBytes = 16 * 1024 * 1024

export interface PartitionParts {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly config: ResolvedTopicConfig
  readonly options: ResolvedOptions
  readonly files: FileCache
}

interface CheckpointedTransactions {
  readonly offset: number
  /** As of that offset. */
  readonly transactions: TransactionSnapshot
}

export class Partition {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly config: ResolvedTopicConfig
  /**
   * Ascending; the last is written to. Replaced as a whole when it changes, never changed in place.
   */
  segments: readonly Segment[]
  startOffset: number
  /** Compaction has seen what lies below. */
  cleanedTo: number
  deleted = false
  /** Cleaning stops at the next batch. */
  stopping = false
  /** Called after an append can be read, and when the partition is deleted. */
  readonly listeners = new Set<() => void>()
  readonly transactions: PartitionTransactions
  readonly #options: ResolvedOptions
  readonly #files: FileCache
  readonly #producers: ProducerStates
  readonly #queue: AppendQueue
  #writing: Promise<void> | undefined
  #dirty = false
  /** Syncs, index files and checkpoints, one after the other. */
  #durable: Promise<void> = Promise.resolve()
  #cleaning: Promise<void> = Promise.resolve()
  /** Set while compaction changes files under the readers. */
  #replacing: Promise<void> | undefined
  #broken: EuphorionError | undefined
  /** What the saved checkpoint vouches for. */
  #checkpointed: CheckpointedTransactions

  private constructor(
    parts: PartitionParts,
    { segments, producers, transactions, checkpoint }: RecoveredPartition,
  ) {
    this.topic = parts.topic
    this.partition = parts.partition
    this.directory = parts.directory
    this.config = parts.config
    this.#options = parts.options
    this.#files = parts.files
    this.transactions = transactions
    this.#checkpointed = { offset: checkpoint.offset, transactions: checkpoint.transactions }
    this.#producers = producers
    this.#queue = new AppendQueue(this, producers, parts.options.pendingAppendsMax)
    this.segments = segments
    this.startOffset = Math.max(checkpoint.startOffset, segments[0].baseOffset)
    this.cleanedTo = checkpoint.cleanedTo
  }

  static async open(parts: PartitionParts): Promise<Partition> {
    const { directory, files, options } = parts
    const recovered = await recoverPartition(directory, parts, files, options.producersMax)
    return new Partition(parts, recovered)
  }

  /** Makes the directory of a new, empty partition. */
  static async create(directory: string): Promise<void> {
    await fs.promises.mkdir(directory, { recursive: true })
    await createSegment(directory, 0)
  }

  get active(): Segment {
    return this.segments[this.segments.length - 1]
  }
  /** Offset that the next record will get. */
  get nextOffset(): number {
    return this.active.nextOffset
  }
  /** All below is decided and can be read (the last stable offset of KIP-98). */
  get stableOffset(): number {
    return Math.min(this.active.nextOffset, this.transactions.firstOpen)
  }
  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, 0)
  }

  /**
   * Stores what `encode` makes, in call order; resolves with the offset of the first record.
   * `transactional`: data or end of a transaction. Bounded by pendingAppendsMax: LOG_FAILED.
   */
  append(encode: () => Uint8Array, transactional = false): Promise<number> {
    const stored = this.#queue.push(encode, transactional)
    this.#writing ??= this.#writeQueue()
    return stored
  }

  /** Ends the active segment when it holds anything, behind the appends so far. */
  async roll(): Promise<void> {
    const rolled = this.#queue.push(undefined)
    this.#writing ??= this.#writeQueue()
    await rolled
    await this.#durable
  }

  async #writeQueue(): Promise<void> {
    // One turn later, so that the appends of a turn become one write.
    await null
    while (!this.#queue.empty) {
      const group = this.#queue.take(this.#refusal())
      try {
        if (group.bytes > 0) await this.#writeGroup(group)
        for (const { append, offset } of group.placed) append.resolve(offset)
      } catch (error) {
        this.#producers.rollback()
        for (const { append } of group.placed) append.reject(error)
      }
      if (group.full && group.placed.length === 0)
        await this.#endSegment().then(
          () => this.#queue.ended(),
          (error) => this.#queue.ended(error),
        )
    }
    this.#writing = undefined
  }

  #refusal(): EuphorionError | undefined {
    if (!this.deleted) return this.#broken
    const message = `topic ${this.topic} was deleted`
    return new EuphorionError('TOPIC_DELETED', message, { place: this.#place() })
  }

  async #writeGroup(group: AppendGroup): Promise<void> {
    const segment = this.active
    const fd = await this.#files.take(segment)
    try {
      await writeAt(fd, group.buffers, segment.size)
      if (this.#options.fsync === 'always') await this.#sync(fd)
      else this.#dirty = true
    } catch (error) {
      // What a failed write left behind must not look like a torn tail with batches after it.
      await truncate(fd, segment.size).catch((cause) => this.#break(cause))
      throw fileError(error, segment.path)
    } finally {
      this.#files.release(segment)
    }
    for (const buffer of group.buffers) segment.append(buffer)
    for (const buffer of group.transactional)
      eachBatchHeader(buffer, (batch) => this.transactions.note(batch))
    segment.lastAppendMs = this.#options.clock.now()
    this.#producers.commit()
    for (const listener of this.listeners) listener()
  }

  /** After a failed sync nobody knows what is on disk: the partition takes nothing more. */
  async #sync(fd: number): Promise<void> {
    await datasync(fd).catch((cause) => {
      throw this.#break(cause)
    })
  }

  #break(cause: unknown): EuphorionError {
    this.#broken ??= fileError(cause, this.directory)
    return this.#broken
  }

  /** Begins the next segment. The sync of the ended one goes on behind it; at most one does. */
  async #endSegment(): Promise<void> {
    await this.#durable
    const ended = this.active
    if (ended.size === 0) return
    try {
      const next = await createSegment(this.directory, this.nextOffset)
      ended.transactionsAtEnd = this.transactions.snapshot()
      this.segments = [...this.segments, next]
    } catch (error) {
      throw fileError(error, this.directory)
    }
    void this.#persist(ended, true).catch(() => {})
  }

  /** Syncs a segment, then saves its index and a checkpoint (always, or when much was written). */
  #persist(segment: Segment, always: boolean): Promise<void> {
    const step = this.#durable.then(async () => {
      if (segment.dropped || this.deleted) return
      const facts = segment.facts()
      const transactions = segment.transactionsAtEnd ?? this.transactions.snapshot()
      if (segment === this.active) this.#dirty = false
      const fd = await this.#files.take(segment)
      try {
        await this.#sync(fd)
      } finally {
        this.#files.release(segment)
      }
      if (!always && facts.size - segment.indexedBytes < checkpointBytes) return
      await segment.saveIndex(facts, true)
      this.#checkpointed = { offset: facts.nextOffset, transactions }
      await this.#saveCheckpoint()
    })
    this.#durable = step.catch(() => {})
    return step
  }

  /** Everything below the offset of the checkpoint is synced. */
  #saveCheckpoint(): Promise<void> {
    const { cleanedTo, startOffset } = this
    const { offset, transactions } = this.#checkpointed
    const producers = this.#producers.snapshot(offset)
    const checkpoint = { offset, producers, transactions, cleanedTo, startOffset }
    return writeCheckpoint(this.directory, checkpoint, true)
  }

  /** Runs cleaning work, one at a time and after the syncs so far, then saves a checkpoint. */
  clean(work: () => Promise<void>): Promise<void> {
    const step = this.#cleaning.then(async () => {
      await this.#durable
      if (this.stopping) return
      await work()
      const saved = this.#durable.then(() => this.#saveCheckpoint())
      this.#durable = saved.catch(() => {})
      await saved
    })
    this.#cleaning = step.catch(() => {})
    return step
  }

  /** Removes the oldest ended segments. For `clean` work only. */
  async removeOldest(count: number): Promise<void> {
    const removed = this.segments.slice(0, count)
    this.segments = this.segments.slice(count)
    this.startOffset = this.segments[0].baseOffset
    this.transactions.forget(this.startOffset)
    for (const segment of removed) {
      segment.dropped = true
      await this.#files.drop(segment)
      await segment.remove()
    }
  }

  /**
   * Puts `made` in the place of `replaced` while `swap` changes the files; readers of them wait.
   * For `clean` work only.
   */
  async replace(
    replaced: readonly Segment[],
    made: Segment,
    swap: () => Promise<void>,
  ): Promise<void> {
    let done = () => {}
    this.#replacing = new Promise((resolve) => {
      done = resolve
    })
    try {
      for (const segment of replaced) segment.dropped = true
      for (const segment of replaced) await this.#files.drop(segment)
      await swap()
      const at = this.segments.indexOf(replaced[0])
      const kept = [...this.segments]
      kept.splice(at, replaced.length, made)
      this.segments = kept
    } catch (error) {
      throw this.#break(error)
    } finally {
      this.#replacing = undefined
      done()
    }
  }

  /** Forces what was appended to disk. */
  async sync(): Promise<void> {
    if (this.#dirty) await this.#persist(this.active, false)
  }

  /** Where the batch is that holds `offset`, or the first behind it: its segment and position. */
  async find(offset: number): Promise<{ segment: Segment; position: number }> {
    for (;;) {
      const { segments } = this
      let at = segments.length - 1
      while (at > 0 && segments[at].baseOffset > offset) at--
      while (at < segments.length - 1 && offset >= segments[at].nextOffset) at++
      const segment = segments[at]
      if (segment.dropped) {
        if (this.#replacing === undefined) throw this.#refusal() ?? this.corrupt(segment, 0)
        await this.#replacing
        continue
      }
      if (offset >= segment.nextOffset) return { segment, position: segment.size }
      try {
        return { segment, position: await this.#findIn(segment, offset) }
      } catch (error) {
        // Cleaning replaced the segment meanwhile.
        if (!segment.dropped || this.deleted) throw error
      }
    }
  }

  async #findIn(segment: Segment, offset: number): Promise<number> {
    const fd = await this.#files.take(segment)
    try {
      const from = segment.index.find(Math.max(0, offset - segment.baseOffset))
      const { size } = segment
      let position = -1
      const options = { checkCrc: false, minOffset: 0, maxBatchBytes: size }
      const end = await scanBatches(fd, from, size, options, (batch, start) => {
        if (batch.lastOffset < offset) return true
        position = start
        return false
      })
      if (position < 0 && end < size) throw this.corrupt(segment, end)
      return position < 0 ? size : position
    } finally {
      this.#files.release(segment)
    }
  }

  /** Takes nothing more, closes the files; the topic removes the directory. */
  async delete(): Promise<void> {
    this.deleted = true
    this.stopping = true
    await this.#writing
    await this.#cleaning
    await this.#durable
    for (const listener of [...this.listeners]) listener()
    for (const segment of this.segments) {
      segment.dropped = true
      await this.#files.drop(segment)
    }
  }

  /** Writes what waits, and makes it durable. */
  async close(): Promise<void> {
    this.stopping = true
    await this.#writing
    await this.#cleaning
    if (this.deleted || this.#broken) return
    await this.#persist(this.active, true)
  }

  corrupt(segment: Segment, position: number): EuphorionError {
    return new EuphorionError('LOG_CORRUPT', `${segment.path} is damaged at byte ${position}`, {
      place: { ...this.#place(), path: segment.path },
    })
  }

  #place(): { topic: string; partition: number } {
    return { topic: this.topic, partition: this.partition }
  }
}
