// A producer of transactions on the embedded log of this process: what it appends, and the offsets
// of groups that go with it, until commit, abort, its time-out or its successor ends it.
import { strict as assert } from 'node:assert'
import type { Clock } from '../../clock.ts'
import { type Deferred, deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import { attribute } from '../../wire/batch_header.ts'
import { encodeBatch } from '../../wire/record_batch.ts'
import { isRefusedAlone } from '../failures.ts'
import type {
  Compression,
  LogConsumer,
  LogRecord,
  StartPosition,
  StoredBatch,
  TransactionalProducer,
  TransactionalProducerOptions,
} from '../log.ts'
import { EmbeddedConsumer } from './consumer.ts'
import { stampTransaction } from './markers.ts'
import type { Partition } from './partition.ts'
import type { Topics } from './topics.ts'
import type { TopicOffset, Transactions } from './transactions.ts'

interface Transaction {
  readonly partitions: Set<Partition>
  readonly appends: Set<Promise<number>>
  readonly offsets: Map<string, TopicOffset[]>
  readonly ended: Deferred<void>
  cancelTimeout: () => void
  /** It can only be aborted. */
  failure: EuphorionError | undefined
  /** Nothing is stored for it any more. */
  over: boolean
}

export interface TransactionalProducerParts {
  readonly producerId: number
  readonly topics: Topics
  readonly clock: Clock
  readonly coordinator: Transactions
  readonly onClosed: () => void
}

export class EmbeddedTransactionalProducer implements TransactionalProducer {
  readonly #options: TransactionalProducerOptions
  readonly #parts: TransactionalProducerParts
  readonly #compression: Compression
  #current: Transaction | undefined
  /** Settles, without an error, when the current one has ended. */
  #ending: Promise<void> | undefined
  /** Nothing can be begun: fenced, closed, or its last transaction has no known end. */
  #refusal: EuphorionError | undefined

  constructor(options: TransactionalProducerOptions, parts: TransactionalProducerParts) {
    this.#options = options
    this.#parts = parts
    this.#compression = options.compression ?? 'none'
  }

  get isOpen(): boolean {
    return this.#current !== undefined
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    while (this.#ending) await this.#ending
    const target = this.#target(topic, partition)
    if (records.length === 0) return target.nextOffset
    const options = {
      compression: this.#compression,
      producerId: this.#parts.producerId,
      producerEpoch: 0,
      attributes: attribute.transactional,
    }
    return this.#store(target, () => encodeBatch(records, options))
  }

  async appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    while (this.#ending) await this.#ending
    const target = this.#target(topic, partition)
    const { producerId } = this.#parts
    return { offset: await this.#store(target, () => stampTransaction(batch, producerId)) }
  }

  #target(topic: string, partition: number): Partition {
    this.#requireUsable()
    try {
      return this.#parts.topics.partition(topic, partition)
    } catch (error) {
      if (!isRefusedAlone(error)) this.#fail(error)
      throw error
    }
  }

  async #store(target: Partition, encode: () => Uint8Array): Promise<number> {
    const transaction = this.#begun()
    transaction.partitions.add(target)
    const stored = target.append(() => {
      if (transaction.over) throw this.#refusal ?? transaction.failure ?? aborted('it was ended')
      return encode()
    }, true)
    transaction.appends.add(stored)
    try {
      return await stored
    } catch (error) {
      if (!isRefusedAlone(error)) transaction.failure ??= aborted('an append failed', error)
      throw error
    } finally {
      transaction.appends.delete(stored)
    }
  }

  async commitOffsets(consumer: LogConsumer, offsets: readonly StartPosition[]): Promise<void> {
    while (this.#ending) await this.#ending
    this.#requireUsable()
    if (offsets.length === 0) return
    const { topics } = this.#parts
    const transaction = this.#begun()
    try {
      const { groupId, kept } = heldBy(consumer, offsets)
      const pending = transaction.offsets.get(groupId) ?? []
      transaction.offsets.set(groupId, pending)
      for (const at of kept) pending.push({ ...at, topicId: topics.get(at.topic).id })
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  /** What is open can only be aborted. */
  #fail(error: unknown): void {
    if (this.#current) this.#current.failure ??= aborted('a part of it failed', error)
  }

  #requireUsable(): void {
    const refusal = this.#refusal ?? this.#current?.failure
    if (refusal) throw refusal
  }

  #begun(): Transaction {
    if (this.#current) return this.#current
    const transaction: Transaction = {
      partitions: new Set(),
      appends: new Set(),
      offsets: new Map(),
      ended: deferred(),
      cancelTimeout: () => undefined,
      failure: undefined,
      over: false,
    }
    const { transactionTimeoutMs } = this.#options
    transaction.cancelTimeout = this.#parts.clock.after(transactionTimeoutMs, () => {
      if (this.#current !== transaction || this.#ending) return
      transaction.failure ??= aborted(`it was left open for ${transactionTimeoutMs} ms`)
      void this.#end(transaction, false).catch(() => {})
    })
    this.#current = transaction
    return transaction
  }

  async commit(): Promise<void> {
    while (this.#ending) await this.#ending
    if (this.#refusal) throw this.#refusal
    const transaction = this.#current
    if (transaction === undefined) return
    assert(transaction.over || transaction.appends.size === 0, 'appends are not acknowledged yet')
    const counts = transaction.over ? false : await this.#end(transaction, true)
    this.#current = undefined
    if (!counts) throw transaction.failure
  }

  async abort(): Promise<void> {
    while (this.#ending) await this.#ending
    const transaction = this.#current
    if (transaction && !transaction.over) await this.#end(transaction, false)
    this.#current = undefined
  }

  /** Resolves with whether it counts; rejects, for good, when its end is not known. */
  #end(transaction: Transaction, commit: boolean): Promise<boolean> {
    const ended = this.#ended(transaction, commit)
    this.#ending = ended.then(
      () => {
        this.#ending = undefined
      },
      (cause) => {
        this.#ending = undefined
        this.#refusal ??= new EuphorionError(
          'LOG_FAILED',
          'the last transaction has no known end',
          {
            cause,
          },
        )
      },
    )
    return ended
  }

  async #ended(transaction: Transaction, commit: boolean): Promise<boolean> {
    const { coordinator, producerId } = this.#parts
    transaction.cancelTimeout()
    if (!commit) transaction.over = true
    await Promise.allSettled(transaction.appends)
    transaction.over = true
    const partitions = [...transaction.partitions]
    try {
      if (commit && transaction.failure === undefined) {
        const why = await coordinator.commit(producerId, partitions, transaction.offsets)
        if (why === undefined) return true
        transaction.failure = aborted('its decision could not be stored', why)
      }
      await coordinator.abort(producerId, partitions)
      return false
    } finally {
      transaction.offsets.clear()
      transaction.ended.resolve()
    }
  }

  /** Another one has its transactional id. What is being ended ends as it was going to. */
  async fence(): Promise<void> {
    const { transactionalId } = this.#options
    const message = `another producer has the transactional id ${transactionalId}`
    await this.#stop(new EuphorionError('FENCED', message))
  }

  async close(): Promise<void> {
    await this.#stop(new EuphorionError('LOG_FAILED', 'the producer was closed')).finally(() =>
      this.#parts.onClosed(),
    )
  }

  async #stop(refusal: EuphorionError): Promise<void> {
    this.#refusal ??= refusal
    while (this.#ending) await this.#ending
    const transaction = this.#current
    this.#current = undefined
    if (transaction && !transaction.over) await this.#end(transaction, false)
  }

  /** Settles when the transaction has ended that will change such an offset of the group. */
  changes(groupId: string, isMeant: (at: StartPosition) => boolean): Promise<void> | undefined {
    const pending = this.#current?.offsets.get(groupId)
    return pending?.some(isMeant) ? this.#current!.ended.promise : undefined
  }
}

function heldBy(
  consumer: LogConsumer,
  offsets: readonly StartPosition[],
): { groupId: string; kept: readonly StartPosition[] } {
  if (!(consumer instanceof EmbeddedConsumer))
    throw new EuphorionError('LOG_FAILED', 'the consumer is not one of the same embedded log')
  const kept = consumer.kept(offsets)
  for (const at of kept)
    if (!consumer.holds(at)) {
      const { topic, partition } = at
      const message = `${topic}/${partition} is not the consumer's (any more)`
      throw new EuphorionError('LOG_FAILED', message, { place: { topic, partition } })
    }
  return { groupId: consumer.groupId, kept }
}

/** Of a transaction that does not count. */
function aborted(why: string, cause?: unknown): EuphorionError {
  return new EuphorionError('TRANSACTION_ABORTED', `the transaction was aborted: ${why}`, { cause })
}
