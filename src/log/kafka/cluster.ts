// A Kafka cluster as a client sees it: who leads which partition, connections to brokers and
// coordinators, and questions asked again until they are answered. One for each KafkaLog.
import { type Clock, type Random, shuffled, systemClock, systemRandom } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { Connection, type ConnectionOptions } from '../../wire/connection.ts'
import { coordinatorKeyType, findCoordinatorRequest } from '../../wire/requests/find_coordinator.ts'
import { type MetadataAnswer, metadataRequest } from '../../wire/requests/metadata.ts'
import { unknownTopic } from '../failures.ts'
import { type Address, addressOf } from './addresses.ts'
import { type Backoff, pauseMs } from './backoff.ts'
import { BrokerPool, type Purpose, poolClosed } from './broker_pool.ts'
import { BrokerRefusal, isPassing, mayHaveMoved } from './broker_refusal.ts'
import {
  MetadataCache,
  type PartitionLeader,
  type TopicMetadata,
  topicMetadata,
} from './metadata_cache.ts'

import { SharedTurns } from './shared_turns.ts'

export interface ClusterOptions
  extends Partial<Pick<ConnectionOptions, 'clientId' | 'tls' | 'sasl' | 'versionsMax'>> {
  /** host:port of at least one broker; an IPv6 address is in brackets. */
  readonly brokers: readonly string[]
  /** ms for the first connection of all, tries included. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** ms for one answer, and for one question with its tries. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Between tries to connect. Default 50 ms to 1 s. */
  readonly reconnectBackoff?: Backoff
  /** Between tries of a question. Default 100 ms to 1 s. */
  readonly retryBackoff?: Backoff
  /** ms after which metadata is asked for again unprompted. Default 5 minutes. */
  readonly metadataMaxAgeMs?: number
  /** Largest answer that is gathered. Default 64 MiB. */
  readonly answerBytesMax?: number
  readonly clock?: Clock
  readonly random?: Random
}

export type CoordinatorKind = keyof typeof coordinatorKeyType

export interface RetryOptions {
  /** Looked up again before each further try. */
  readonly topics?: readonly string[]
  /** Looked up again where it moved or does not answer. */
  readonly coordinator?: { readonly kind: CoordinatorKind; readonly id: string }
  /** ms for all tries. Default: requestTimeoutMs. */
  readonly timeoutMs?: number
  /** Between tries. Default: retryBackoff of the cluster. */
  readonly backoff?: Backoff
}

/** One broker may take this long to connect while others have not been tried. */
const connectionTimeoutMs = 5000
const answerBytesMaxDefault = 64 * 1024 * 1024
const metadataMaxAgeMsDefault = 300_000
/** Coordinators that are remembered. */
const coordinatorsMax = 1000

export class Cluster {
  readonly #options: ClusterOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #retryBackoff: Backoff
  readonly #requestTimeoutMs: number
  readonly #cache = new MetadataCache()
  readonly #pool: BrokerPool
  /** Numbers of brokers by `kind id`. */
  readonly #coordinators = new Map<string, number>()
  readonly #refreshes: SharedTurns
  #isPressing = false
  #readers = 0
  /** Who ended a connection that had not logged in. */
  #hungUp: string | undefined
  #cancelAging: (() => void) | undefined
  #closed = false

  /** Connects; BROKER_UNREACHABLE when none of the brokers answers in connectTimeoutMs. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options)
    try {
      await cluster.#connect(options.connectTimeoutMs ?? 10_000)
    } catch (error) {
      cluster.close()
      throw error
    }
    return cluster
  }

  private constructor(options: ClusterOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#retryBackoff = options.retryBackoff ?? { firstMs: 100, mostMs: 1000 }
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.#pool = new BrokerPool({
      open: (address) => this.#openConnection(address),
      addressOf: (nodeId) => this.#cache.brokers.get(nodeId),
      backoff: options.reconnectBackoff ?? { firstMs: 50, mostMs: 1000 },
      clock: this.#clock,
      random: this.#random,
    })
    this.#refreshes = new SharedTurns((topics) => this.#refreshNow(topics))
  }

  /** As given, for messages. */
  get brokers(): string {
    return this.#options.brokers.join(',')
  }

  /** What is known of a topic; nothing is asked. */
  topic(name: string): TopicMetadata | undefined {
    return this.#cache.topic(name)
  }

  /** Who leads a partition, as far as is known; undefined also while it has no leader. */
  leader(topic: string, partition: number): PartitionLeader | undefined {
    return this.#cache.leader({ topic, partition })
  }

  /** Takes the leader that a broker named in place of itself, if it is newer than the known one. */
  setLeader(topic: string, partition: number, leader: PartitionLeader): void {
    this.#cache.setLeader({ topic, partition }, leader)
  }

