// The log of a process on a simulated cluster: everything that log.ts asks of one, by questions
// that take their time and may be lost. Made by the simulation, and by tests of what runs on a log.
import { pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { hasMembers } from '../log/failures.ts'
import type {
  ConsumerOptions,
  Log,
  LogCapabilities,
  LogConsumer,
  LogProducer,
  LogReader,
  PartitionOffsets,
  ProducerOptions,
  ReaderOptions,
  StoredRecord,
  TopicConfig,
  TopicInfo,
  TopicPartition,
  TransactionalProducer,
  TransactionalProducerOptions,
} from '../log/log.ts'
import { noPlants, type Plant } from '../plants.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import { prepareCompression } from '../wire/compression.ts'
import { decodeBatches } from '../wire/record_batch.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import type { SimulatedConnection } from './simulated_connection.ts'
import { isPassing, SimulatedConsumer, type SimulatedMembership } from './simulated_consumer.ts'
import type { SimulatedProcess } from './simulated_process.ts'
import { SimulatedProducer } from './simulated_producer.ts'
import { SimulatedReader } from './simulated_reader.ts'
import { initTransactions, SimulatedTransactionalProducer } from './simulated_transactions.ts'

export interface SimulatedLogOptions extends Partial<SimulatedMembership> {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  /** Default 'read_committed'. */
  readonly isolation?: 'read_committed' | 'read_uncommitted'
  /** Default 30 s. */
  readonly deliveryTimeoutMs?: number
  readonly plants?: ReadonlySet<Plant>
}

const capabilities: LogCapabilities = {
  driver: 'simulated',
  rawBatches: true,
  idempotentAppend: true,
  transactions: true,
  staticMembership: true,
  overlappingFetches: true,
}

const membershipDefaults: SimulatedMembership = {
  sessionTimeoutMs: 6000,
  heartbeatIntervalMs: 1000,
  rebalanceTimeoutMs: 20_000,
  progressTimeoutMs: 30_000,
}
const DELIVERY_MS = 30_000
const REQUEST_MS = 3000
const RETRY_MS = 50
const TRIES_MAX = 200
const FENCE_TIMEOUT_MS = 60_000
const READ_BYTES = 1024 * 1024

export class SimulatedLog implements Log {
  readonly capabilities = capabilities
  readonly #options: SimulatedLogOptions
  readonly #connection: SimulatedConnection
  readonly #open = new Set<{ close(): Promise<void> }>()
  readonly #closed = (one: { close(): Promise<void> }): void => {
    this.#open.delete(one)
  }

  constructor(options: SimulatedLogOptions) {
    this.#options = options
    this.#connection = options.cluster.connect(options.process)
  }

  /** Asks until there is an answer; undefined is none either. */
  async #ask<T>(name: string, ask: () => T | undefined): Promise<T> {
    const { clock } = this.#options.process
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        const answer = await this.#connection.request(name, ask, REQUEST_MS)
        if (answer !== undefined) return answer
      } catch (error) {
        if (!isPassing(error)) throw error
      }
      await pause(clock, RETRY_MS)
    }
    throw new EuphorionError('LOG_FAILED', `${name}: the cluster does not answer`)
  }

  createTopic(
    name: string,
    { partitions, config = {} }: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    const { cluster } = this.#options
    return this.#ask('CreateTopics', () => cluster.createTopic(name, partitions, config))
  }

  async deleteTopic(name: string): Promise<void> {
    const { cluster } = this.#options
    await this.#ask('DeleteTopics', () => {
      cluster.deleteTopic(name)
      return true
    })
  }

  async forgetGroup(groupId: string): Promise<void> {
    const { cluster } = this.#options
    await this.#ask('DeleteGroups', () => {
      if (cluster.group(groupId).size > 0) throw hasMembers(groupId)
      cluster.offsets.forget(groupId)
      return true
    })
  }

  topics(): Promise<readonly TopicInfo[]> {
    return this.#ask('Metadata', () => this.#options.cluster.topics())
  }

  topic(name: string): Promise<TopicInfo> {
    return this.#ask('Metadata', () => this.#options.cluster.topic(name).info)
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const { plants = noPlants } = this.#options
    return this.#ask('ListOffsets', () =>
      this.#options.cluster.topic(topic).partitions.map((each) => ({
        partition: each.partition,
        earliest: each.startOffset,
        latest: plants.has('target-too-early') ? each.stableOffset : each.nextOffset,
      })),
    )
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const { partitions } = await this.topic(topic)
    const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    return (await this.#committed(groupId, places)).get(topic) ?? new Map()
  }

  /** Asked again while a transaction is about to change them. */
  #committed(
    groupId: string,
    places: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
    const { offsets } = this.#options.cluster
    const byTopic = new Map<string, number[]>()
    for (const { topic, partition } of places)
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
    return this.#ask('OffsetFetch', () => {
      const found = new Map<string, ReadonlyMap<number, number>>()
      for (const [topic, partitions] of byTopic) {
        const stable = offsets.committed(groupId, topic, partitions)
        if (stable === undefined) return undefined
        found.set(topic, stable)
      }
      return found
    })
  }

  async producer({ compression = 'none' }: ProducerOptions = {}): Promise<LogProducer> {
    await prepareCompression(compression)
    const { cluster } = this.#options
    const producerId = await this.#ask('InitProducerId', () => cluster.newProducerId())
    const producer = new SimulatedProducer(this.#producing(compression), { producerId, epoch: 0 })
    this.#open.add(producer)
    return producer
  }

  #producing(compression: ProducerOptions['compression'] = 'none') {
    const { cluster, process, deliveryTimeoutMs = DELIVERY_MS } = this.#options
    return { cluster, process, compression, deliveryTimeoutMs, closed: this.#closed }
  }

  async transactionalProducer(
    options: TransactionalProducerOptions,
  ): Promise<TransactionalProducer> {
    const { transactionalId, transactionTimeoutMs, compression = 'none' } = options
    await prepareCompression(compression)
    const sender = await this.#take(transactionalId, transactionTimeoutMs)
    const producing = this.#producing(compression)
    const isFenced = !this.#options.plants?.has('fence-ignored')
    return new SimulatedTransactionalProducer(
      { ...producing, transactionalId, transactionTimeoutMs, isFenced },
      sender,
    )
  }

  async fence(transactionalId: string): Promise<void> {
    await this.#take(transactionalId, FENCE_TIMEOUT_MS)
  }

  #take(transactionalId: string, timeoutMs: number) {
    const { cluster, process } = this.#options
    return initTransactions(cluster, process, this.#connection, transactionalId, timeoutMs)
  }

  async reader({ maxBytes = READ_BYTES }: ReaderOptions = {}): Promise<LogReader> {
    const { cluster, process, plants = noPlants } = this.#options
    const isCommitted = !plants.has('restore-uncommitted')
    const options = { cluster, process, maxBytes, isCommitted, closed: this.#closed }
    const reader = new SimulatedReader(options)
    this.#open.add(reader)
    return reader
  }

  async consumer(options: ConsumerOptions): Promise<LogConsumer> {
    for (const topic of options.topics) await this.topic(topic)
    const { cluster, process, isolation = 'read_committed' } = this.#options
    const consumer = new SimulatedConsumer(options, {
      cluster,
      process,
      membership: { ...membershipDefaults, ...defined(this.#options) },
      isCommitted: isolation === 'read_committed',
      offsets: (topic) => this.offsets(topic),
      committed: (groupId, places) => this.#committed(groupId, places),
      closed: this.#closed,
    })
    this.#open.add(consumer)
    consumer.start()
    return consumer
  }

  async read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes = READ_BYTES,
  ): Promise<readonly StoredRecord[]> {
    for (let from = offset; ; ) {
      const at = from
      const bytes = await this.#ask('Fetch', () =>
        this.#options.cluster.partition({ topic, partition }).read(at, maxBytes, true),
      )
      const records = decodeBatches(bytes).filter((record) => record.offset >= offset)
      if (records.length > 0 || bytes.length === 0) return records
      const batch = new BatchCursor(bytes)
      while (batch.next());
      from = batch.lastOffset + 1
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open].map((one) => one.close()))
    this.#options.cluster.disconnect(this.#options.process, this.#connection)
  }
}

/** Those of the membership's that are set. */
function defined(options: SimulatedLogOptions): Partial<SimulatedMembership> {
  const { instanceId, rack, ...rest } = options
  const times = {
    sessionTimeoutMs: rest.sessionTimeoutMs,
    heartbeatIntervalMs: rest.heartbeatIntervalMs,
    rebalanceTimeoutMs: rest.rebalanceTimeoutMs,
    progressTimeoutMs: rest.progressTimeoutMs,
  }
  const set = Object.entries(times).filter(([, value]) => value !== undefined)
  return { instanceId, rack, ...Object.fromEntries(set) }
}
