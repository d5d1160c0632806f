// The log on Kafka by its own protocol: topics, offsets and groups by questions to the cluster;
// producers and consumers in files of their own. Opened by openLog for kafka:// brokers.
import { type Clock, pause, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { settingSpecs } from '../../setting_specs.ts'
import type { Settings } from '../../settings.ts'
import { prepareCompression } from '../../wire/compression.ts'
import { listOffsetsRequest, offsetAt } from '../../wire/requests/list_offsets.ts'
import { unknownTopic } from '../failures.ts'
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
  TransactionalProducer,
  TransactionalProducerOptions,
} from '../log.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { committedOffsets } from './committed_offsets.ts'
import { KafkaConsumer, type KafkaConsumerPorts } from './consumer.ts'
import type { TopicMetadata } from './metadata_cache.ts'
import { PartitionsReader } from './partitions_reader.ts'
import { KafkaProducer, type KafkaProducerOptions } from './producer.ts'
import { readRecords } from './reader.ts'
import { TopicEditor } from './topic_editor.ts'
import { TransactionRequests } from './transaction_requests.ts'
import { KafkaTransactionalProducer } from './transactional_producer.ts'

export interface KafkaLogOptions
  extends ClusterOptions,
    Pick<KafkaProducerOptions, 'deliveryTimeoutMs'> {
  /** How consumers read, and how they are members of their groups. */
  readonly consumers?: Partial<ConsumerSettings>
}

/** Settings of the same names; see settings.ts for what they mean. */
type ConsumerSettings = Pick<
  Settings,
  | 'fetchMaxWaitMs'
  | 'isolation'
  | 'sessionTimeoutMs'
  | 'heartbeatIntervalMs'
  | 'rebalanceTimeoutMs'
  | 'progressTimeoutMs'
  | 'instanceId'
  | 'rack'
>

const capabilities: LogCapabilities = {
  driver: 'kafka',
  rawBatches: true,
  idempotentAppend: true,
  transactions: true,
  staticMembership: true,
  overlappingFetches: true,
}

const readBytesDefault = 1024 * 1024
const fetchBytesDefault = 1024 * 1024
const readUncommitted = 0
const readCommitted = 1
const consumerDefaults = {
  fetchMaxWaitMs: settingSpecs.fetchMaxWaitMs.default,
  isolation: settingSpecs.isolation.default,
  sessionTimeoutMs: settingSpecs.sessionTimeoutMs.default,
  heartbeatIntervalMs: settingSpecs.heartbeatIntervalMs.default,
  rebalanceTimeoutMs: settingSpecs.rebalanceTimeoutMs.default,
  progressTimeoutMs: settingSpecs.progressTimeoutMs.default,
}
/** Of an id that is fenced: nobody begins a transaction with it. */
const fencedTimeoutMs = 60_000
const notKnown = -1
const noAnswer = 'an answer to ListOffsets does not say what was asked for'
/** Looks at the metadata before a topic that the brokers have confirmed is taken as they said. */
const looksMax = 200
const lookMs = 50

