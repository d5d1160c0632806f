// A Kafka cluster in memory, on a clock and a random generator of the caller: topics, groups and
// transactions as its brokers keep them. Processes reach it by SimulatedLog. Made by the
// simulation, and by tests of what runs on a log.
import type { Clock, Random } from '../clock.ts'
import { checkTopicName } from '../log/embedded/names.ts'
import { unknownTopic } from '../log/failures.ts'
import type { StartPosition, TopicConfig, TopicInfo, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { attribute, BatchCursor } from '../wire/batch_header.ts'
import { brokerCode } from '../wire/broker_code.ts'
import type { HeartbeatBody } from '../wire/requests/heartbeat.ts'
import { GroupCoordinator } from './group_coordinator.ts'
import { GroupOffsetStore } from './group_offsets.ts'
import {
  type NetworkPorts,
  type NetworkWeather,
  SimulatedConnection,
} from './simulated_connection.ts'
import { type Appended, SimulatedPartition } from './simulated_partition.ts'
import type { SimulatedProcess } from './simulated_process.ts'
import { TransactionCoordinator, type TransactionSender } from './transaction_coordinator.ts'

export interface SimulatedClusterOptions {
  readonly clock: Clock
  readonly random: Random
  /** Hears of what happens, as lines for a person. */
  readonly trace?: (text: string) => void
  readonly weather?: Partial<NetworkWeather>
}

interface Topic {
  readonly info: TopicInfo
  readonly partitions: readonly SimulatedPartition[]
}

/** Offsets that count with a transaction, in the name of a member of their group. */
export interface TransactionalOffsets {
  readonly sender: TransactionSender
  readonly member: HeartbeatBody
  readonly offsets: readonly StartPosition[]
  /** Planted: false takes them from whoever sends them. */
  readonly isFenced: boolean
}

/** Most markers come at once, some much later. */
const MARKER_MS_MAX = 10
const SLOW_MARKER_RATE = 0.1
const SLOW_MARKER_MS_MAX = 1500

export class SimulatedCluster {
  readonly weather: NetworkWeather
  /** Set by faults that wait for a request. */
  watch: NetworkPorts['watch'] = () => undefined
  readonly offsets = new GroupOffsetStore()
  readonly transactions: TransactionCoordinator
  readonly trace: (text: string) => void
  readonly clock: Clock
  readonly random: Random
  readonly #topics = new Map<string, Topic>()
  readonly #groups = new Map<string, GroupCoordinator>()
  /** Those who wait for records. */
  readonly #listeners = new Set<() => void>()
  readonly #connections = new Map<SimulatedProcess, Set<SimulatedConnection>>()
  /** Called when brokers are up again. */
  readonly #onUp: (() => void)[] = []
  #topicsMade = 0
  /** Batches and markers that were stored so far, of all topics. */
  changes = 0
  #producers = 0

  constructor({ clock, random, trace = () => {}, weather = {} }: SimulatedClusterOptions) {
    this.clock = clock
    this.random = random
    this.trace = trace
    this.weather = { latencyMs: [0.2, 2], slowRate: 0.02, lossRate: 0, isDown: false, ...weather }
    this.transactions = new TransactionCoordinator({
      clock: this.#brokerClock(),
      trace,
      newProducerId: () => this.newProducerId(),
      markerDelayMs: () =>
        this.weather.latencyMs[1] === 0
          ? 0
          : random() * (random() < SLOW_MARKER_RATE ? SLOW_MARKER_MS_MAX : MARKER_MS_MAX),
      markPartition: (key, { producerId, epoch }, isCommit) =>
        this.#byKey(key)?.mark(producerId, epoch, isCommit, clock.now()),
      markGroup: (groupId, { producerId }, isCommit) => {
        this.offsets.mark(groupId, producerId, isCommit)
      },
    })
  }

  /** Timers of brokers wait while those are down. */
  #brokerClock(): Clock {
    const { clock } = this
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, call) => {
        let isCancelled = false
        const cancel = clock.after(ms, () => {
          if (!this.weather.isDown) call()
          else this.#onUp.push(() => isCancelled || call())
        })
        return () => {
          isCancelled = true
          cancel()
        }
      },
    }
  }

  connect(process: SimulatedProcess): SimulatedConnection {
    const connection = new SimulatedConnection(this, process)
    let all = this.#connections.get(process)
    if (all === undefined) {
      all = new Set()
      this.#connections.set(process, all)
      process.onDeath(() => this.#connections.delete(process))
    }
    all.add(connection)
    return connection
  }

  disconnect(process: SimulatedProcess, connection: SimulatedConnection): void {
    this.#connections.get(process)?.delete(connection)
  }

  /** All connections of one process, or of all, end. */
  dropConnections(process?: SimulatedProcess): void {
    const dropped = process === undefined ? [...this.#connections.keys()] : [process]
    for (const each of dropped)
      for (const connection of this.#connections.get(each) ?? []) connection.drop()
  }

  /** Brokers go down: every question fails until up(). What they have stored stays. */
  down(): void {
    this.weather.isDown = true
    this.dropConnections()
  }

  up(): void {
    this.weather.isDown = false
    for (const group of this.#groups.values()) group.restart()
    this.transactions.restart()
    for (const call of this.#onUp.splice(0)) call()
  }

  newProducerId(): number {
    return 1000 + this.#producers++
  }

  group(groupId: string): GroupCoordinator {
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      group = new GroupCoordinator(this.#brokerClock(), this.trace)
      this.#groups.set(groupId, group)
    }
    return group
  }

  createTopic(name: string, partitions: number, config: TopicConfig = {}): boolean {
    checkTopicName(name)
    if (this.#topics.has(name)) return false
    const made = Array.from(
      { length: partitions },
      (_, each) => new SimulatedPartition(name, each, config, () => this.#changed()),
    )
    const id = `topic-${++this.#topicsMade}`
    this.#topics.set(name, { info: { name, partitions, id }, partitions: made })
    return true
  }

  deleteTopic(name: string): void {
    for (const partition of this.topic(name).partitions) partition.isDeleted = true
    this.#topics.delete(name)
    this.offsets.topicDeleted(name)
    this.#changed()
  }

  topics(): TopicInfo[] {
    const infos = [...this.#topics.values()].map(({ info }) => info)
    return infos.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Throws TOPIC_UNKNOWN. */
  topic(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw unknownTopic({ topic: name })
    return topic
  }

  partition({ topic, partition }: TopicPartition): SimulatedPartition {
    const found = this.topic(topic).partitions[partition]
    if (found === undefined) throw unknownTopic({ topic, partition })
    return found
  }

  #byKey(key: string): SimulatedPartition | undefined {
    const slash = key.lastIndexOf('/')
    return this.#topics.get(key.slice(0, slash))?.partitions[Number(key.slice(slash + 1))]
  }

  /** Stores a batch; one of a transaction only where that has the partition. */
  produce(place: TopicPartition, batch: Uint8Array, transactionalId?: string): Appended {
    const partition = this.partition(place)
    const cursor = new BatchCursor(batch)
    cursor.next()
    if ((cursor.attributes & attribute.transactional) === 0) return partition.append(batch)
    const { producerId, producerEpoch: epoch } = cursor
    const sender = { transactionalId: transactionalId ?? '', producerId, epoch }
    const errorCode = this.transactions.verify(sender, { partition: partitionKey(place) })
    return errorCode === brokerCode.NONE ? partition.append(batch) : { errorCode, offset: -1 }
  }

  commitOffsets(member: HeartbeatBody, offsets: readonly StartPosition[]): number {
    const errorCode = this.group(member.groupId).commitRefusal(member, false)
    if (errorCode === brokerCode.NONE) this.offsets.commit(member.groupId, offsets)
    return errorCode
  }

  /** TxnOffsetCommit: as commitOffsets, once the transaction is committed. */
  holdOffsets({ sender, member, offsets, isFenced }: TransactionalOffsets): number {
    const { groupId } = member
    const verdict = this.transactions.verify(sender, { groupId })
    if (verdict !== brokerCode.NONE) return verdict
    const refusal = this.group(groupId).commitRefusal(member, true)
    const errorCode = isFenced ? refusal : brokerCode.NONE
    if (errorCode === brokerCode.NONE) this.offsets.hold(groupId, sender.producerId, offsets)
    return errorCode
  }

  /** Compacts and retains what is to be; answers the batches that went. */
  clean(random: Random): number {
    let gone = 0
    const nowMs = this.clock.now()
    for (const { partitions } of this.#topics.values())
      for (const partition of partitions) {
        const { cleanup = 'delete' } = partition.config
        if (cleanup !== 'delete') gone += partition.compact(nowMs, random)
        if (cleanup !== 'compact') partition.retain(nowMs)
      }
    return gone
  }

  /** Hears of every change of a partition; the returned function ends that. */
  listen(call: () => void): () => void {
    this.#listeners.add(call)
    return () => this.#listeners.delete(call)
  }

  #changed(): void {
    this.changes++
    for (const call of [...this.#listeners]) call()
  }
}
