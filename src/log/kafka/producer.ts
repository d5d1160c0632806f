// Appends to Kafka: idempotent and acknowledged by all replicas. A batch is sent until the broker
// has said what became of it, or its time is over. Made by KafkaLog.
//
//   append ─▶ PartitionQueue ─first batch─▶ ProduceBroker of its leader ─▶ answer ─▶ verdict
//                   ▲                                                               │
//                   └──────────── later, leaders looked up: again, renumbered ──────┘
import assert from 'node:assert/strict'
import { type Clock, type Random, systemClock, systemRandom } from '../../clock.ts'
import { type ErrorCode, EuphorionError } from '../../errors.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import { brokerError, brokerFailure } from '../../wire/broker_error.ts'
import type { Compression } from '../../wire/compression.ts'
import { encodeBatch } from '../../wire/record_batch.ts'
import type { ProducedPartition } from '../../wire/requests/produce.ts'
import { isRefusedAlone, unknownTopic } from '../failures.ts'
import type { LogProducer, LogRecord, StoredBatch } from '../log.ts'
import { type Backoff, pauseMs, transactionBackoff } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import { PartitionQueue, type PendingBatch } from './partition_queue.ts'
import { ProduceBroker } from './produce_broker.ts'
import { produceVerdict } from './produce_verdict.ts'
import { type IdentityCluster, ProducerIdentities } from './producer_identity.ts'
import type { ProducerSession } from './producer_session.ts'

/** The part of Cluster that a producer needs. */
export type ProducerCluster = IdentityCluster &
  Pick<Cluster, 'topic' | 'leader' | 'setLeader' | 'metadata' | 'refresh' | 'connection'>

export interface KafkaProducerOptions {
  /** Of append(). Default 'none'. Others need prepareCompression of wire/compression.ts first. */
  readonly compression?: Compression
  /** ms from append to the answer, tries included; then it rejects. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** ms for one answer. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Between tries. Default 100 ms to 1 s. */
  readonly retryBackoff?: Backoff
  readonly clock?: Clock
  readonly random?: Random
}

