// Reads changelogs for everything that this worker copies: one reader of the log, and a few fetches
// that overlap, into regions of their own, so that no lane waits for one. Called by Recovery.
import type { SharedMemory } from '../batch/memory.ts'
import { BatchTemplates, type Region, type SharedBatch } from '../batch/region.ts'
import { type Clock, pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { Regions } from '../ingest/regions.ts'
import type { FetchResult, Log, LogReader, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'
import { BatchCursor } from '../wire/batch_header.ts'

/** A partition that is read. */
export interface ReadPartition extends TopicPartition {
  /** May more be fetched for it now? */
  readonly hasRoom: boolean
  /** Takes the next batches; `release` is to be called once, when they are done with. */
  offer(batch: SharedBatch, release: () => void): void
  /** Nothing more comes. */
  failed(error: unknown): void
}

export interface RecoveryReaderOptions {
  readonly log: Log
  readonly memory: SharedMemory
  readonly clock: Clock
  readonly logger: Logger
  /** Bytes of one fetch. */
  readonly batchBytes: number
  /** Largest batch for which a region of its own is made. */
  readonly largestBatchBytes: number
}

interface Large extends TopicPartition {
  readonly bytes: number
}

/** Fetches that may be on the way or worked on at once. */
const FETCHES = 4
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 5000

export class RecoveryReader {
  readonly #options: RecoveryReaderOptions
  readonly #regions: Regions
  readonly #templates = new BatchTemplates()
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  readonly #partitions = new Map<string, ReadPartition>()
  /** Bytes that the next batch of a partition needs, where that is more than a region has. */
  readonly #large = new Map<string, number>()
  readonly #stopping = new AbortController()
  #reader: Promise<LogReader> | undefined
  #running: Promise<unknown> | undefined
  #failures = 0

  constructor(options: RecoveryReaderOptions) {
    this.#options = options
    this.#regions = new Regions(options.memory, {
      count: FETCHES,
      payloadBytes: options.batchBytes,
    })
  }

  /** Reads the partition from that offset on, until it is removed or fails. */
  async add(partition: ReadPartition, offset: number): Promise<void> {
    this.#reader ??= this.#start()
    const reader = await this.#reader
    this.#partitions.set(partitionKey(partition), partition)
    reader.add(partition.topic, partition.partition, offset)
    reader.wake()
  }

  /** What was offered already is still worked on. */
  async remove(partition: ReadPartition): Promise<void> {
    const key = partitionKey(partition)
    if (this.#partitions.get(key) !== partition) return
    this.#partitions.delete(key)
    this.#large.delete(key)
    const reader = await this.#reader
    // another may read the same again by now
    if (!this.#partitions.has(key)) reader?.remove(partition.topic, partition.partition)
    reader?.wake()
  }

  /** A partition has room again. */
  async wake(): Promise<void> {
    const reader = await this.#reader
    reader?.wake()
  }

  /** By a new connection: nothing has come for it. */
  async reconnect({ topic, partition }: TopicPartition): Promise<void> {
    const reader = await this.#reader
    if (this.#partitions.has(partitionKey({ topic, partition })))
      reader?.reconnect?.(topic, partition)
  }

  /** Resolves when no fetch is on its way; everything offered has been released before. */
  async close(): Promise<void> {
    this.#stopping.abort()
    this.#regions.abandon()
    this.#partitions.clear()
    const reader = await this.#reader?.catch(() => undefined)
    await reader?.close()
    await this.#running
    this.#regions.close()
  }

  async #start(): Promise<LogReader> {
    const { log, batchBytes, logger } = this.#options
    try {
      const reader = await log.reader({ maxBytes: batchBytes, logger })
      this.#running = Promise.all(Array.from({ length: FETCHES }, () => this.#run(reader)))
      return reader
    } catch (error) {
      this.#reader = undefined
      throw error
    }
  }

  async #run(reader: LogReader): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const large = this.#takeLarge()
      try {
        const region = await this.#region(large)
        if (region === undefined) continue
        const result = await this.#fetch(reader, region, large)
        // by whoever closed the log: asked again it would answer so at once, for ever
        if (result.kind === 'closed' && !signal.aborted) return
        if (result.kind === 'too-small') this.#tooSmall(result)
        this.#failures = 0
      } catch (error) {
        await this.#failed(error, large)
      }
    }
  }

  /** Whose next batch needs a larger region: this loop's from now on. */
  #takeLarge(): Large | undefined {
    for (const [key, bytes] of this.#large) {
      const partition = this.#partitions.get(key)
      if (bytes === 0 || partition === undefined) continue
      // 0: somebody is on it, and nobody else fetches the partition
      this.#large.set(key, 0)
      return { topic: partition.topic, partition: partition.partition, bytes }
    }
    return undefined
  }

  #region(large: Large | undefined): Promise<Region | undefined> {
    return large === undefined ? this.#regions.take() : this.#regions.takeLarger(large.bytes)
  }

  async #fetch(
    reader: LogReader,
    region: Region,
    large: TopicPartition | undefined,
  ): Promise<FetchResult> {
    const wants = (topic: string, partition: number): boolean => {
      const key = partitionKey({ topic, partition })
      if (this.#partitions.get(key)?.hasRoom !== true) return false
      // when it was removed meanwhile, its region is as good as any other
      const isForOne = large !== undefined && this.#large.get(partitionKey(large)) === 0
      return isForOne ? partitionKey(large) === key : !this.#large.has(key)
    }
    let result: FetchResult
    try {
      result = await reader.fetch(region.target(), wants, this.#stopping.signal)
    } catch (error) {
      this.#regions.giveBack(region)
      throw error
    }
    if (large !== undefined) this.#endLarge(reader, large)
    if (result.kind === 'batches') this.#offer(region, result)
    else this.#regions.giveBack(region)
    return result
  }

  #endLarge(reader: LogReader, large: TopicPartition): void {
    this.#large.delete(partitionKey(large))
    reader.wake()
  }

  #offer(region: Region, fetched: FetchResult & { kind: 'batches' }): void {
    const { topic, partition, bytes } = fetched
    const reading = this.#partitions.get(partitionKey(fetched))
    if (reading === undefined || bytes === 0) {
      this.#regions.giveBack(region)
      return
    }
    const cursor = this.#cursor
    cursor.reset(region.target(), 0, bytes)
    let recordCount = 0
    let firstOffset = -1
    let nextOffset = 0
    while (cursor.next()) {
      if (firstOffset < 0) firstOffset = cursor.baseOffset
      nextOffset = cursor.lastOffset + 1
      recordCount += cursor.recordCount
    }
    const fetchedAtMs = this.#options.clock.now()
    const facts = { topic, partition, firstOffset, nextOffset, recordCount, fetchedAtMs }
    region.holders = 1
    const batch = region.finish(this.#templates, facts, bytes)
    reading.offer(batch, () => this.#regions.release(region))
  }

  #tooSmall({ topic, partition, neededBytes }: FetchResult & { kind: 'too-small' }): void {
    const key = partitionKey({ topic, partition })
    const reading = this.#partitions.get(key)
    if (reading === undefined) return
    if (neededBytes <= this.#options.largestBatchBytes) {
      this.#large.set(key, neededBytes)
      return
    }
    const message = `A batch of ${neededBytes} bytes is larger than maxRecordBytes allows`
    const place = { topic, partition }
    this.#end(reading, new EuphorionError('RECORD_TOO_LARGE', message, { place }))
  }

  /** What is of one partition, or topic, ends that; what can pass is tried again. */
  async #failed(error: unknown, large: Large | undefined): Promise<void> {
    if (large !== undefined) this.#large.set(partitionKey(large), large.bytes)
    const isCoded = error instanceof EuphorionError
    if (isCoded && error.retriable) return this.#pause(error)
    const isTooLarge = isCoded && error.code === 'MEMORY_EXHAUSTED' && large !== undefined
    const { topic, partition } = isTooLarge ? large : isCoded ? error.place : {}
    for (const reading of [...this.#partitions.values()]) {
      const isMeant =
        topic === undefined ||
        (reading.topic === topic && (partition === undefined || reading.partition === partition))
      if (isMeant) this.#end(reading, error)
    }
  }

  #end(reading: ReadPartition, error: unknown): void {
    void this.remove(reading)
    reading.failed(error)
  }

  async #pause(error: EuphorionError): Promise<void> {
    const { clock, logger } = this.#options
    const { signal } = this.#stopping
    if (signal.aborted) return
    if (this.#failures === 0) logger.warn({ err: error }, 'changelogs cannot be read; trying again')
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(this.#failures++, 10))
    await pause(clock, pauseMs, signal)
  }
}
