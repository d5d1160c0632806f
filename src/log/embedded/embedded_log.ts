// The embedded log: Kafka's batches in plain files of this process, durable and without a broker.
// Opened by the app and the command line; other processes reach it through the owner's socket.
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import { prepareCompression } from '../../wire/compression.ts'
import type {
  ConsumerOptions,
  Log,
  LogCapabilities,
  LogConsumer,
  LogProducer,
  PartitionOffsets,
  ProducerOptions,
  StoredRecord,
  TopicConfig,
  TopicInfo,
} from '../log.ts'
import { EmbeddedConsumer } from './consumer.ts'
import { FileCache } from './file_cache.ts'
import { Group } from './group.ts'
import { GroupOffsets } from './group_offsets.ts'
import { acquireLock, type Lock } from './lock.ts'
import { type EmbeddedLogOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { EmbeddedProducer } from './producer.ts'
import { readRecords } from './reader.ts'
import { Topics } from './topics.ts'

export const embeddedCapabilities: LogCapabilities = {
  driver: 'embedded',
  rawBatches: true,
  idempotentAppend: true,
  transactions: false,
  staticMembership: false,
}

export const readBytesDefault = 1024 * 1024

/**
 * Opens the log in `directory`, creating it where there is none. Rejects with LOG_LOCKED while
 * another process has it open (see `remote`), LOG_CORRUPT when a file is damaged before its tail.
 */
export async function openEmbeddedLog(
  directory: string,
  options: EmbeddedLogOptions = {},
): Promise<Log> {
  const resolved = resolveOptions(options)
  const root = resolve(directory)
  await fs.promises.mkdir(root, { recursive: true })
  const result = await acquireLock(root)
  if ('owner' in result)
    throw new EuphorionError(
      'LOG_LOCKED',
      `the embedded log in ${root} is open in process ${result.owner.pid}`,
      { place: { path: root } },
    )
  try {
    return await EmbeddedLog.open(root, resolved, result.lock)
  } catch (error) {
    await result.lock.release()
    throw error
  }
}

export class EmbeddedLog implements Log {
  readonly capabilities = embeddedCapabilities
  readonly #options: ResolvedOptions
  readonly #lock: Lock
  readonly #files: FileCache
  readonly #topics: Topics
  readonly #offsets: GroupOffsets
  readonly #groups = new Map<string, Group>()
  readonly #open = new Set<LogProducer | LogConsumer>()
  #closing: Promise<void> | undefined
  #cancelSync: () => void = () => {}

  private constructor(
    options: ResolvedOptions,
    lock: Lock,
    files: FileCache,
    topics: Topics,
    offsets: GroupOffsets,
  ) {
    this.#options = options
    this.#lock = lock
    this.#files = files
    this.#topics = topics
    this.#offsets = offsets
    if (options.fsync === 'interval') this.#syncLater()
  }

  static async open(root: string, options: ResolvedOptions, lock: Lock): Promise<EmbeddedLog> {
    const files = new FileCache(options.openFilesMax)
    const topics = await Topics.open(join(root, 'topics'), options, files)
    const offsets = await GroupOffsets.open(join(root, 'groups'), options.fsync !== 'never')
    return new EmbeddedLog(options, lock, files, topics, offsets)
  }

  async createTopic(
    name: string,
    options: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    this.#requireOpen()
    return this.#topics.create(name, options.partitions, options.config)
  }

  async deleteTopic(name: string): Promise<void> {
    this.#requireOpen()
    await this.#topics.delete(name)
    await this.#offsets.forgetTopic(name)
  }

  async topics(): Promise<readonly TopicInfo[]> {
    this.#requireOpen()
    return this.#topics
      .all()
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
  }

  async topic(name: string): Promise<TopicInfo> {
    this.#requireOpen()
    return { name, partitions: this.#topics.get(name).partitions.length }
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    this.#requireOpen()
    return this.#topics.get(topic).partitions.map(({ partition, startOffset, nextOffset }) => ({
      partition,
      earliest: startOffset,
      latest: nextOffset,
    }))
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    this.#requireOpen()
    this.#topics.get(topic)
    return new Map(this.#offsets.of(groupId, topic))
  }

  async producer({ compression = 'none' }: ProducerOptions = {}): Promise<LogProducer> {
    this.#requireOpen()
    await prepareCompression(compression)
    const producer: EmbeddedProducer = new EmbeddedProducer(this.#topics, compression, () =>
      this.#open.delete(producer),
    )
    this.#open.add(producer)
    return producer
  }

  async consumer(options: ConsumerOptions): Promise<LogConsumer> {
    this.#requireOpen()
    for (const topic of options.topics) this.#topics.get(topic)
    const group = this.#groups.get(options.groupId) ?? new Group(this.#topics)
    this.#groups.set(options.groupId, group)
    const consumer: EmbeddedConsumer = new EmbeddedConsumer({
      options,
      group,
      offsets: this.#offsets,
      files: this.#files,
      onClosed: () => {
        this.#open.delete(consumer)
        if (group.empty) this.#groups.delete(options.groupId)
      },
    })
    this.#open.add(consumer)
    void group.join(consumer)
    return consumer
  }

  async read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes = readBytesDefault,
  ): Promise<readonly StoredRecord[]> {
    this.#requireOpen()
    return readRecords(this.#topics.partition(topic, partition), this.#files, offset, maxBytes)
  }

  /**
   * Stores whole batches as they are, offsets assigned (the checksum does not cover them): `bytes`
   * must not be touched by the caller any more. Resolves with the first offset.
   */
  async appendBatches(topic: string, partition: number, bytes: Uint8Array): Promise<number> {
    this.#requireOpen()
    return this.#topics.partition(topic, partition).append(() => bytes)
  }

  #syncLater(): void {
    const { clock, fsyncIntervalMs } = this.#options
    this.#cancelSync = clock.after(fsyncIntervalMs, () => {
      const partitions = this.#topics.all().flatMap((topic) => topic.partitions)
      const synced = Promise.allSettled(partitions.map((partition) => partition.sync()))
      // A sync that failed is told to the next append of its partition.
      void synced.then(() => this.#closing || this.#syncLater())
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#cancelSync()
    const results = await Promise.allSettled([...this.#open].map((each) => each.close()))
    await this.#topics.close()
    await this.#offsets.close()
    await this.#files.close()
    await this.#lock.release()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  #requireOpen(): void {
    if (this.#closing) throw new EuphorionError('LOG_FAILED', 'the embedded log was closed')
  }
}
