// What is known of a cluster: its brokers, and the partitions of topics with their leaders. Filled
// by Cluster from answers to Metadata.

import { brokerCode } from '../../wire/broker_code.ts'
import type { MetadataBroker, MetadataTopic } from '../../wire/requests/metadata.ts'
import { unknownTopic } from '../failures.ts'
import type { TopicPartition } from '../log.ts'
import { BrokerRefusal } from './broker_refusal.ts'

export interface PartitionLeader {
  /** -1: the partition has no leader now. */
  readonly nodeId: number
  /** Grows with every new leader; -1: unknown (KIP-320). */
  readonly epoch: number
}

export interface TopicMetadata {
  readonly name: string
  /** Another one after the topic was made anew; null where the brokers know no ids (KIP-516). */
  readonly id: string | null
  readonly isInternal: boolean
  /** By the number of the partition. */
  readonly leaders: readonly PartitionLeader[]
  /** Monotonic ms of the answer. */
  readonly knownAtMs: number
}

/** More topics are not remembered: the one that was asked for longest ago goes. */
const topicsMax = 10_000

export class MetadataCache {
  #brokers: ReadonlyMap<number, MetadataBroker> = new Map()
  readonly #topics = new Map<string, TopicMetadata>()
  /** Error codes of topics that exist, perhaps, but say nothing. */
  readonly #refusals = new Map<string, number>()

  get brokers(): ReadonlyMap<number, MetadataBroker> {
    return this.#brokers
  }

  get topicNames(): readonly string[] {
    return [...this.#topics.keys()]
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  leader({ topic, partition }: TopicPartition): PartitionLeader | undefined {
    const leader = this.#topics.get(topic)?.leaders[partition]
    return leader === undefined || leader.nodeId < 0 ? undefined : leader
  }

  setBrokers(brokers: readonly MetadataBroker[]): void {
    this.#brokers = new Map(brokers.map((broker) => [broker.nodeId, broker]))
  }

  /** A broker that another answer named, a coordinator. */
  addBroker(broker: MetadataBroker): void {
    this.#brokers = new Map([...this.#brokers, [broker.nodeId, broker]])
  }

  /** Takes what an answer says of one topic, also that it does not exist. */
  take(answer: MetadataTopic, nowMs: number): void {
    const { topic: name, errorCode } = answer
    const before = this.#topics.get(name)
    this.#topics.delete(name)
    this.#refusals.delete(name)
    if (errorCode === brokerCode.NONE) {
      const known = before?.id === answer.topicId ? before : undefined
      this.#topics.set(name, topicMetadata(answer, known, nowMs))
      dropOldest(this.#topics)
    } else if (errorCode !== brokerCode.UNKNOWN_TOPIC_OR_PARTITION) {
      this.#refusals.set(name, errorCode)
      dropOldest(this.#refusals)
    }
  }

  /** Throws TOPIC_UNKNOWN, or what the brokers said of the topic. */
  checked(name: string): TopicMetadata {
    const topic = this.#topics.get(name)
    if (topic !== undefined) return topic
    BrokerRefusal.check(this.#refusals.get(name) ?? 0, 'looking up a topic', { topic: name })
    throw unknownTopic({ topic: name })
  }

  /** A leader that a broker named in place of itself. */
  setLeader({ topic, partition }: TopicPartition, leader: PartitionLeader): void {
    const known = this.#topics.get(topic)
    if (known === undefined || !(leader.epoch > known.leaders[partition]?.epoch)) return
    const leaders = known.leaders.with(partition, leader)
    this.#topics.set(topic, { ...known, leaders })
  }
}

function dropOldest(map: Map<string, unknown>): void {
  if (map.size <= topicsMax) return
  const [oldest] = map.keys()
  map.delete(oldest)
}

/** A broker that lags behind may still name the leader before: its epoch is lower. */
export function topicMetadata(
  answer: MetadataTopic,
  known: TopicMetadata | undefined,
  nowMs: number,
): TopicMetadata {
  const leaders: PartitionLeader[] = []
  for (const { partition, leaderId, leaderEpoch } of answer.partitions) {
    const before = known?.leaders[partition]
    leaders[partition] =
      before !== undefined && leaderEpoch >= 0 && before.epoch > leaderEpoch
        ? before
        : { nodeId: leaderId, epoch: leaderEpoch }
  }
  return {
    name: answer.topic,
    id: answer.topicId,
    isInternal: answer.isInternal,
    leaders: leaders.length >= (known?.leaders.length ?? 0) ? leaders : known!.leaders,
    knownAtMs: nowMs,
  }
}