/** Connects; BROKER_UNREACHABLE, naming the brokers, when none answers in `connectTimeoutMs`. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  return new KafkaLog(await Cluster.open(options), options)
}

class KafkaLog implements Log {
  readonly capabilities = capabilities
  readonly #cluster: Cluster
  readonly #editor: TopicEditor
  readonly #clock: Clock
  readonly #options: KafkaLogOptions
  readonly #open = new Set<LogProducer | LogConsumer | LogReader>()

  constructor(cluster: Cluster, options: KafkaLogOptions) {
    this.#cluster = cluster
    this.#editor = new TopicEditor(options)
    this.#clock = options.clock ?? systemClock
    this.#options = options
  }

  async createTopic(
    name: string,
    options: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    const created = await this.#editor.create(name, options)
    // one that existed may have been made just now, by somebody else
    await this.#until(name, (topic) =>
      created ? topic?.leaders.every(({ nodeId }) => nodeId >= 0) === true : topic !== undefined,
    )
    return created
  }

  forgetGroup(groupId: string): Promise<void> {
    return this.#editor.forgetGroup(groupId)
  }

  async deleteTopic(name: string): Promise<void> {
    await this.topic(name)
    await this.#editor.delete(name)
    await this.#until(name, (topic) => topic === undefined)
  }

  /** Brokers hear of what another one has confirmed a little later. */
  async #until(name: string, isDone: (topic: TopicMetadata | undefined) => boolean): Promise<void> {
    for (let look = 0; look < looksMax; look++) {
      await this.#cluster.retry(() => this.#cluster.refresh([name]))
      if (isDone(this.#cluster.topic(name))) return
      await pause(this.#clock, lookMs)
    }
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return (await this.#cluster.allTopics()).map(topicInfo)
  }

  async topic(name: string): Promise<TopicInfo> {
    const [topic] = await this.#cluster.metadata([name], { refresh: true })
    return topicInfo(topic)
  }

  topicConfigs(names: readonly string[]): Promise<ReadonlyMap<string, TopicConfig>> {
    return this.#editor.configs(names)
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const partitions = (await this.topic(topic)).partitions
    const [earliest, latest] = await Promise.all([
      this.#offsetsAt(topic, partitions, offsetAt.earliest),
      this.#offsetsAt(topic, partitions, offsetAt.latest),
    ])
    return earliest.map((each, partition) => ({
      partition,
      earliest: each,
      latest: latest[partition],
    }))
  }

  /** Of each partition; asked of all leaders at once, and again where one has moved. */
  async #offsetsAt(
    topic: string,
    partitions: number,
    timestamp: number,
    isolationLevel = readUncommitted,
  ): Promise<number[]> {
    const offsets = new Array<number>(partitions).fill(notKnown)
    const missing = () => numbersTo(partitions).filter((each) => offsets[each] === notKnown)
    const ask = async () => {
      await Promise.all(
        this.#byLeader(topic, missing()).map(([nodeId, wanted]) =>
          this.#listOffsets(nodeId, topic, wanted, { timestamp, isolationLevel }, offsets),
        ),
      )
      if (missing().length > 0)
        throw new EuphorionError('PROTOCOL_VIOLATED', noAnswer, { place: { topic } })
    }
    await this.#cluster.retry(ask, { topics: [topic] })
    return offsets
  }

  /** TOPIC_UNKNOWN, and LOG_FAILED while one of the partitions has no leader. */
  #byLeader(topic: string, partitions: readonly number[]): [number, number[]][] {
    const byLeader = new Map<number, number[]>()
    for (const partition of partitions) {
      const leader = this.#cluster.leader(topic, partition)
      if (this.#cluster.topic(topic) === undefined) throw unknownTopic({ topic })
      if (leader === undefined)
        throw new EuphorionError('LOG_FAILED', 'the partition has no leader now', {
          place: { topic, partition },
        })
      byLeader.set(leader.nodeId, [...(byLeader.get(leader.nodeId) ?? []), partition])
    }
    return [...byLeader]
  }

  async #listOffsets(
    nodeId: number,
    topic: string,
    partitions: readonly number[],
    { timestamp, isolationLevel }: { timestamp: number; isolationLevel: number },
    into: number[],
  ): Promise<void> {
    const connection = await this.#cluster.connection(nodeId, 'control')
    const asked = partitions.map((partition) => ({
      partition,
      currentLeaderEpoch: this.#cluster.leader(topic, partition)?.epoch ?? -1,
      timestamp,
    }))
    const answer = await connection.request(listOffsetsRequest, {
      isolationLevel,
      topics: [{ topic, partitions: asked }],
    })
    let failure: { readonly errorCode: number; readonly partition: number } | undefined
    for (const each of answer.topics[0]?.partitions ?? []) {
      if (each.errorCode === 0) into[each.partition] = each.offset
      else failure = each
    }
    if (failure !== undefined)
      BrokerRefusal.check(failure.errorCode, 'asking for offsets', {
        topic,
        partition: failure.partition,
      })
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const { partitions } = await this.topic(topic)
    const places = numbersTo(partitions).map((partition) => ({ topic, partition }))
    const committed = await committedOffsets(this.#cluster, groupId, places)
    return committed.get(topic) ?? new Map()
  }

  async transactionalProducer({
    transactionalId,
    transactionTimeoutMs,
    ...own
  }: TransactionalProducerOptions): Promise<TransactionalProducer> {
    const options = await this.#producing(own)
    const producer: KafkaTransactionalProducer = await KafkaTransactionalProducer.open(
      this.#cluster,
      { ...options, transactionalId, transactionTimeoutMs },
      () => this.#open.delete(producer),
    )
    this.#open.add(producer)
    return producer
  }

  async fence(transactionalId: string): Promise<void> {
    const requests = new TransactionRequests(this.#cluster, {
      transactionalId,
      transactionTimeoutMs: fencedTimeoutMs,
      endTimeoutMs: fencedTimeoutMs,
    })
    try {
      await requests.init()
    } catch (error) {
      // somebody else did it, at the same time
      if (!(error instanceof EuphorionError) || error.code !== 'FENCED') throw error
    }
  }

  async reader({ maxBytes, logger }: ReaderOptions = {}): Promise<LogReader> {
    const { limits, ...reading } = this.#reading(maxBytes)
    const reader: PartitionsReader = new PartitionsReader(
      {
        ...reading,
        limits: { ...limits, isolationLevel: readCommitted },
        offsets: (topic) => this.offsets(topic),
        ...(logger && { logger }),
      },
      () => this.#open.delete(reader),
    )
    this.#open.add(reader)
    return reader
  }

  async #producing({ compression = 'none' }: ProducerOptions): Promise<KafkaProducerOptions> {
    await prepareCompression(compression)
    const { clock, random, requestTimeoutMs, deliveryTimeoutMs, retryBackoff } = this.#options
    return { compression, deliveryTimeoutMs, retryBackoff, clock, random, requestTimeoutMs }
  }

  async producer(own: ProducerOptions = {}): Promise<LogProducer> {
    const options = await this.#producing(own)
    const producer: KafkaProducer = new KafkaProducer(this.#cluster, options, () =>
      this.#open.delete(producer),
    )
    this.#open.add(producer)
    return producer
  }

  async consumer(options: ConsumerOptions): Promise<LogConsumer> {
    await this.#cluster.metadata(options.topics, { refresh: true })
    const fetcher = this.#reading(options.maxBytes)
    const consumer: KafkaConsumer = new KafkaConsumer(options, {
      fetcher,
      readable: (topic) => this.#readable(topic, fetcher.limits.isolationLevel),
      membership: this.#membership(),
      offsets: (topic) => this.offsets(topic),
      closed: (closed) => this.#open.delete(closed),
    })
    this.#open.add(consumer)
    try {
      await consumer.start()
    } catch (error) {
      await consumer.close()
      throw error
    }
    return consumer
  }

  async #readable(topic: string, isolation: number): Promise<ReadonlyMap<number, number>> {
    const [{ leaders }] = await this.#cluster.metadata([topic])
    const offsets = await this.#offsetsAt(topic, leaders.length, offsetAt.latest, isolation)
    return new Map(offsets.entries())
  }

  #reading(maxBytes = fetchBytesDefault): KafkaConsumerPorts['fetcher'] {
    const { fetchMaxWaitMs, isolation, rack } = { ...consumerDefaults, ...this.#options.consumers }
    return {
      cluster: this.#cluster,
      clock: this.#clock,
      limits: {
        maxWaitMs: fetchMaxWaitMs,
        partitionMaxBytes: maxBytes,
        isolationLevel: isolation === 'read_committed' ? readCommitted : readUncommitted,
        rackId: rack ?? '',
      },
    }
  }

  #membership(): KafkaConsumerPorts['membership'] {
    const { instanceId, rack, ...settings } = { ...consumerDefaults, ...this.#options.consumers }
    return {
      ...settings,
      ...(instanceId !== undefined && { instanceId }),
      ...(rack !== undefined && { rack }),
      connection: this.#options,
      cluster: this.#cluster,
      clock: this.#clock,
    }
  }

  read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes = readBytesDefault,
  ): Promise<readonly StoredRecord[]> {
    return readRecords(this.#cluster, { topic, partition }, offset, maxBytes)
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open].map((one) => one.close()))
    await this.#editor.close()
    this.#cluster.close()
  }
}

function topicInfo({ name, leaders, id }: TopicMetadata): TopicInfo {
  return { name, partitions: leaders.length, ...(id !== null && { id }) }
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
