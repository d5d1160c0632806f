// The embedded log: Kafka's batches in plain files of this process, durable and without a broker.
// Opened by the app and the command line; other processes reach it through the owner's socket.

import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { pause } from '../../clock.ts'
import { deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import { prepareCompression } from '../../wire/compression.ts'
import type { LocalServer } from '../../wire/local_socket.ts'
import { hasMembers } from '../failures.ts'
import type {
  ConsumerOptions,
  Log,
  LogConsumer,
  LogProducer,
  LogReader,
  PartitionOffsets,
  ProducerOptions,
  ReaderOptions,
  StartPosition,
  StoredRecord,
  TopicConfig,
  TopicInfo,
  TransactionalProducer,
  TransactionalProducerOptions,
} from '../log.ts'
import { EmbeddedConsumer } from './consumer.ts'
import { FileCache } from './file_cache.ts'
import { fileError } from './files.ts'
import { Group } from './group.ts'
import { GroupOffsets } from './group_offsets.ts'
import { acquireLock, type Lock } from './lock.ts'
import { EmbeddedReader } from './log_reader.ts'
import { type EmbeddedLogOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { serveOwner } from './owner.ts'
import { EmbeddedProducer } from './producer.ts'
import { ProducerIds } from './producer_ids.ts'
import { readBatches, readRecords } from './reader.ts'
import { connectOwner } from './remote_log.ts'
import { embeddedCapabilities, lockedError, readBytesDefault } from './shared.ts'
import { type Topic, Topics } from './topics.ts'
import { type TransactionParts, Transactions } from './transactions.ts'
import { Upkeep } from './upkeep.ts'

/** An owner may have the lock and still be opening its files, or be about to go. */
const ownerTimeoutMs = 10_000
const ownerPauseMs = 20

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
  await fs.promises.mkdir(root, { recursive: true }).catch((error) => {
    throw fileError(error, root)
  })
  const { clock, remote } = resolved
  const deadline = clock.monotonic() + ownerTimeoutMs
  for (;;) {
    const result = await acquireLock(root)
    if ('lock' in result) return openOwned(root, resolved, result.lock)
    const { pid } = result.owner
    if (remote === 'refuse') throw lockedError(root, pid)
    try {
      return await connectOwner(root, pid, clock)
    } catch (error) {
      if (clock.monotonic() > deadline) throw error
    }
    await pause(clock, ownerPauseMs)
  }
}

async function openOwned(root: string, options: ResolvedOptions, lock: Lock): Promise<Log> {
  try {
    return await EmbeddedLog.open(root, options, lock)
  } catch (error) {
    await lock.release().catch(() => {})
    throw fileError(error, root)
  }
}

interface OpenedParts extends TransactionParts {
  readonly lock: Lock
  readonly files: FileCache
  readonly transactions: Transactions
}

export class EmbeddedLog implements Log {
  readonly capabilities = embeddedCapabilities
  readonly #lock: Lock
  readonly #files: FileCache
  readonly #topics: Topics
  readonly #offsets: GroupOffsets
  readonly #producerIds: ProducerIds
  readonly #transactions: Transactions
  readonly #upkeep: Upkeep
  readonly #groups = new Map<string, Group>()
  readonly #open = new Set<LogProducer | LogConsumer | LogReader>()
  #closing: Promise<void> | undefined
  readonly #closed = deferred()
  /** Users beside the one that opened it. */
  #others = 0
  #server: LocalServer | undefined

  private constructor(parts: OpenedParts) {
    this.#lock = parts.lock
    this.#files = parts.files
    this.#topics = parts.topics
    this.#offsets = parts.offsets
    this.#producerIds = parts.producerIds
    this.#transactions = parts.transactions
    this.#upkeep = new Upkeep(parts)
  }

  static async open(root: string, options: ResolvedOptions, lock: Lock): Promise<EmbeddedLog> {
    const files = new FileCache(options.openFilesMax)
    try {
      const topics = await Topics.open(join(root, 'topics'), options, files)
      const offsets = await GroupOffsets.open(join(root, 'groups'), options.fsync !== 'never')
      const producerIds = await ProducerIds.open(root)
      const parts = { root, options, lock, files, topics, offsets, producerIds }
      const transactions = await Transactions.open(parts)
      await offsets.forgetAllBut(new Set(topics.all().map(({ name }) => name)))
      const log = new EmbeddedLog({ ...parts, transactions })
      // Without its socket the log still serves this process.
      log.#server = await serveOwner(root, log).catch((error) => {
        options.onBackgroundError(error)
        return undefined
      })
      return log
    } catch (error) {
      await files.close()
      throw error
    }
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
    return this.#topics.all().map(infoOf)
  }

  async topic(name: string): Promise<TopicInfo> {
    this.#requireOpen()
    return infoOf(this.#topics.get(name))
  }

  async topicConfigs(names: readonly string[]): Promise<ReadonlyMap<string, TopicConfig>> {
    this.#requireOpen()
    return new Map(names.map((name) => [name, this.#topics.get(name).config]))
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
    await this.#transactions.stable(groupId, (at) => at.topic === topic)
    return new Map(this.#offsets.of(groupId, topic))
  }

  async forgetGroup(groupId: string): Promise<void> {
    this.#requireOpen()
    if (this.#groups.get(groupId)?.empty === false) throw hasMembers(groupId)
    await this.#transactions.stable(groupId, () => true)
    await this.#offsets.forget(groupId)
  }

  async transactionalProducer(
    options: TransactionalProducerOptions,
  ): Promise<TransactionalProducer> {
    this.#requireOpen()
    await prepareCompression(options.compression ?? 'none')
    const producer = await this.#transactions.producer(options, () => this.#open.delete(producer))
    this.#open.add(producer)
    return producer
  }

  async fence(transactionalId: string): Promise<void> {
    this.#requireOpen()
    await this.#transactions.fence(transactionalId)
  }

  async reader(options: ReaderOptions = {}): Promise<LogReader> {
    this.#requireOpen()
    const onClosed = (): boolean => this.#open.delete(reader)
    const reader: LogReader = new EmbeddedReader(this.#topics, this.#files, options, onClosed)
    this.#open.add(reader)
    return reader
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
      stable: (partitions) => {
        const among = ({ topic, partition }: StartPosition): boolean =>
          partitions.some((one) => one.topic === topic && one.partition === partition)
        return this.#transactions.stable(options.groupId, among)
      },
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

  /** As `read`, but the batches as they are stored. */
  async readBatches(
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<Uint8Array> {
    this.#requireOpen()
    return readBatches(this.#topics.partition(topic, partition), this.#files, offset, maxBytes)
  }

  /** An id that no other idempotent producer of this log has. */
  newProducerId(): number {
    this.#requireOpen()
    return this.#producerIds.next()
  }

  /**
   * Stores whole batches as they are, offsets assigned (the checksum does not cover them): `bytes`
   * must not be touched by the caller any more. Resolves with the first offset.
   */
  async appendBatches(topic: string, partition: number, bytes: Uint8Array): Promise<number> {
    this.#requireOpen()
    return this.#topics.partition(topic, partition).append(() => bytes)
  }

  /**
   * Applies retention and compaction to a topic at once, to all records so far: the active segments
   * are ended first.
   */
  async clean(topic: string): Promise<void> {
    this.#requireOpen()
    await this.#upkeep.clean(this.#topics.get(topic))
  }

  /** Resolves once it has closed, also where that failed. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** One more close() is to come before it closes; false where it has closed. */
  retain(): boolean {
    if (this.#closing) return false
    this.#others++
    return true
  }

  close(): Promise<void> {
    if (this.#others > 0) {
      this.#others--
      return Promise.resolve()
    }
    this.#closing ??= this.#close().finally(() => this.#closed.resolve())
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#upkeep.stop()
    this.#transactions.stopping()
    await this.#server?.close()
    const results: PromiseSettledResult<unknown>[] = await Promise.allSettled(
      [...this.#open].map((each) => each.close()),
    )
    // Also where one of them fails: what is left open would keep the log locked.
    for (const step of [
      () => this.#topics.close(),
      () => this.#offsets.close(),
      () => this.#transactions.close(results.every(({ status }) => status === 'fulfilled')),
      () => this.#files.close(),
      () => this.#lock.release(),
    ])
      results.push(...(await Promise.allSettled([step()])))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  #requireOpen(): void {
    if (this.#closing) throw new EuphorionError('LOG_FAILED', 'the embedded log was closed')
  }
}

function infoOf({ name, id, partitions }: Topic): TopicInfo {
  return { name, id, partitions: partitions.length }
}
