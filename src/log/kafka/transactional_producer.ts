// Appends to Kafka that count together: the ordinary producer in the name of a transactional id,
// and the ends of its transactions. Made by KafkaLog.
import assert from 'node:assert/strict'
import { type Clock, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type {
  LogConsumer,
  LogRecord,
  StartPosition,
  StoredBatch,
  TransactionalProducer,
} from '../log.ts'
import { KafkaConsumer } from './consumer.ts'
import { KafkaProducer, type KafkaProducerOptions, type ProducerCluster } from './producer.ts'
import { type TransactionCluster, TransactionRequests } from './transaction_requests.ts'
import { TransactionSession } from './transaction_session.ts'

export interface KafkaTransactionsOptions extends KafkaProducerOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
}

/** An outcome is asked for longer than brokers take to restart. */
const endTimeoutMsDefault = 120_000
/** A coordinator that is away must not keep a process from ending. */
const closeTimeoutMs = 5000

export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #session: TransactionSession
  readonly #producer: KafkaProducer
  readonly #clock: Clock
  readonly #onClosed: () => void
  /** Calls of commitOffsets() under way. */
  readonly #offsets = new Set<Promise<void>>()
  /** Resolves when a commit or an abort under way is over, however. */
  #ending: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** Fences those who had the id before. */
  static async open(
    cluster: ProducerCluster & TransactionCluster,
    options: KafkaTransactionsOptions,
    onClosed: () => void,
  ): Promise<KafkaTransactionalProducer> {
    const { transactionalId, transactionTimeoutMs, deliveryTimeoutMs } = options
    const endTimeoutMs = deliveryTimeoutMs ?? endTimeoutMsDefault
    const requests = new TransactionRequests(cluster, {
      transactionalId,
      transactionTimeoutMs,
      endTimeoutMs,
    })
    const session = await TransactionSession.begin({
      transactionalId,
      requests,
      leaderOf: ({ topic, partition }) => cluster.leader(topic, partition)?.nodeId,
    })
    const producer = new KafkaProducer(
      cluster,
      // a batch that comes later has no transaction any more
      { ...options, deliveryTimeoutMs: Math.min(endTimeoutMs, transactionTimeoutMs) },
      undefined,
      session,
    )
    return new KafkaTransactionalProducer(session, producer, options.clock, onClosed)
  }

  private constructor(
    session: TransactionSession,
    producer: KafkaProducer,
    clock: Clock | undefined,
    onClosed: () => void,
  ) {
    this.#session = session
    this.#producer = producer
    this.#clock = clock ?? systemClock
    this.#onClosed = onClosed
  }

  get isOpen(): boolean {
    return this.#session.isOpen
  }

  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    return this.#within(() => this.#producer.append(topic, partition, records))
  }

  appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    return this.#within(() => this.#producer.appendBatch(topic, partition, batch))
  }

  commitOffsets(consumer: LogConsumer, offsets: readonly StartPosition[]): Promise<void> {
    assert(consumer instanceof KafkaConsumer, 'the consumer is of another log')
    return this.#within(() => {
      const stored = this.#commitOffsets(consumer, offsets)
      const forget = () => void this.#offsets.delete(stored)
      this.#offsets.add(stored)
      stored.then(forget, forget)
      return stored
    })
  }

  async #commitOffsets(consumer: KafkaConsumer, offsets: readonly StartPosition[]): Promise<void> {
    try {
      await consumer.commitBy(offsets, this.#session.sendOffsets)
    } catch (error) {
      this.#session.refused(error)
      throw error
    }
  }

  /** In the open transaction, or in the next one, after what was called before. */
  #within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ending !== undefined) return this.#ending.then(() => this.#within(work))
    try {
      this.#checkOpen()
      this.#session.begin()
    } catch (error) {
      return Promise.reject(error)
    }
    return work()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new EuphorionError('LOG_FAILED', 'the producer was closed')
  }

  async commit(): Promise<void> {
    this.#checkOpen()
    assert(this.#ending === undefined, 'the transaction is being ended')
    const { failure } = this.#session
    if (this.#session.isOver) throw failure
    if (!this.isOpen) return
    assert(failure !== undefined || this.#isSettled, 'something was not acknowledged yet')
    await this.#end(() => this.#session.commit())
  }

  abort(): Promise<void> {
    return this.#closing ?? this.#abort()
  }

  async #abort(): Promise<void> {
    while (this.#ending !== undefined) await this.#ending
    if (this.isOpen) await this.#end(() => this.#session.abort())
  }

  get #isSettled(): boolean {
    return this.#producer.isIdle && this.#offsets.size === 0
  }

  /** Nothing of the transaction is on its way any more when it is ended. */
  async #end(end: () => Promise<void>): Promise<void> {
    // what waits behind others is not sent for nothing
    if (!this.#isSettled) this.#session.refused('it is aborted')
    const settled = async () => {
      await this.#producer.settled()
      await Promise.allSettled(this.#offsets)
      await end()
    }
    const ended = settled()
    const over = () => {
      this.#ending = undefined
    }
    this.#ending = ended.then(over, over)
    await ended
  }

  /** Aborts what is open; within bounds, since the coordinator does it too, a little later. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(closeTimeoutMs, resolve)
    })
    await Promise.race([this.#abort().catch(() => {}), late])
    cancel()
    void this.#producer.close()
    this.#onClosed()
  }
}
