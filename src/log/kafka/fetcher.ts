// Reads the partitions of a consumer from their brokers: knows positions and leaders, moves
// partitions to other brokers, and what is to happen when one cannot be read. Owned by
// KafkaConsumer.
import type { Clock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import { brokerError, brokerFailure } from '../../wire/broker_error.ts'
import type { FetchResult, PartitionOffsets, TopicPartition } from '../log.ts'
import { BrokerFetcher } from './broker_fetcher.ts'
import type { Purpose } from './broker_pool.ts'
import type { Cluster } from './cluster.ts'
import type { PartitionHead } from './fetch_answer.ts'
import type { FetchLimits } from './fetch_session.ts'
import { FetchSlot } from './fetch_slot.ts'
import { closedResult, type FetchCall, FetchTargets, type Wants } from './fetch_targets.ts'

export interface FetcherOptions {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly limits: Omit<FetchLimits, 'maxBytes'>
  readonly offsetOutOfRange: 'earliest' | 'latest' | 'error'
  /** First and next offsets of a topic's partitions. */
  readonly offsets: (topic: string) => Promise<readonly PartitionOffsets[]>
  readonly logger?: Logger
  /** The topic is not there any more, or is another one. */
  readonly topicLost: (topic: string) => void
}

/** How long a follower is read from before the leader is asked again. */
const replicaMs = 300_000
/** As long as a leader may take to see that a follower is gone (replica.lag.time.max.ms). */
const leaderOnlyMs = 30_000
/** A leader that moves is no news; partitions that nobody gives for so long are. */
const outageToldMs = 3000
const pauseMsMin = 50
const pauseMsMax = 1000
/** So often a topic has to be missing before it counts as deleted: brokers start with gaps. */
const missingMax = 3

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #purpose: Purpose
  readonly #targets = new FetchTargets()
  readonly #brokers = new Map<number, BrokerFetcher>()
  #cancelTelling: (() => void) | undefined
  #isOutageTold = false
  /** Those first that have waited longest. */
  #slots: FetchSlot[] = []
  #isLocating = false
  /** A broker was to read a partition that another one's answer still holds. */
  #isAwaited = false
  #cancelPause: (() => void) | undefined
  #endPause: (() => void) | undefined
  #closed = false

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#purpose = options.cluster.readerPurpose()
  }

  fetch(target: Uint8Array, wants: Wants, signal: AbortSignal | undefined): Promise<FetchResult> {
    if (this.#closed || signal?.aborted) return Promise.resolve(closedResult)
    return new Promise((resolve, reject) => {
      const settled = (): void => signal?.removeEventListener('abort', abort)
      const call: FetchCall = {
        target,
        wants,
        bound: false,
        resolve: (result) => {
          settled()
          resolve(result)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      }
      const abort = (): void => this.#abort(call)
      signal?.addEventListener('abort', abort)
      this.#targets.add(call)
      for (const broker of this.#brokers.values()) broker.targetAdded()
    })
  }

  #abort(call: FetchCall): void {
    if (!call.bound) {
      if (this.#targets.remove(call)) call.resolve(closedResult)
      return
    }
    for (const broker of this.#brokers.values()) if (broker.abandon(call)) return
  }

  /** Wanted partitions may be others now. */
  wake(): void {
    for (const broker of this.#brokers.values()) broker.pump()
  }

  /** Begins to read a partition. */
  add(place: TopicPartition, position: number): void {
    this.#slots.push(new FetchSlot(place.topic, place.partition, position))
    // those that nobody leads now wait longer and longer
    this.#endPause?.()
    void this.#locate()
  }

  /** What is on its way for these does not count any more. */
  remove(isGone: (place: TopicPartition) => boolean): void {
    for (const slot of this.#slots) if (isGone(slot)) slot.stale = true
    this.#slots = this.#slots.filter((slot) => !slot.stale)
  }

  /** False where the partition is not read here. */
  seek(topic: string, partition: number, offset: number): boolean {
    const slot = this.#slotOf(topic, partition)
    if (slot === undefined) return false
    this.#replace(slot, offset)
    return true
  }

  /** Undefined where it is not known, or the partition not read here. */
  position(topic: string, partition: number): number | undefined {
    return this.#slotOf(topic, partition)?.position
  }

  #slotOf(topic: string, partition: number): FetchSlot | undefined {
    return this.#slots.find((each) => each.topic === topic && each.partition === partition)
  }

  /** By a new connection, to whom the metadata then names. */
  reconnect(topic: string, partition: number): void {
    const slot = this.#slotOf(topic, partition)
    if (slot?.position === undefined || slot.source === undefined) return
    this.#brokers.get(slot.source)?.reconnect()
    const moved = slot.moved(slot.position)
    this.#slots[this.#slots.indexOf(slot)] = moved
    moved.replica = undefined
    this.#lose(moved)
  }

  /** The next fetch rejects with it. */
  fail(error: unknown): void {
    this.#targets.fail(error)
  }

  /** Ends the fetches that wait. */
  close(): void {
    this.#closed = true
    this.#cancelTelling?.()
    this.remove(() => true)
    for (const broker of this.#brokers.values()) broker.close()
    this.#options.cluster.release(this.#purpose)
    this.#targets.close()
    this.#endPause?.()
  }

  #replace(slot: FetchSlot, position: number): void {
    this.#slots[this.#slots.indexOf(slot)] = slot.moved(position)
    this.wake()
  }

  #brokerOf(nodeId: number): BrokerFetcher {
    let broker = this.#brokers.get(nodeId)
    if (broker === undefined) {
      const { cluster, clock, limits } = this.#options
      broker = new BrokerFetcher({
        clock,
        targets: this.#targets,
        limits,
        connect: () => cluster.connection(nodeId, this.#purpose),
        slots: () => this.#readFrom(nodeId),
        answered: () => this.#answered(),
        served: (slot) => this.#served(slot),
        turnedAway: (slot, head) => this.#turnedAway(slot, head),
        unreadable: (slot) => this.#unreadable(slot),
        failed: (error) => this.#brokerFailed(nodeId, error),
      })
      this.#brokers.set(nodeId, broker)
    }
    return broker
  }

  #readFrom(nodeId: number): FetchSlot[] {
    const nowMs = this.#options.clock.monotonic()
    const slots: FetchSlot[] = []
    for (const slot of this.#slots) {
      if (slot.source !== nodeId || slot.position === undefined || slot.retryAtMs > nowMs) continue
      if (slot.inFlight) this.#isAwaited = true
      else if (slot.replica !== undefined && nowMs >= slot.replicaUntilMs) this.#leaveReplica(slot)
      else slots.push(slot)
    }
    return slots
  }

  /** The leader has nothing to do, perhaps, and waits to be told. */
  #leaveReplica(slot: FetchSlot): void {
    slot.replica = undefined
    if (slot.leader !== undefined) this.#brokerOf(slot.leader).pump()
  }

  /** An answer is through: what it held up can be asked for elsewhere. */
  #answered(): void {
    if (!this.#isAwaited) return
    this.#isAwaited = false
    this.wake()
  }

  /** Others come first from now on. */
  #served(slot: FetchSlot): void {
    slot.failures = 0
    if (this.#isOutageTold) this.#options.logger?.info({}, 'partitions are read again')
    this.#isOutageTold = false
    const at = this.#slots.indexOf(slot)
    this.#slots.splice(at, 1)
    this.#slots.push(slot)
  }

  #turnedAway(slot: FetchSlot, head: PartitionHead): void {
    const { errorCode, preferredReadReplica } = head
    if (errorCode === 0) {
      slot.replica = preferredReadReplica
      slot.replicaUntilMs = this.#options.clock.monotonic() + replicaMs
      this.#brokerOf(preferredReadReplica).pump()
    } else if (slot.replica !== undefined) {
      // whatever a follower says, its leader knows better
      slot.replica = undefined
      this.#lose(slot)
    } else if (errorCode === brokerCode.OFFSET_OUT_OF_RANGE) void this.#reset(slot)
    else if (brokerError(errorCode)?.retriable) this.#lose(slot)
    else {
      const { topic, partition, position: offset } = slot
      slot.position = undefined
      this.fail(brokerFailure(errorCode, 'reading a partition', { topic, partition, offset }))
    }
  }

  #unreadable(slot: FetchSlot): void {
    const { topic, partition, position: offset } = slot
    slot.position = undefined
    const message = 'what the broker has there is no RecordBatch (messages of before Kafka 0.11?)'
    this.fail(new EuphorionError('BATCH_CORRUPT', message, { place: { topic, partition, offset } }))
  }

  /** The position is not in the log. */
  async #reset(slot: FetchSlot): Promise<void> {
    const { offsetOutOfRange, offsets } = this.#options
    const { topic, partition, position: offset } = slot
    slot.position = undefined
    if (offsetOutOfRange === 'error') {
      const message = `offset ${offset} is not in the log`
      const place = { topic, partition, offset }
      this.fail(new EuphorionError('OFFSET_OUT_OF_RANGE', message, { place }))
      return
    }
    try {
      const position = (await offsets(topic))[partition][offsetOutOfRange]
      if (slot.stale) return
      if (this.#isRemade(slot)) this.#loseTopic(topic)
      else this.#replace(slot, position)
    } catch {
      // asked again, and again out of range
      slot.position = offset
      this.#lose(slot)
    }
  }

  /** Looks where the partition is read from now, after a pause that grows. */
  #lose(slot: FetchSlot): void {
    slot.leader = undefined
    slot.pause(this.#options.clock.monotonic(), pauseMsMin, pauseMsMax)
    void this.#locate()
  }

  #brokerFailed(nodeId: number, error: unknown): void {
    this.#tellLater(error)
    // what is no error of the world is a mistake of ours: it must not be tried for ever in silence
    const isPassing = error instanceof EuphorionError && error.retriable
    if (!isPassing) this.fail(error)
    for (const slot of this.#slots) {
      if (slot.replica === nodeId) {
        slot.replica = undefined
        slot.leaderOnlyUntilMs = this.#options.clock.monotonic() + leaderOnlyMs
      } else if (slot.leader !== nodeId) continue
      this.#lose(slot)
    }
  }

  /** Says once what keeps partitions from being read, unless that is soon over. */
  #tellLater(error: unknown): void {
    if (this.#cancelTelling !== undefined || this.#isOutageTold || this.#closed) return
    const { clock } = this.#options
    this.#cancelTelling = clock.after(outageToldMs, () => {
      this.#cancelTelling = undefined
      const nowMs = clock.monotonic()
      const isLost = ({ leader, retryAtMs }: FetchSlot) => leader === undefined || retryAtMs > nowMs
      const partitions = this.#slots.filter(isLost).length
      if (partitions === 0) return
      this.#isOutageTold = true
      const message = 'partitions cannot be read for now; trying on'
      this.#options.logger?.warn({ partitions, err: error }, message)
    })
  }

  /**
   * Finds the leaders of all partitions that have none, and wakes brokers when pauses of partitions
   * are over. One such loop at a time.
   */
  async #locate(): Promise<void> {
    if (this.#isLocating) return
    this.#isLocating = true
    const missing = new Map<string, number>()
    await undefined
    for (let round = 0; !this.#closed; round++) {
      const lost = this.#slots.filter((slot) => slot.leader === undefined)
      if (lost.length > 0) {
        const isKnown = round === 0 && lost.every((slot) => slot.failures === 0)
        await this.#look([...new Set(lost.map(({ topic }) => topic))], !isKnown, missing)
        for (const slot of lost) this.#place(slot)
      }
      this.wake()
      const isFound = lost.every((slot) => slot.stale || slot.leader !== undefined)
      const waitMs = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(10, round))
      const pauseMs = isFound ? this.#untilNextRetryMs() : waitMs
      if (pauseMs > 0) await this.#pause(pauseMs)
      else if (this.#slots.every((slot) => slot.leader !== undefined)) break
    }
    this.#isLocating = false
  }

  /** 0: no partition waits for its pause to be over. */
  #untilNextRetryMs(): number {
    const nowMs = this.#options.clock.monotonic()
    let soonest = Number.POSITIVE_INFINITY
    for (const { retryAtMs } of this.#slots)
      if (retryAtMs > nowMs) soonest = Math.min(soonest, retryAtMs)
    return soonest === Number.POSITIVE_INFINITY ? 0 : soonest - nowMs
  }

  #place(slot: FetchSlot): void {
    if (this.#isRemade(slot)) this.#loseTopic(slot.topic)
    const leader = this.#options.cluster.leader(slot.topic, slot.partition)
    if (leader === undefined || slot.stale) return
    slot.leader = leader.nodeId
    slot.leaderEpoch = leader.epoch
    this.#brokerOf(leader.nodeId)
  }

  /** Its topic is another one than when it was first read. */
  #isRemade(slot: FetchSlot): boolean {
    const topic = this.#options.cluster.topic(slot.topic)
    if (topic === undefined) return false
    slot.topicId ??= topic.id
    return slot.topicId !== topic.id
  }

  /**
   * Metadata of all topics at once, and where one of them is unknown once more of those that are. A
   * cluster that does not answer is asked again later.
   */
  async #look(
    topics: readonly string[],
    refresh: boolean,
    missing: Map<string, number>,
  ): Promise<void> {
    try {
      await this.#options.cluster.metadata(topics, { refresh })
    } catch (error) {
      const isUnknown = error instanceof EuphorionError && error.code === 'TOPIC_UNKNOWN'
      if (!isUnknown) return
      if (topics.length === 1) this.#missed(topics[0], missing)
      else for (const topic of topics) await this.#look([topic], false, missing)
    }
  }

  #missed(topic: string, missing: Map<string, number>): void {
    const times = (missing.get(topic) ?? 0) + 1
    missing.set(topic, times)
    if (times >= missingMax) this.#loseTopic(topic)
  }

  #loseTopic(topic: string): void {
    this.remove((place) => place.topic === topic)
    this.#options.topicLost(topic)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#endPause = () => {
        this.#cancelPause?.()
        resolve()
      }
      this.#cancelPause = this.#options.clock.after(ms, resolve)
    })
  }
}
