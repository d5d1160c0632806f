// What Euphorion asks of a log: named topics of numbered partitions, each an append-only sequence
// of Kafka RecordBatch v2 bytes, and offsets kept for groups of consumers. Drivers declare what
// they can do; nothing else of a driver leaks. One contract suite runs on every driver
// (test/contract/log.ts).
import type { Logger } from '../logger.ts'
import type { Compression } from '../wire/compression.ts'
import type { LogRecord, StoredRecord } from '../wire/record.ts'

export type { Compression } from '../wire/compression.ts'
export type { LogHeader, LogRecord, StoredRecord } from '../wire/record.ts'

/** What a driver can do; asking for more is a CAPABILITY_MISSING error. */
export interface LogCapabilities {
  readonly driver: 'embedded' | 'kafkajs' | 'kafka' | 'simulated'
  /** Fetched bytes are the producer's own batches (false: messages packed again into batches). */
  readonly rawBatches: boolean
  /** A batch sent twice by one producer (a retry) is stored once. */
  readonly idempotentAppend: boolean
  readonly transactions: boolean
  readonly staticMembership: boolean
  /** Several calls of a consumer's fetch() may wait at once, each with its own target. */
  readonly overlappingFetches: boolean
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicInfo {
  readonly name: string
  readonly partitions: number
  /** Another one when the topic is deleted and made anew; absent where the driver cannot say. */
  readonly id?: string
}

/** Settings of a topic, with Kafka's meaning. Times in ms, -1 for no limit. */
export interface TopicConfig {
  readonly cleanup?: 'delete' | 'compact' | 'compact,delete'
  readonly retentionMs?: number
  readonly retentionBytes?: number
  readonly segmentBytes?: number
  readonly maxMessageBytes?: number
  /** How long tombstones stay after compaction has passed them. Default of Kafka: one day. */
  readonly deleteRetentionMs?: number
}

export interface PartitionOffsets {
  readonly partition: number
  /** First offset that can be read. */
  readonly earliest: number
  /** Offset that the next record will get. */
  readonly latest: number
}

export interface ProducerOptions {
  /** Default 'none'. */
  readonly compression?: Compression
}

/** Where a batch was stored. */
export interface StoredBatch {
  /** Of its first record; -1 where a repeated batch was stored so long ago that the log forgot. */
  readonly offset: number
  /** The log's time of all its records, where the topic has that instead of their own; ms. */
  readonly appendTimeMs?: number
}

/** Appends records; one call is one batch of one partition, acknowledged by all replicas. */
export interface LogProducer {
  /**
   * Resolves with the offset of the first record. Calls for one partition are stored in call order.
   */
  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number>
  /**
   * Stores one finished RecordBatch, in the same order. Until it settles the bytes are the
   * producer's, which writes fields of the header; `compression` of the options is not applied.
   */
  appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch>
  close(): Promise<void>
}

export interface TransactionalProducerOptions extends ProducerOptions {
  /** Who has it last is the only one that can commit: those before are fenced. */
  readonly transactionalId: string
  /** ms after which the log aborts a transaction that is left open. */
  readonly transactionTimeoutMs: number
}

/**
 * Appends that count together, with a group's offsets, or not at all. A transaction begins with the
 * first append or commitOffsets() after the last one ended; one is open at a time.
 * An append that is refused for what it is (RECORD_TOO_LARGE, RECORD_INVALID, TOPIC_UNKNOWN) leaves
 * the transaction as it was; any other that fails makes it one that can only be aborted. What is
 * appended during commit() or abort() belongs to the next one.
 */
export interface TransactionalProducer extends LogProducer {
  /** Something was appended since the last end. */
  readonly isOpen: boolean
  /**
   * Adds offsets of the consumer's group, in the name of its membership: who was thrown out of the
   * group adds none (KIP-447). All appends so far must have been acknowledged. Waits out a
   * rebalance while the partitions stay this member's; else rejects with LOG_FAILED.
   */
  commitOffsets(consumer: LogConsumer, offsets: readonly StartPosition[]): Promise<void>
  /**
   * Resolves when everything counts. Rejects with FENCED (another has the id; where an answer was
   * lost before, it may count), TRANSACTION_ABORTED (nothing counts; the next one may begin), or
   * LOG_FAILED when the outcome could not be learned: then only another producer of the id can.
   */
  commit(): Promise<void>
  /** Nothing of it counts. Resolves at once when none is open. */
  abort(): Promise<void>
}

/** Reads partitions by itself, without a group: what is committed only. Fetches may overlap. */
export interface LogReader {
  /** Reads a partition from that offset on; one that is read already goes on from there. */
  add(topic: string, partition: number, offset: number): void
  remove(topic: string, partition: number): void
  /** As LogConsumer.fetch. A position outside the log rejects with OFFSET_OUT_OF_RANGE, once. */
  fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult>
  wake(): void
  /** As LogConsumer.reconnect. */
  reconnect?(topic: string, partition: number): void
  close(): Promise<void>
}

export interface ReaderOptions {
  /** As of ConsumerOptions. */
  readonly maxBytes?: number
  readonly logger?: Logger
}

/** Local state of a partition, and how many records of its changelogs it lacks. */
export interface HeldState extends TopicPartition {
  readonly lag: number
}

/** What the leader of a group, and through it the other members, is told of a member. */
export interface MemberFacts {
  /** '': none. Whoever is given partitions of a member that is gone fences it by this id. */
  readonly transactionalId: string
  /** Where its tables can be asked, 'host:port'; '': nowhere. */
  readonly address: string
  /** Topics whose partitions have tables. */
  readonly stateful: readonly string[]
  /** Copies that are wanted of each partition's state, besides its owner's; the largest counts. */
  readonly standbyReplicas: number
  /**
   * Partitions that the whole group copies at once so that they can move (KIP-441); 0: they move
   * without their state. The largest of the members' counts.
   */
  readonly warmupReplicas: number
  /** Records that a copy may lack and still take over; the largest counts. */
  readonly acceptableLag: number
  /**
   * State on this machine: of standbys, of partitions that were given up, and of own partitions
   * while they are being restored (an own one that is not told lacks nothing). Asked every second
   * and at rejoin(), without awaiting: cheap, from what is known.
   */
  held(): readonly HeldState[]
}

/** The group after a round, as its members are told. */
export interface GroupView {
  /** This member's own from now on. State of a standby among them is to be kept open for it. */
  readonly actives: readonly TopicPartition[]
  /**
   * Standbys of this member that something waits for, to be moved here or to be given up elsewhere:
   * once one lacks no more than `acceptableLag`, rejoin() brings the round that does it. Those that
   * are still listed then were not warm enough, and need another one later.
   */
  readonly warmups: readonly TopicPartition[]
  /** Members that have an address; none where the group is too large to be told. */
  readonly hosts: readonly {
    readonly address: string
    readonly actives: readonly TopicPartition[]
    readonly standbys: readonly TopicPartition[]
  }[]
  /** Transactional ids of members that were in earlier rounds and are gone. */
  readonly departed: readonly string[]
}

export interface ConsumerOptions {
  readonly groupId: string
  /** Hears of rounds of the group: how many members, and why. */
  readonly logger?: Logger
  readonly topics: readonly string[]
  /** Where a partition without a sought or committed offset begins. Default 'earliest'. */
  readonly startFrom?: 'earliest' | 'latest'
  /** When a position is outside the log. Default 'earliest'; 'error' makes fetch reject. */
  readonly offsetOutOfRange?: 'earliest' | 'latest' | 'error'
  /** Upper bound of bytes that the driver asks for and buffers for one partition. Default 1 MiB. */
  readonly maxBytes?: number
  /**
   * Called, and awaited, when partitions become this member's, before any is fetched. `committed`
   * holds the group's offset or undefined. Returns where to begin where that should differ (others:
   * committed, else startFrom).
   */
  readonly onAssigned: (
    partitions: readonly AssignedPartition[],
  ) => Promise<readonly StartPosition[]>
  /**
   * Called, and awaited, before partitions are given up. `lost`: others may have them already, and
   * nothing of them can be committed.
   */
  readonly onRevoked: (partitions: readonly TopicPartition[], lost?: boolean) => Promise<void>
  readonly member?: MemberFacts
  /** Called in each round, first. Must not throw. */
  readonly onGroup?: (view: GroupView) => void
  /**
   * Partitions whose state is to be copied here, all of them, whenever that changes: after onGroup,
   * before onAssigned. Must not throw.
   */
  readonly onStandbys?: (partitions: readonly TopicPartition[]) => void
}

export interface AssignedPartition extends TopicPartition {
  readonly committed: number | undefined
}

export interface StartPosition extends TopicPartition {
  readonly offset: number
}

export type FetchResult =
  /** Whole RecordBatches of one partition were written to target[0 … bytes). */
  | {
      readonly kind: 'batches'
      readonly topic: string
      readonly partition: number
      readonly bytes: number
      readonly highWatermark: number
    }
  /**
   * The next batch of that partition does not fit: ask again with a target of `neededBytes`, for it
   * alone.
   */
  | {
      readonly kind: 'too-small'
      readonly topic: string
      readonly partition: number
      readonly neededBytes: number
    }
  /** The consumer was closed, or the signal aborted. */
  | { readonly kind: 'closed' }

/**
 * A member of a group. Fetches overlap only where the driver says so: then a partition is given to
 * one of them at a time, in its order.
 */
export interface LogConsumer {
  /**
   * Waits until a wanted partition has records and writes whole batches of it into `target` (shared
   * memory is fine). Partitions take turns. The first batch may begin before the position (the
   * reader skips records below it); the position moves behind the last batch written. Before it
   * waits, `wants` is asked for every assigned partition, and may seek(). A partition whose topic
   * is deleted rejects once with TOPIC_DELETED (place.topic set); the other topics can be fetched
   * on.
   */
  fetch(
    target: Uint8Array,
    wants: (topic: string, partition: number) => boolean,
    signal?: AbortSignal,
  ): Promise<FetchResult>
  /** `wants` may answer differently now: looks again at once. */
  wake(): void
  /** Moves the position of an assigned partition. */
  seek(topic: string, partition: number, offset: number): void
  /**
   * Where what can be read ends now, of those of the topic's partitions that have something behind
   * their position here: before the first open transaction, where that is not read. Absent where
   * the driver cannot say.
   */
  unread?(topic: string): Promise<ReadonlyMap<number, number>>
  /** Reads the partition on by a new connection: its answers bring nothing of what is there. */
  reconnect?(topic: string, partition: number): void
  /** Stores the group's offsets (of the next record to read). */
  commit(offsets: readonly StartPosition[]): Promise<void>
  /**
   * Reads these topics from now on. Those that are new are shared out by the group's next round,
   * those that are left out are revoked; all others are read on meanwhile. A topic that was deleted
   * is read again, where it is made anew, once it was left out. Resolves when what is left out has
   * been given up: not to be awaited by onAssigned or onRevoked. CAPABILITY_MISSING where a driver
   * cannot.
   */
  subscribe(topics: readonly string[]): Promise<void>
  /** What `member` tells has changed: the partitions should be shared anew. For logs: why. */
  rejoin?(reason: string): void
  /** Leaves the group (after onRevoked of everything). */
  close(): Promise<void>
}

export interface Log {
  readonly capabilities: LogCapabilities
  /** False when it existed already (whatever its partitions). */
  createTopic(name: string, options: { partitions: number; config?: TopicConfig }): Promise<boolean>
  deleteTopic(name: string): Promise<void>
  /** All topics, by name. */
  topics(): Promise<readonly TopicInfo[]>
  /** Rejects with TOPIC_UNKNOWN. */
  topic(name: string): Promise<TopicInfo>
  /**
   * How topics that exist are kept, by name, as far as the log tells it. Absent where a driver
   * cannot say.
   */
  topicConfigs?(names: readonly string[]): Promise<ReadonlyMap<string, TopicConfig>>
  /** `latest` counts records of transactions that are still open. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>
  /** Waits for transactions that are about to change them (requireStable of KIP-447). */
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>>
  /** Forgets all offsets of a group. LOG_FAILED while it has members. */
  forgetGroup(groupId: string): Promise<void>
  producer(options?: ProducerOptions): Promise<LogProducer>
  /** CAPABILITY_MISSING without `transactions`. Aborts what its id has left open. */
  transactionalProducer(options: TransactionalProducerOptions): Promise<TransactionalProducer>
  /** Fences a producer of that id, which is as good as dead, and aborts what it has open. */
  fence(transactionalId: string): Promise<void>
  reader(options?: ReaderOptions): Promise<LogReader>
  consumer(options: ConsumerOptions): Promise<LogConsumer>
  /**
   * Records from `offset` on, up to about `maxBytes` (at least one); for tools and tests, not for
   * speed.
   */
  read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes?: number,
  ): Promise<readonly StoredRecord[]>
  /** Makes what was appended durable, and closes producers and consumers. */
  close(): Promise<void>
}
