// One partition of the embedded log: a queue of appends written in groups, segments one behind the
// other, and what readers need to find an offset. Owned by a topic; consumers listen to it.
import * as fs from 'node:fs'
import { EuphorionError } from '../../errors.ts'
import { BatchCursor, headerAt, writeInt32, writeInt64 } from '../../wire/batch_header.ts'
import { writeCheckpoint } from './checkpoint.ts'
import type { FileCache } from './file_cache.ts'
import { datasync, fileError, truncate, writeAt } from './files.ts'
import type { ResolvedOptions, ResolvedTopicConfig } from './options.ts'
import type { ProducerStates } from './producer_states.ts'
import { createSegment, recoverPartition } from './recovery.ts'
import { scanBatches } from './scan.ts'
import { type Segment, segmentOffsetsMax } from './segment.ts'

interface PendingAppend {
  /** Makes the batches, in bytes that the log may change and keep. */
  readonly encode: () => Uint8Array
  readonly resolve: (offset: number) => void
  readonly reject: (error: unknown) => void
  bytes: Uint8Array | undefined
}

interface Group {
  readonly buffers: Uint8Array[]
  readonly placed: { append: PendingAppend; offset: number }[]
  bytes: number
  nextOffset: number
  /** The next append does not fit the segment. */
  full: boolean
}

/** Bytes and appends that are written with one call. */
const groupBytesMax = 4 * 1024 * 1024
const groupAppendsMax = 512
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

export class Partition {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly config: ResolvedTopicConfig
  /** Ascending; the last is written to. Replaced as a whole when it changes, never changed in place. */
  segments: readonly Segment[]
  startOffset: number
  /** Compaction has seen what lies below. */
  cleanedTo: number
  deleted = false
  /** Called after an append can be read, and when the partition is deleted. */
  readonly listeners = new Set<() => void>()
  readonly #options: ResolvedOptions
  readonly #files: FileCache
  readonly #producers: ProducerStates
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  #queue: PendingAppend[] = []
  #writing: Promise<void> | undefined
  #dirty = false
  /** Syncs, index files and checkpoints, one after the other. */
  #durable: Promise<void> = Promise.resolve()
  #broken: EuphorionError | undefined