const deliveryTimeoutMsDefault = 120_000
const requestTimeoutMsDefault = 30_000
const retryBackoffDefault: Backoff = { firstMs: 100, mostMs: 1000 }
/** What the cluster throws that may be over after a while. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  'BROKER_UNREACHABLE',
  'LOG_FAILED',
  'PROTOCOL_VIOLATED',
])

export class KafkaProducer implements LogProducer {
  readonly #cluster: ProducerCluster
  readonly #options: KafkaProducerOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #session: ProducerSession
  readonly #onClosed: () => void
  readonly #queues = new Map<string, PartitionQueue>()
  readonly #brokers = new Map<number, ProduceBroker>()
  readonly #pending = new Set<Promise<StoredBatch>>()
  #closing: Promise<void> | undefined

  constructor(
    cluster: ProducerCluster,
    options: KafkaProducerOptions = {},
    onClosed: () => void = () => {},
    session: ProducerSession = new ProducerIdentities(cluster),
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#session = session
    this.#onClosed = onClosed
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    assert(records.length > 0, 'an append has at least one record')
    const { compression } = this.#options
    const encode = () => encodeBatch(records, { compression })
    return (await this.#append(topic, partition, encode)).offset
  }

  appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    return this.#append(topic, partition, () => batch)
  }

  /** All that was appended is stored or refused. */
  get isIdle(): boolean {
    return this.#pending.size === 0
  }

  /** Resolves when all that was appended is stored or refused. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending)
  }

  /** As settled(); nothing is taken any more. */
  close(): Promise<void> {
    this.#closing ??= this.settled().then(() => this.#onClosed())
    return this.#closing
  }

  #append(topic: string, partition: number, encode: () => Uint8Array): Promise<StoredBatch> {
    if (this.#closing)
      return Promise.reject(new EuphorionError('LOG_FAILED', 'the producer was closed'))
    if (this.#session.failure !== undefined) return Promise.reject(this.#session.failure)
    const { deliveryTimeoutMs = deliveryTimeoutMsDefault } = this.#options
    const deadlineMs = this.#clock.monotonic() + deliveryTimeoutMs
    const queue = this.#queue(topic, partition)
    const stored = new Promise<StoredBatch>((resolve, reject) => {
      queue.waiting.push({ encode, deadlineMs, resolve, reject })
    })
    this.#pending.add(stored)
    const forget = () => void this.#pending.delete(stored)
    stored.then(forget, forget)
    this.#next(queue)
    return stored
  }

  #queue(topic: string, partition: number): PartitionQueue {
    const key = `${partition} ${topic}`
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition)
      this.#queues.set(key, queue)
    }
    return queue
  }

  /** Takes up the first batch of the queue, unless that is under way. */
  #next(queue: PartitionQueue): void {
    if (queue.isBusy || queue.waiting.length === 0) return
    if (this.#session.failure !== undefined) {
      this.#rejectAll(queue, this.#session.failure)
      return
    }
    queue.isBusy = true
    const leader = this.#cluster.leader(queue.topic, queue.partition)
    if (leader !== undefined && this.#session.isReady(queue)) this.#broker(leader.nodeId).add(queue)
    else void this.#lookUp(queue)
  }

  /** Learns who leads the partition, and in whose name it is written; then sends. Never rejects. */
  async #lookUp(queue: PartitionQueue): Promise<void> {
    const { topic, partition } = queue
    let isAlone = !queue.isSent
    try {
      const [{ leaders }] = await this.#cluster.metadata([topic])
      if (leaders[partition] === undefined) throw unknownTopic({ topic, partition })
      if (!this.#session.isReady(queue)) {
        isAlone = false
        await this.#session.prepare(queue)
      }
    } catch (error) {
      this.#failed(queue, error, isAlone)
      return
    }
    const leader = this.#cluster.leader(topic, partition)
    if (leader !== undefined) this.#broker(leader.nodeId).add(queue)
    else this.#failed(queue, new EuphorionError('LOG_FAILED', 'the partition has no leader now'))
  }

  #broker(nodeId: number): ProduceBroker {
    let broker = this.#brokers.get(nodeId)
    if (broker === undefined) {
      broker = new ProduceBroker({
        session: this.#session,
        requestTimeoutMs: this.#options.requestTimeoutMs ?? requestTimeoutMsDefault,
        connect: () => this.#cluster.connection(nodeId, 'produce'),
        bytesOf: (queue) => this.#bytesOf(queue),
        answered: (queue, answer) => this.#answered(queue, answer),
        failed: (queue, error, wasSent) => {
          // What was not sent can be numbered under whatever identity counts then.
          if (!wasSent && queue.failures === 0) queue.renumber()
          this.#failed(queue, error)
        },
      })
      this.#brokers.set(nodeId, broker)
    }
    return broker
  }

  #bytesOf(queue: PartitionQueue): Uint8Array | undefined {
    const { current, failure } = this.#session
    try {
      if (failure !== undefined) throw failure
      if (current !== undefined || queue.isSent) return queue.stamp(current!)
    } catch (error) {
      this.#refuse(queue, error)
      return undefined
    }
    void this.#lookUp(queue)
    return undefined
  }

  #answered(queue: PartitionQueue, answer: ProducedPartition): void {
    const { topic, partition } = queue
    const { errorCode, baseOffset, logAppendTimeMs, currentLeader } = answer
    const verdict = produceVerdict(errorCode, answer.logStartOffset)
    if (verdict === 'stored') {
      const appendTimeMs = logAppendTimeMs < 0 ? undefined : logAppendTimeMs
      queue.settle(true).resolve({ offset: baseOffset, appendTimeMs })
      this.#next(queue)
      return
    }
    const said = answer.recordErrors[0]?.message ?? answer.errorMessage
    const failure = brokerFailure(errorCode, `appending to ${topic}`, { topic, partition }, said)
    // what a transaction has lost it does not get back
    const isLost = verdict === 'renumbered' && this.#session.transactionalId !== null
    if (verdict === 'refused' || isLost) {
      this.#refuse(queue, failure, isRefusedAlone(failure))
      return
    }
    if (verdict === 'renumbered') {
      this.#session.raise(queue.identity!)
      queue.renumber()
    }
    const isMoved = currentLeader !== undefined && currentLeader.leaderId >= 0
    if (isMoved)
      this.#cluster.setLeader(topic, partition, {
        nodeId: currentLeader.leaderId,
        epoch: currentLeader.leaderEpoch,
      })
    const lookUp = !isMoved && brokerError(errorCode)!.lookUp === 'metadata'
    const isSoonOver = errorCode === brokerCode.CONCURRENT_TRANSACTIONS
    this.#again(queue, failure, lookUp, isSoonOver ? transactionBackoff : undefined)
  }

  #failed(queue: PartitionQueue, error: unknown, isAlone = false): void {
    const code = error instanceof EuphorionError ? error.code : 'LOG_FAILED'
    if (passingCodes.has(code)) this.#again(queue, error, true)
    else this.#refuse(queue, error, isAlone)
  }

  /** Sends the first batch again after a pause, if there is time for it. */
  #again(
    queue: PartitionQueue,
    error: unknown,
    lookUp: boolean,
    backoff = this.#options.retryBackoff ?? retryBackoffDefault,
  ): void {
    queue.failures++
    const waitMs = pauseMs(backoff, queue.failures, this.#random)
    const [{ deadlineMs }] = queue.waiting
    if (this.#clock.monotonic() + waitMs > deadlineMs) {
      this.#refuse(queue, this.#tooLate(queue, error))
      return
    }
    this.#clock.after(waitMs, () => void this.#resume(queue, lookUp))
  }

  async #resume(queue: PartitionQueue, lookUp: boolean): Promise<void> {
    // Without an answer the old leader is asked again, and says so if it is none.
    if (lookUp) await this.#cluster.refresh([queue.topic]).catch(() => {})
    queue.isBusy = false
    this.#next(queue)
  }

  /**
   * Rejects the first batch. Whether it is stored may be unknown: its number is not used again.
   * Where it is refused `alone`, before it got there, a transaction goes on with that number.
   */
  #refuse(queue: PartitionQueue, error: unknown, alone = false): void {
    if (!alone || this.#session.transactionalId === null) {
      if (queue.isSent) this.#session.raise(queue.identity!)
      this.#session.refused(error)
    }
    queue.settle(false).reject(error)
    this.#rejectLate(queue)
    this.#next(queue)
  }

  #rejectAll(queue: PartitionQueue, error: Error): void {
    if (queue.isSent) this.#session.raise(queue.identity!)
    while (queue.waiting.length > 0) queue.settle(false).reject(error)
  }

  /** Those behind a batch that was tried for long have waited as long. */
  #rejectLate(queue: PartitionQueue): void {
    const nowMs = this.#clock.monotonic()
    while (queue.waiting.length > 0 && queue.waiting[0].deadlineMs <= nowMs) {
      const late: PendingBatch = queue.settle(false)
      late.reject(this.#tooLate(queue, undefined))
    }
  }

  #tooLate({ topic, partition }: PartitionQueue, cause: unknown): EuphorionError {
    const { deliveryTimeoutMs = deliveryTimeoutMsDefault } = this.#options
    const reason = cause instanceof Error ? `: ${cause.message}` : ''
    return new EuphorionError(
      'LOG_FAILED',
      `nobody has confirmed a batch in ${deliveryTimeoutMs} ms${reason}`,
      { cause, place: { topic, partition } },
    )
  }
}
