// A consumer's membership in its group through kafkajs: joins, revokes, finds positions, starts
// again after a crash of kafkajs, and drops topics that were deleted. Owned by KafkajsConsumer.
//
//   joined ──▶ onAssigned ──▶ positions found, lanes open ──▶ (kafkajs wants to rejoin)
//      ▲                                                            │ lanes close, onRevoked
//      └──── JoinGroup ◀── the assignor's gate opens ◀──────────────┘
//
// Callbacks and the finding of positions run one at a time in #work, in the order of their causes.

import type { Consumer, EachBatchPayload, LogEntry } from 'kafkajs'
import { EuphorionError } from '../../errors.ts'
import { outOfRange, topicDeleted } from '../failures.ts'
import type { ConsumerOptions, StartPosition } from '../log.ts'
import { ownView } from '../own_view.ts'
import { partitionKey } from '../partition_key.ts'
import { gatedAssignor } from './assignor.ts'
import { asLogError, kafkaErrorType } from './failures.ts'
import { Lane } from './lane.ts'
import type { MembershipPorts } from './membership_ports.ts'

const maxBytesDefault = 1024 * 1024
/**
 * kafkajs makes an object of every record of a fetch: larger fetches are slower, and 256 KiB keep
 * 150 MiB of garbage from piling up.
 */
const partitionBytesMax = 256 * 1024
/** A fetch waits so long for the first byte; it is also how soon a resumed partition is fetched. */
const maxWaitMs = 100
/**
 * How long a batch nobody wants keeps its kafkajs worker, and with it the next fetch of all others.
 */
const lingerMs = 50
const backoffMaxMs = 5000
/**
 * Workers of kafkajs, more than a member's partitions as a rule: then no batch waits for another.
 */
const workers = 256

export class Membership {
  lanes: readonly Lane[] = []
  readonly #options: ConsumerOptions
  readonly #ports: MembershipPorts
  #topics: readonly string[]
  #consumer: Consumer | undefined
  /** Lanes that the user was told of. */
  #held: readonly Lane[] = []
  /** Held when the last membership ended. */
  #lost: readonly Lane[] = []
  #work: Promise<void> = Promise.resolve()
  #pendingWork = 0
  #crashes = 0
  #joined = false
  #checking = false
  #closing = false

  constructor(options: ConsumerOptions, ports: MembershipPorts) {
    this.#options = options
    this.#ports = ports
    this.#topics = options.topics
  }