  private constructor(
    parts: PartitionParts,
    { segments, producers, checkpoint }: Awaited<ReturnType<typeof recoverPartition>>,
  ) {
    this.topic = parts.topic
    this.partition = parts.partition
    this.directory = parts.directory
    this.config = parts.config
    this.#options = parts.options
    this.#files = parts.files
    this.#producers = producers
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
  /** Offset that the next record will get; all below can be read. */
  get nextOffset(): number {
    return this.active.nextOffset
  }
  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, 0)
  }

  /**
   * Stores what `encode` makes, in call order; resolves with the offset of the first record. Bounded
   * by pendingAppendsMax: LOG_FAILED.
   */
  append(encode: () => Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#queue.length >= this.#options.pendingAppendsMax) {
        const message = `${this.#queue.length} appends wait to be written; await some of them`
        return reject(new EuphorionError('LOG_FAILED', message, { place: this.#place() }))
      }
      this.#queue.push({ encode, resolve, reject, bytes: undefined })
      this.#writing ??= this.#writeQueue()
    })
  }

  async #writeQueue(): Promise<void> {
    // One turn later, so that the appends of a turn become one write.
    await null
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      try {
        if (group.bytes > 0) await this.#writeGroup(group)
        else if (group.full) await this.#roll()
        for (const { append, offset } of group.placed) append.resolve(offset)
      } catch (error) {
        this.#producers.rollback()
        if (group.placed.length === 0) this.#queue.shift()?.reject(error)
        for (const { append } of group.placed) append.reject(error)
      }
    }
    this.#writing = undefined
  }

  /** Encodes and places waiting appends until the group or the segment is full. */
  #takeGroup(): Group {
    const { nextOffset } = this
    const group: Group = { buffers: [], placed: [], bytes: 0, nextOffset, full: false }
    let taken = 0
    while (taken < this.#queue.length && taken < groupAppendsMax && group.bytes < groupBytesMax) {
      const append = this.#queue[taken]
      try {
        const refusal = this.#refusal()
        if (refusal) throw refusal
        append.bytes ??= append.encode()
        group.full = !this.#fits(append.bytes, group)
        if (group.full) break
        group.placed.push({ append, offset: this.#assign(append.bytes, group) })
      } catch (error) {
        append.reject(error)
      }
      taken++
    }
    this.#queue.splice(0, taken)
    return group
  }

  #refusal(): EuphorionError | undefined {
    if (!this.deleted) return this.#broken
    const message = `topic ${this.topic} was deleted`
    return new EuphorionError('TOPIC_DELETED', message, { place: this.#place() })
  }

  #fits(bytes: Uint8Array, group: Group): boolean {
    const { active } = this
    const used = active.size + group.bytes
    if (used === 0) return true
    if (used + bytes.length > this.config.segmentBytes) return false
    // A record takes more than a byte, so this bounds the offsets too.
    return group.nextOffset - active.baseOffset + bytes.length < segmentOffsetsMax
  }

  /** Gives the batches their offsets, or finds that they are stored already. */
  #assign(bytes: Uint8Array, group: Group): number {
    const batch = this.#cursor
    batch.reset(bytes, 0, bytes.length)
    let offset = group.nextOffset
    const first = offset
    while (batch.next()) {
      if (batch.size > this.config.maxMessageBytes) throw this.#tooLarge(batch.size)
      const count = batch.lastOffset - batch.baseOffset + 1
      if (batch.producerId >= 0) {
        if (batch.start > 0 || batch.at < bytes.length)
          throw this.#failed('batches of an idempotent producer are appended one by one')
        const { producerId, producerEpoch, baseSequence } = batch
        const stored = this.#producers.find(producerId, producerEpoch, baseSequence, count)
        if (stored !== undefined) return stored
        this.#producers.note(producerId, producerEpoch, baseSequence, count, offset, true)
      }
      writeInt64(bytes, batch.start + headerAt.baseOffset, offset)
      writeInt32(bytes, batch.start + headerAt.leaderEpoch, 0)
      offset += count
    }
    if (batch.at !== bytes.length) throw this.#failed('what was appended are not whole batches')
    group.buffers.push(bytes)
    group.bytes += bytes.length
    group.nextOffset = offset
    return first
  }

  async #writeGroup(group: Group): Promise<void> {
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
    const batch = this.#cursor
    let position = segment.size
    for (const buffer of group.buffers) {
      batch.reset(buffer, 0, buffer.length)
      while (batch.next()) segment.note(batch, position + batch.start)
      position += buffer.length
    }
    segment.size = position
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

  /** Ends the active segment and begins the next. The sync of the ended one goes on behind it. */
  async #roll(): Promise<void> {
    await this.#durable
    const ended = this.active
    try {
      const next = await createSegment(this.directory, this.nextOffset)
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
      const { nextOffset } = this
      if (segment === this.active) this.#dirty = false
      const fd = await this.#files.take(segment)
      try {
        await this.#sync(fd)
      } finally {
        this.#files.release(segment)
      }
      if (!always && facts.size - segment.indexedBytes < checkpointBytes) return
      await segment.saveIndex(facts, true)
      await this.#saveCheckpoint(nextOffset)
    })
    this.#durable = step.catch((error) => {
      if (!this.deleted) this.#break(error)
    })
    return step
  }

  #saveCheckpoint(offset: number): Promise<void> {
    const { cleanedTo, startOffset } = this
    const producers = this.#producers.snapshot(offset)
    return writeCheckpoint(this.directory, { offset, producers, cleanedTo, startOffset }, true)
  }

  /** Runs `work` apart from syncs, rolls and other work on the files, then saves a checkpoint. */
  exclusively(work: () => Promise<void>): Promise<void> {
    const step = this.#durable.then(async () => {
      if (this.deleted) return
      await work()
      await this.#saveCheckpoint(this.nextOffset)
    })
    this.#durable = step.catch(() => {})
    return step
  }

  /** Forces what was appended to disk. */
  async sync(): Promise<void> {
    if (this.#dirty) await this.#persist(this.active, false)
  }

  /** Ends the active segment when it holds anything, so that cleaning sees all records. */
  async roll(): Promise<void> {
    await this.#writing
    if (this.active.size > 0) await this.#roll()
    await this.#durable
  }

  /** Where the batch is that holds `offset`, or the first behind it: its segment and position. */
  async find(offset: number): Promise<{ segment: Segment; position: number }> {
    for (;;) {
      const { segments } = this
      let at = segments.length - 1
      while (at > 0 && segments[at].baseOffset > offset) at--
      while (at < segments.length - 1 && offset >= segments[at].nextOffset) at++
      const segment = segments[at]
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
    await this.#writing
    await this.#durable
    for (const listener of [...this.listeners]) listener()
    for (const segment of this.segments) {
      segment.dropped = true
      await this.#files.drop(segment)
    }
  }

  /** Writes what waits, and makes it durable. */
  async close(): Promise<void> {
    await this.#writing
    if (this.deleted || this.#broken) return
    await this.#persist(this.active, true)
  }

  corrupt(segment: Segment, position: number): EuphorionError {
    return new EuphorionError('LOG_CORRUPT', `${segment.path} is damaged at byte ${position}`, {
      place: { ...this.#place(), path: segment.path },
    })
  }

  #tooLarge(bytes: number): EuphorionError {
    const message = `a batch of ${bytes} bytes; the topic allows ${this.config.maxMessageBytes}`
    return new EuphorionError('RECORD_TOO_LARGE', message, { place: this.#place() })
  }

  #failed(message: string): EuphorionError {
    return new EuphorionError('LOG_FAILED', message, { place: this.#place() })
  }

  #place(): { topic: string; partition: number } {
    return { topic: this.topic, partition: this.partition }
  }
}
