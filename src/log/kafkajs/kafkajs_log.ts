// The log on Kafka through kafkajs: topics, offsets and groups by its admin client; producers and
// consumers in files of their own. Opened by openLog for kafka:// brokers.
import type { Admin } from 'kafkajs'
import { type Clock, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { prepareCompression } from '../../wire/compression.ts'
import { unknownTopic } from '../failures.ts'
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
import { type ClientMaker, clientMaker, type KafkajsOptions } from './client.ts'
import { KafkajsConsumer } from './consumer.ts'
import { asLogError, kafkaErrorType } from './failures.ts'
import { KafkajsProducer } from './producer.ts'
import { Reader } from './reader.ts'
import { Sockets } from './sockets.ts'

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
  readonly #reader: Reader
  readonly #open = new Set<LogProducer | LogConsumer>()
  #admin: Promise<Admin> | undefined
  #asking: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: KafkajsOptions) {
    this.#options = options
    this.#brokers = options.brokers.join(',')
    this.#clock = options.clock ?? systemClock
    this.#makeClient = clientMaker(options, this.#sockets.factory)
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
    const connected = this.#ask((admin) => admin.describeCluster())
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

  /**
   * Asks the admin client, one question at a time: each replaces the metadata that the others look
   * into. One that has asked for a topic which is gone fails for every topic from then on: it is
   * replaced, and asked once more where the topic at hand is there.
   */
  #ask<T>(question: (admin: Admin) => Promise<T>, topic?: string): Promise<T> {
    const answer = this.#asking.then(() => this.#askNow(question, topic))
    this.#asking = answer.catch(() => undefined)
    return answer
  }

  async #askNow<T>(question: (admin: Admin) => Promise<T>, topic?: string): Promise<T> {
    try {
      return await question(await this.#connectedAdmin())
    } catch (error) {
      const unknown = kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'
      if (unknown) await this.#dropAdmin()
      if (!unknown || topic === undefined || !(await this.#exists(topic)))
        throw asLogError(error, this.#brokers, { topic })
      try {
        return await question(await this.#connectedAdmin())
      } catch (again) {
        throw asLogError(again, this.#brokers, { topic })
      }
    }
  }

  #connectedAdmin(): Promise<Admin> {
    if (this.#closed) return Promise.reject(new EuphorionError('LOG_FAILED', 'the log is closed'))
    if (!this.#admin) {
      const admin = this.#makeClient().admin()
      this.#admin = admin.connect().then(() => admin)
      this.#admin.catch(() => {
        this.#admin = undefined
        return admin.disconnect().catch(() => {})
      })
    }
    return this.#admin
  }

  async #dropAdmin(): Promise<void> {
    const admin = this.#admin
    this.#admin = undefined
    await admin?.then((one) => one.disconnect()).catch(() => {})
  }

  async #exists(topic: string): Promise<boolean> {
    return (await (await this.#connectedAdmin()).listTopics()).includes(topic)
  }

  async createTopic(
    name: string,
    { partitions, config = {} }: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..')
      throw new EuphorionError('TOPIC_INVALID', `'${name}' cannot be the name of a topic`)
    const topic = {
      topic: name,
      numPartitions: partitions,
      replicationFactor: -1,
      configEntries: configEntries(config),
    }
    return this.#ask((admin) => admin.createTopics({ topics: [topic], waitForLeaders: true }), name)
  }

  async deleteTopic(name: string): Promise<void> {
    await this.topic(name)
    await this.#ask((admin) => admin.deleteTopics({ topics: [name] }), name)
    // The broker answers before it has forgotten the topic.
    const remains = () => this.#ask(async (admin) => (await admin.listTopics()).includes(name))
    for (let look = 0; look < deletionLooks && (await remains()); look++)
      await new Promise<void>((resolve) => this.#clock.after(deletionLookMs, resolve))
  }

  async topics(): Promise<readonly TopicInfo[]> {
    const { topics } = await this.#ask((admin) => admin.fetchTopicMetadata())
    return topics
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async topic(name: string): Promise<TopicInfo> {
    const { topics } = await this.#ask(
      (admin) => admin.fetchTopicMetadata({ topics: [name] }),
      name,
    )
    const found = topics.find((topic) => topic.name === name)
    if (!found) throw unknownTopic({ topic: name })
    return { name, partitions: found.partitions.length }
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const offsets = await this.#ask((admin) => admin.fetchTopicOffsets(topic), topic)
    return offsets
      .map(({ partition, low, high }) => ({
        partition,
        earliest: Number(low),
        latest: Number(high),
      }))
      .sort((a, b) => a.partition - b.partition)
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const [found] = await this.#ask(
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
    this.#closed = true
    await this.#dropAdmin()
    this.#sockets.destroy()
  }
}

function configEntries(config: TopicConfig): { name: string; value: string }[] {
  const names = {
    cleanup: 'cleanup.policy',
    retentionMs: 'retention.ms',
    retentionBytes: 'retention.bytes',
    segmentBytes: 'segment.bytes',
    maxMessageBytes: 'max.message.bytes',
  } as const
  return (Object.keys(names) as (keyof TopicConfig)[])
    .filter((key) => config[key] !== undefined)
    .map((key) => ({ name: names[key], value: String(config[key]) }))
}
