// The log on Kafka through kafkajs: topics, offsets and groups by its admin client; producers and
// consumers in files of their own. Opened by openLog for kafka:// brokers.
import { type Clock, pause, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { prepareCompression } from '../../wire/compression.ts'
import { noTransactions, unknownTopic } from '../failures.ts'
import type {
  ConsumerOptions,
  Log,
  LogCapabilities,
  LogConsumer,
  LogProducer,
  LogReader,
  PartitionOffsets,
  ProducerOptions,
  StoredRecord,
  TopicConfig,
  TopicInfo,
  TransactionalProducer,
} from '../log.ts'
import { type ClientMaker, clientMaker, type KafkajsOptions } from './client.ts'
import { KafkajsConsumer } from './consumer.ts'
import { asLogError } from './failures.ts'
import { KafkajsProducer } from './producer.ts'
import { Reader } from './reader.ts'
import { Sockets } from './sockets.ts'
import { TopicAdmin } from './topic_admin.ts'

const capabilities: LogCapabilities = {
  driver: 'kafkajs',
  rawBatches: false,
  idempotentAppend: true,
  transactions: false,
  staticMembership: false,
  overlappingFetches: false,
}

const readBytesDefault = 1024 * 1024
/** Looks at the list of topics before a deletion that the broker has confirmed is taken as done. */
const deletionLooks = 100
const deletionLookMs = 50

/** Connects; BROKER_UNREACHABLE, naming the brokers, when none answers in `connectTimeoutMs`. */
export async function openKafkajsLog(options: KafkajsOptions): Promise<Log> {
  const log = new KafkajsLog(options)
  await log.connect(options.connectTimeoutMs ?? 10_000)
  return log
}

class KafkajsLog implements Log {
  readonly capabilities = capabilities
  readonly #options: KafkajsOptions
  readonly #brokers: string
  readonly #clock: Clock
  readonly #sockets = new Sockets()
  readonly #makeClient: ClientMaker
  readonly #admin: TopicAdmin
  readonly #reader: Reader
  readonly #open = new Set<LogProducer | LogConsumer>()

  constructor(options: KafkajsOptions) {
    this.#options = options
    this.#brokers = options.brokers.join(',')
    this.#clock = options.clock ?? systemClock
    this.#makeClient = clientMaker(options, this.#sockets.factory)
    this.#admin = new TopicAdmin(this.#makeClient, this.#brokers, this.#clock)
    this.#reader = new Reader(this.#makeClient)
  }

  async connect(timeoutMs: number): Promise<void> {
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(timeoutMs, () =>
        reject(
          new EuphorionError(
            'BROKER_UNREACHABLE',
            `no answer from ${this.#brokers} in ${timeoutMs} ms`,
          ),
        ),
      )
    })
    const connected = this.#admin.ask((admin) => admin.describeCluster())
    try {
      await Promise.race([connected, late])
    } catch (error) {
      connected.catch(() => {})
      void this.close()
      throw error
    } finally {
      cancel()
    }
  }

  createTopic(
    name: string,
    options: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    return this.#admin.createTopic(name, options, true)
  }

  async deleteTopic(name: string): Promise<void> {
    await this.topic(name)
    await this.#admin.deleteTopic(name)
    // The broker answers before it has forgotten the topic.
    const remains = () =>
      this.#admin.ask(async (admin) => (await admin.listTopics()).includes(name))
    for (let look = 0; look < deletionLooks && (await remains()); look++)
      await pause(this.#clock, deletionLookMs)
  }

  forgetGroup(groupId: string): Promise<void> {
    return this.#admin.forgetGroup(groupId)
  }

  async topics(): Promise<readonly TopicInfo[]> {
    const { topics } = await this.#admin.ask((admin) => admin.fetchTopicMetadata())
    return topics
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async topic(name: string): Promise<TopicInfo> {
    const { topics } = await this.#admin.ask(
      (admin) => admin.fetchTopicMetadata({ topics: [name] }),
      name,
    )
    const found = topics.find((topic) => topic.name === name)
    if (!found) throw unknownTopic({ topic: name })
    return { name, partitions: found.partitions.length }
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const offsets = await this.#admin.ask((admin) => admin.fetchTopicOffsets(topic), topic)
    return offsets
      .map(({ partition, low, high }) => ({
        partition,
        earliest: Number(low),
        latest: Number(high),
      }))
      .sort((a, b) => a.partition - b.partition)
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const [found] = await this.#admin.ask(
      (admin) => admin.fetchOffsets({ groupId, topics: [topic] }),
      topic,
    )
    // -1 is none; kafkajs itself commits -1 or -2 for "latest" or "earliest" when it is out of
    // range.
    return new Map(
      found.partitions
        .map(({ partition, offset }) => [partition, Number(offset)] as const)
        .filter(([, offset]) => offset >= 0),
    )
  }

  async transactionalProducer(): Promise<TransactionalProducer> {
    throw noTransactions('kafkajs')
  }

  async fence(): Promise<void> {
    throw noTransactions('kafkajs')
  }

  async reader(): Promise<LogReader> {
    throw noTransactions('kafkajs')
  }

  async producer({ compression = 'none' }: ProducerOptions = {}): Promise<LogProducer> {
    await prepareCompression(compression)
    const producer = new KafkajsProducer(
      {
        makeClient: this.#makeClient,
        brokers: this.#brokers,
        topic: (name) => this.topic(name),
        closed: (closed) => this.#open.delete(closed),
      },
      compression,
    )
    this.#open.add(producer)
    return producer
  }

  async consumer(options: ConsumerOptions): Promise<LogConsumer> {
    for (const topic of options.topics) await this.topic(topic)
    const consumer = new KafkajsConsumer(
      options,
      {
        makeClient: this.#makeClient,
        brokers: this.#brokers,
        clock: this.#clock,
        sessionTimeoutMs: this.#options.sessionTimeoutMs ?? 10_000,
        retries: this.#options.retries ?? 3,
        offsets: (topic) => this.offsets(topic),
        committed: (groupId, topic) => this.committed(groupId, topic),
        topicNames: async () => new Set((await this.topics()).map((topic) => topic.name)),
      },
      (closed) => this.#open.delete(closed),
    )
    try {
      await consumer.start()
    } catch (error) {
      throw asLogError(error, this.#brokers, { topic: options.topics.join(', ') })
    }
    this.#open.add(consumer)
    return consumer
  }

  async read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes = readBytesDefault,
  ): Promise<readonly StoredRecord[]> {
    try {
      return await this.#reader.read(topic, partition, offset, maxBytes)
    } catch (error) {
      throw asLogError(error, this.#brokers, { topic, partition, offset })
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open].map((one) => one.close()))
    await this.#reader.close()
    // Whoever still asks, a consumer that tries to come back, must not connect anew.
    await this.#admin.close()
    this.#sockets.destroy()
  }
}