  /** Of topics that are not known yet, or of all with `refresh`, it is asked. TOPIC_UNKNOWN. */
  async metadata(
    topics: readonly string[],
    { refresh = false }: { readonly refresh?: boolean } = {},
  ): Promise<readonly TopicMetadata[]> {
    const missing = refresh ? topics : topics.filter((name) => !this.#cache.topic(name))
    if (missing.length > 0)
      await this.retry(async () => {
        await this.refresh(missing, true)
        for (const name of missing) this.#cache.checked(name)
      })
    return topics.map((name) => this.#cache.checked(name))
  }

  /** All topics of the cluster, by name; asked each time. */
  async allTopics(): Promise<readonly TopicMetadata[]> {
    const { topics } = await this.retry(() => this.#askMetadata(null))
    return topics
      .filter(({ errorCode }) => errorCode === 0)
      .map((topic) => topicMetadata(topic, undefined, this.#clock.monotonic()))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * Asks for these topics' metadata. One question is under way at a time; those who come meanwhile
   * share the next one. A topic that does not exist is forgotten, which is no error. Rejects like
   * connection() when no broker answers. Unless it is `pressing`, what was heard just now is not
   * asked for again before a pause.
   */
  refresh(topics: readonly string[], pressing = false): Promise<void> {
    this.#isPressing ||= pressing
    return this.#closed ? Promise.reject(poolClosed()) : this.#refreshes.run(topics)
  }

  /** Opened on demand, one for each broker and purpose. See BrokerPool.connection. */
  connection(nodeId: number, purpose: Purpose): Promise<Connection> {
    return this.#pool.connection(nodeId, purpose)
  }

  /** A purpose that nobody else has, for one reader; its connections are closed by release(). */
  readerPurpose(): Purpose {
    return `fetch ${this.#readers++}`
  }

  release(purpose: Purpose): void {
    this.#pool.release(purpose)
  }

  /** To the leader of a partition. LOG_FAILED while there is none, TOPIC_UNKNOWN. */
  async leaderConnection(
    topic: string,
    partition: number,
    purpose: Purpose,
  ): Promise<{ readonly connection: Connection; readonly epoch: number }> {
    const [{ leaders }] = await this.metadata([topic])
    if (leaders[partition] === undefined) throw unknownTopic({ topic, partition })
    const { nodeId, epoch } = leaders[partition]
    if (nodeId < 0)
      throw new EuphorionError('LOG_FAILED', 'the partition has no leader now', {
        place: { topic, partition },
      })
    return { connection: await this.connection(nodeId, purpose), epoch }
  }

  /** To the broker that keeps a group or a transaction; remembered until forgetCoordinator. */
  async coordinator(
    kind: CoordinatorKind,
    id: string,
    purpose: Purpose = 'control',
  ): Promise<Connection> {
    const key = `${kind} ${id}`
    let nodeId = this.#coordinators.get(key)
    if (nodeId === undefined) {
      nodeId = await this.retry(() => this.#findCoordinator(kind, id))
      if (this.#coordinators.size >= coordinatorsMax) this.#coordinators.clear()
      this.#coordinators.set(key, nodeId)
    }
    return this.connection(nodeId, purpose)
  }

  /** It is looked for again the next time: it moved, or does not answer. */
  forgetCoordinator(kind: CoordinatorKind, id: string): void {
    this.#coordinators.delete(`${kind} ${id}`)
  }

  /** To any broker: one that is connected, else a known one, else one that the given ones name. */
  async anyConnection(): Promise<Connection> {
    const [connected] = this.#pool.connected('control')
    if (connected !== undefined) return connected
    try {
      return await this.#anyKnown()
    } catch (error) {
      if (this.#closed || !isPassing(error)) throw error
    }
    await this.#bootstrap()
    return this.#anyKnown()
  }

  /**
   * Asks again, with growing pauses, while the error passes (a leader that moved, a broker that is
   * away), for as long as `timeoutMs`; then rejects with the last error.
   */
  async retry<T>(question: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
    const { timeoutMs = this.#requestTimeoutMs, topics, coordinator } = options
    const { backoff = this.#retryBackoff } = options
    const endMs = this.#clock.monotonic() + timeoutMs
    for (let failures = 1; ; failures++) {
      try {
        if (failures > 1 && topics !== undefined) await this.refresh(topics)
        return await question()
      } catch (error) {
        const waitMs = pauseMs(backoff, failures, this.#random)
        if (this.#closed || !isPassing(error) || this.#clock.monotonic() + waitMs > endMs)
          throw error
        if (coordinator !== undefined && mayHaveMoved(error))
          this.forgetCoordinator(coordinator.kind, coordinator.id)
        await this.#pool.pause(waitMs)
      }
    }
  }

  /** Ends all connections; whoever waits is rejected with LOG_FAILED. */
  close(): void {
    this.#closed = true
    this.#cancelAging?.()
    this.#pool.close()
  }

  async #connect(timeoutMs: number): Promise<void> {
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(timeoutMs, () => {
        const message = `no answer from ${this.brokers} in ${timeoutMs} ms`
        reject(new EuphorionError('BROKER_UNREACHABLE', message))
      })
    })
    const connected = this.retry(() => this.anyConnection(), { timeoutMs })
    connected.catch(() => {})
    try {
      await Promise.race([connected, late])
    } catch (error) {
      throw this.#connectFailure(error)
    } finally {
      cancel()
    }
    this.#age()
  }

  /** Names all the brokers where none could be reached, and what one has done. */
  #connectFailure(error: unknown): unknown {
    const { brokers } = this.#options
    if (this.#hungUp !== undefined && isPassing(error)) {
      // A listener with SASL takes ApiVersions from anybody, and hangs up at anything else.
      const what = 'hung up at the second request: perhaps it wants a login (saslMechanism)'
      return new EuphorionError('AUTHENTICATION_FAILED', `${this.#hungUp} ${what}`)
    }
    if (!(error instanceof EuphorionError) || error.code !== 'BROKER_UNREACHABLE') return error
    if (brokers.length === 1 || error.message.includes(this.brokers)) return error
    const message = `none of ${this.brokers} answers; the last one tried: ${error.message}`
    return new EuphorionError('BROKER_UNREACHABLE', message, { cause: error.cause })
  }

  #age(): void {
    const ageMs = this.#options.metadataMaxAgeMs ?? metadataMaxAgeMsDefault
    this.#cancelAging = this.#clock.after(ageMs, () => {
      this.#age()
      // Whoever needs what it would have brought asks for it again.
      this.refresh(this.#cache.topicNames).catch(() => {})
    })
  }

  #openConnection({ host, port }: Address): Promise<Connection> {
    const { clientId = 'euphorion', tls = false, sasl, versionsMax } = this.#options
    const { connectTimeoutMs = connectionTimeoutMs, answerBytesMax } = this.#options
    return Connection.open({
      host,
      port,
      clientId,
      tls,
      connectTimeoutMs: Math.min(connectTimeoutMs, connectionTimeoutMs),
      requestTimeoutMs: this.#requestTimeoutMs,
      answerBytesMax: answerBytesMax ?? answerBytesMaxDefault,
      clock: this.#clock,
      ...(sasl && { sasl }),
      ...(versionsMax && { versionsMax }),
    })
  }

  /** One of the known brokers that can be reached: not all clients go to the first. */
  async #anyKnown(): Promise<Connection> {
    let failure: unknown = new EuphorionError('BROKER_UNREACHABLE', 'no broker is known')
    for (const nodeId of shuffled([...this.#cache.brokers.keys()], this.#random)) {
      try {
        return await this.connection(nodeId, 'control')
      } catch (error) {
        if (this.#closed || !isPassing(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  /** Asks the given brokers, until one answers, which brokers there are. */
  async #bootstrap(): Promise<void> {
    let failure: unknown
    for (const broker of shuffled(this.#options.brokers, this.#random)) {
      try {
        return await this.#bootstrapFrom(addressOf(broker))
      } catch (error) {
        if (this.#closed || !isPassing(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  async #bootstrapFrom(address: Address): Promise<void> {
    const connection = await this.#openConnection(address)
    try {
      await this.#askMetadata([], connection)
    } catch (error) {
      if (connection.closed && this.#options.sasl === undefined) this.#hungUp = connection.address
      connection.close()
      throw error
    }
    const isHere = ({ host, port }: Address) => host === address.host && port === address.port
    const here = [...this.#cache.brokers.values()].find(isHere)
    if (here === undefined) connection.close()
    else this.#pool.adopt(here.nodeId, 'control', connection)
  }

  /** null: all topics. */
  async #askMetadata(
    topics: readonly string[] | null,
    connection?: Connection,
  ): Promise<MetadataAnswer> {
    const asked = connection ?? (await this.anyConnection())
    const body = { topics, allowAutoTopicCreation: false }
    const answer = await asked.request(metadataRequest, body)
    // A broker that has just started knows nobody, not even itself.
    if (answer.brokers.length === 0)
      throw new EuphorionError('LOG_FAILED', `${asked.address} knows no brokers yet`)
    this.#cache.setBrokers(answer.brokers)
    return answer
  }

  #refreshPauseMs(topics: Iterable<string>): number {
    let latestMs = Number.NEGATIVE_INFINITY
    for (const name of topics)
      latestMs = Math.max(latestMs, this.#cache.topic(name)?.knownAtMs ?? latestMs)
    const { firstMs } = this.#retryBackoff
    const isRecent = this.#clock.monotonic() - latestMs < firstMs && !this.#isPressing
    this.#isPressing = false
    return isRecent ? pauseMs(this.#retryBackoff, 1, this.#random) : 0
  }

  async #refreshNow(topics: ReadonlySet<string>): Promise<void> {
    await this.#pool.pause(this.#refreshPauseMs(topics))
    if (this.#closed) throw poolClosed()
    const answer = await this.#askMetadata([...topics])
    for (const topic of answer.topics) this.#cache.take(topic, this.#clock.monotonic())
  }

  async #findCoordinator(kind: CoordinatorKind, id: string): Promise<number> {
    const connection = await this.anyConnection()
    const body = { key: id, keyType: coordinatorKeyType[kind] }
    const answer = await connection.request(findCoordinatorRequest, body)
    const { errorCode, errorMessage, nodeId, host, port } = answer
    BrokerRefusal.check(errorCode, `finding the coordinator of ${kind} '${id}'`, {}, errorMessage)
    this.#cache.addBroker({ nodeId, host, port, rack: null })
    return nodeId
  }
}