  /** Connects; joining goes on behind it. */
  async start(): Promise<void> {
    const { groupId, maxBytes = maxBytesDefault, offsetOutOfRange = 'earliest' } = this.#options
    const { sessionTimeoutMs } = this.#ports
    const kafka = this.#ports.makeClient((entry) => this.#onLog(consumer, entry), 8)
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.max(100, Math.min(1000, Math.floor(sessionTimeoutMs / 4))),
      partitionAssigners: [gatedAssignor(() => this.#mayJoin(consumer))],
      maxBytesPerPartition: Math.min(maxBytes, partitionBytesMax),
      maxBytes: Math.max(maxBytes, 10 * maxBytesDefault),
      maxWaitTimeInMs: maxWaitMs,
      allowAutoTopicCreation: false,
      retry: {
        retries: 8,
        initialRetryTime: 50,
        maxRetryTime: 500,
        restartOnFailure: async () => false,
      },
    })
    const { events } = consumer
    consumer.on(events.GROUP_JOIN, ({ payload }) => this.#onJoin(consumer, payload))
    consumer.on(events.CRASH, ({ payload }) => this.#onCrash(consumer, payload.error))
    this.#consumer = consumer
    try {
      await consumer.connect()
      await consumer.subscribe({
        topics: [...this.#topics],
        fromBeginning: offsetOutOfRange !== 'latest',
      })
    } catch (error) {
      if (this.#consumer === consumer) this.#consumer = undefined
      await consumer.disconnect().catch(() => {})
      throw error
    }
    // Closed meanwhile: what disconnected it came before it was connected.
    if (this.#consumer !== consumer) return void (await consumer.disconnect().catch(() => {}))
    consumer
      .run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: workers,
        eachBatch: (payload) => this.#onBatch(consumer, payload),
      })
      .catch((error) => {
        void consumer.disconnect().catch(() => {})
        this.#onCrash(consumer, error)
      })
  }

  #mayJoin(consumer: Consumer): boolean {
    if (consumer !== this.#consumer) return true
    if (this.#pendingWork === 0 && this.#held.length > 0) this.#revoke()
    return this.#pendingWork === 0
  }

  /** No batch is handed out from now on; the callback follows. Resolves with its error. */
  #revoke(): Promise<unknown> {
    for (const lane of this.lanes) lane.close()
    this.lanes = []
    this.#ports.changed()
    return this.#enqueue(async () => {
      const held = this.#held
      this.#held = []
      if (held.length > 0)
        await this.#options.onRevoked(held.map(({ topic, partition }) => ({ topic, partition })))
    })
  }

  /**
   * Runs after what was enqueued before. Errors end the consumer, unless it has lost its group
   * anyway.
   */
  #enqueue(work: () => Promise<void>): Promise<unknown> {
    this.#pendingWork++
    const done = this.#work.then(work).then(
      () => undefined,
      (error: Error) => {
        if (this.#consumer && !this.#closing) this.#ports.failed(error, true)
        return error
      },
    )
    this.#work = done.then(() => {
      this.#pendingWork--
    })
    return done
  }

  #onJoin(
    consumer: Consumer,
    { memberAssignment }: { memberAssignment: Record<string, number[]> },
  ): void {
    if (consumer !== this.#consumer || this.#closing) return
    this.#crashes = 0
    this.#joined = true
    const lanes = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => new Lane(topic, partition)),
    )
    for (const lane of this.lanes) lane.close()
    this.lanes = lanes
    this.#options.onGroup?.(ownView(this.#options.member, lanes))
    // Called within kafkajs's join, before its next fetch: so nothing comes before the positions
    // are known.
    for (const lane of lanes) this.#pause(lane)
    if (lanes.length > 0) void this.#enqueue(() => this.#assign(lanes))
  }

  async #assign(lanes: readonly Lane[]): Promise<void> {
    const { groupId, onAssigned } = this.#options
    const committed = await this.#ask(lanes, (topic) => this.#ports.committed(groupId, topic))
    if (!committed || lanes.some((lane) => lane.gone)) return
    this.#held = lanes
    const assigned = lanes.map(({ topic, partition }) => ({
      topic,
      partition,
      committed: committed.get(topic)!.get(partition),
    }))
    const starts = await onAssigned(assigned)
    const chosen = new Map(starts.map((start) => [partitionKey(start), start.offset]))
    await this.#place(
      lanes,
      assigned.map((one) => chosen.get(partitionKey(one)) ?? one.committed),
    )
  }

  /** Opens lanes where they are to begin; undefined: where `startFrom` says. */
  async #place(lanes: readonly Lane[], wanted: readonly (number | undefined)[]): Promise<void> {
    const { startFrom = 'earliest', offsetOutOfRange = 'earliest' } = this.#options
    const seeks = lanes.map((lane) => lane.seeks)
    const ranges = await this.#ask(lanes, (topic) => this.#ports.offsets(topic))
    if (!ranges) return
    for (const [index, lane] of lanes.entries()) {
      if (lane.gone || lane.seeks !== seeks[index]) continue
      const { topic, partition } = lane
      const range = ranges.get(topic)!.find((one) => one.partition === partition)
      if (!range) continue
      let offset = wanted[index] ?? range[startFrom]
      if (offset < range.earliest || offset > range.latest) {
        if (offsetOutOfRange === 'error') {
          this.#ports.failed(outOfRange(lane, offset, range), false)
          continue
        }
        offset = range[offsetOutOfRange]
      }
      lane.position = offset
      this.#consumer?.seek({ topic, partition, offset: String(offset) })
      lane.open = true
      this.#resume(lane)
    }
  }

  /** An answer of the broker for each topic; undefined, and a new start, where one fails. */
  async #ask<T>(
    lanes: readonly Lane[],
    question: (topic: string) => Promise<T>,
  ): Promise<ReadonlyMap<string, T> | undefined> {
    const consumer = this.#consumer
    const answers = new Map<string, T>()
    try {
      for (const topic of new Set(lanes.map((lane) => lane.topic)))
        answers.set(topic, await question(topic))
      return answers
    } catch (error) {
      if (consumer && consumer === this.#consumer && !this.#closing) {
        void consumer.disconnect().catch(() => {})
        this.#onCrash(consumer, error as Error)
      }
      return undefined
    }
  }

  seek(lane: Lane, offset: number): void {
    lane.seeks++
    lane.open = false
    lane.empty()
    this.#pause(lane)
    void this.#enqueue(() => this.#place([lane], [offset]))
  }

  /**
   * Holds on to the batch until it was handed out; other partitions are fetched on after
   * `lingerMs`.
   */
  async #onBatch(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { topic, partition } = payload.batch
    const lane = this.lanes.find((one) => one.topic === topic && one.partition === partition)
    if (consumer !== this.#consumer || !lane?.fill(payload)) return
    const emptied = lane.emptied()
    this.#ports.changed()
    let cancel = () => {}
    const lingered = new Promise<void>((resolve) => {
      cancel = this.#ports.clock.after(lingerMs, resolve)
    })
    await Promise.race([emptied, lingered])
    cancel()
    if (lane.messages !== undefined && !lane.gone) this.#pause(lane)
  }

  /** The lane's batch was handed out. */
  emptied(lane: Lane): void {
    lane.empty()
    this.#resume(lane)
  }

  #pause(lane: Lane): void {
    lane.paused = true
    this.#consumer?.pause([{ topic: lane.topic, partitions: [lane.partition] }])
  }

  #resume(lane: Lane): void {
    if (!lane.paused || lane.gone) return
    lane.paused = false
    this.#consumer?.resume([{ topic: lane.topic, partitions: [lane.partition] }])
  }

  /** Some failures show nowhere but in what kafkajs would print. */
  #onLog(consumer: Consumer, { log }: LogEntry): void {
    if (consumer !== this.#consumer) return
    if (String(log.error).includes('does not host this topic-partition')) void this.#checkTopics()
    const lane =
      log.message === 'Offset out of range, resetting to default offset' &&
      this.lanes.find((one) => one.topic === log.topic && one.partition === log.partition)
    if (!lane) return
    if (this.#options.offsetOutOfRange === 'error') {
      lane.open = false
      this.#ports.failed(outOfRange(lane, lane.position), false)
    } else this.seek(lane, lane.position)
  }

  async #checkTopics(): Promise<void> {
    if (this.#checking || this.#closing) return
    this.#checking = true
    try {
      const existing = await this.#ports.topicNames()
      const consumer = this.#consumer
      if (!consumer || this.#topics.every((topic) => existing.has(topic))) return
      this.#lose()
      await consumer.disconnect()
      await this.#recover()
    } catch {
      // The broker does not answer: then kafkajs crashes too, and that is followed up.
    } finally {
      this.#checking = false
    }
  }

  #onCrash(consumer: Consumer, error: Error): void {
    if (consumer !== this.#consumer || this.#closing) return
    this.#lose()
    this.#crashes++
    if (
      this.#crashes > this.#ports.retries &&
      kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION'
    )
      this.#ports.failed(asLogError(error, this.#ports.brokers), false)
    void this.#recover()
  }

  /**
   * What was held is lost: there is no way to commit any more, so a revoke that fails is no news.
   */
  #lose(): void {
    this.#consumer = undefined
    this.#joined = false
    this.#lost = this.#held
    void this.#revoke()
  }

  #dropTopics(deleted: readonly string[]): void {
    this.#topics = this.#topics.filter((topic) => !deleted.includes(topic))
    for (const { topic, partition } of this.#lost)
      if (deleted.includes(topic)) this.#ports.failed(topicDeleted({ topic, partition }), false)
    this.#lost = []
  }

  /** A new kafkajs consumer, for the topics that are left; tries until there is one or close(). */
  async #recover(): Promise<void> {
    for (let attempt = 0; !this.#closing; attempt++) {
      if (attempt + this.#crashes > 1) await this.#pauseFor(attempt + this.#crashes)
      try {
        const existing = await this.#ports.topicNames()
        this.#dropTopics(this.#topics.filter((topic) => !existing.has(topic)))
        await this.#work
        if (this.#closing || this.#topics.length === 0) return
        await this.start()
        if (this.#closing) await this.#disconnect()
        return
      } catch (error) {
        if (attempt >= this.#ports.retries)
          this.#ports.failed(asLogError(error, this.#ports.brokers), false)
      }
    }
  }

  #pauseFor(attempt: number): Promise<void> {
    const ms = Math.min(100 * 2 ** Math.min(attempt, 10), backoffMaxMs)
    return new Promise((resolve) => this.#ports.clock.after(ms, resolve))
  }

  async commit(offsets: readonly StartPosition[]): Promise<void> {
    if (offsets.length === 0) return
    if (!this.#consumer || !this.#joined)
      throw new EuphorionError('LOG_FAILED', `not a member of group '${this.#options.groupId}' now`)
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ topic, partition, offset }) => ({
          topic,
          partition,
          offset: String(offset),
        })),
      )
    } catch (error) {
      throw asLogError(error, this.#ports.brokers)
    }
  }

  /** Revokes, then leaves the group. Rejects with what onRevoked rejected with. */
  async close(): Promise<void> {
    this.#closing = true
    const error = await this.#revoke()
    await this.#disconnect()
    if (error) throw error
  }

  async #disconnect(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = undefined
    await consumer?.disconnect().catch(() => {})
  }
}
