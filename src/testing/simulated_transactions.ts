// A transactional producer on the simulated cluster: adds partitions and groups before they are
// written, ends the transaction, and finds out what became of it. Owned by the simulated log.

import assert from 'node:assert/strict'
import { pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { isRefusedAlone } from '../log/failures.ts'
import type {
  LogConsumer,
  LogRecord,
  StartPosition,
  StoredBatch,
  TopicPartition,
  TransactionalProducer,
} from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { brokerCode } from '../wire/broker_code.ts'
import { brokerFailure } from '../wire/broker_error.ts'
import { encodeBatch } from '../wire/record_batch.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import type { SimulatedConnection } from './simulated_connection.ts'
import { isPassing, SimulatedConsumer } from './simulated_consumer.ts'
import type { SimulatedProcess } from './simulated_process.ts'
import { SimulatedProducer, type SimulatedProducerOptions } from './simulated_producer.ts'
import type { InitAnswer, TransactionSender } from './transaction_coordinator.ts'

export interface SimulatedTransactionsOptions extends SimulatedProducerOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  /** Offsets are taken from members only. */
  readonly isFenced: boolean
}

const RETRY_MS = 20
const REQUEST_MS = 3000
/** A question to the coordinator is asked so long. */
const PATIENCE_MS = 30_000

const fencing: readonly number[] = [
  brokerCode.PRODUCER_FENCED,
  brokerCode.INVALID_PRODUCER_EPOCH,
  brokerCode.INVALID_PRODUCER_ID_MAPPING,
]
const passingCodes: readonly number[] = [
  brokerCode.CONCURRENT_TRANSACTIONS,
  brokerCode.COORDINATOR_NOT_AVAILABLE,
]

/** Takes the id over: aborts what it has open, and fences who had it. */
export async function initTransactions(
  cluster: SimulatedCluster,
  process: SimulatedProcess,
  connection: SimulatedConnection,
  transactionalId: string,
  timeoutMs: number,
): Promise<TransactionSender> {
  for (;;) {
    try {
      const ask = () => cluster.transactions.init(transactionalId, timeoutMs)
      const { errorCode, producerId, epoch } = await connection.request('Init', ask, REQUEST_MS)
      if (errorCode === brokerCode.NONE) return { transactionalId, producerId, epoch }
      if (!passingCodes.includes(errorCode))
        throw brokerFailure(errorCode, `taking over transactional id '${transactionalId}'`)!
    } catch (error) {
      if (!isPassing(error)) throw error
    }
    await pause(process.clock, RETRY_MS)
  }
}

export class SimulatedTransactionalProducer implements TransactionalProducer {
  readonly #options: SimulatedTransactionsOptions
  readonly #producer: SimulatedProducer
  #sender: TransactionSender
  /** Partitions and groups of the transaction that is open, and when each was told. */
  #added = new Map<string, Promise<void>>()
  /** Why nothing of what is open can be committed. */
  #failure: unknown
  #fenced: EuphorionError | undefined
  #isOpen = false
  /** Resolves when a commit or an abort under way is over, however. */
  #ending: Promise<void> | undefined
  #isClosed = false
  readonly #pending = new Set<Promise<unknown>>()

  constructor(options: SimulatedTransactionsOptions, sender: TransactionSender) {
    this.#options = options
    this.#sender = sender
    this.#producer = new SimulatedProducer(options, sender, options.transactionalId)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    const { compression } = this.#options
    const batch = encodeBatch(records, { compression })
    return (await this.appendBatch(topic, partition, batch)).offset
  }

  appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    const stored = this.#append({ topic, partition }, batch)
    this.#pending.add(stored)
    const forget = () => this.#pending.delete(stored)
    stored.then(forget, forget)
    return stored
  }

  async #append(place: TopicPartition, batch: Uint8Array): Promise<StoredBatch> {
    while (this.#ending !== undefined) await this.#ending
    this.#checkUsable()
    this.#isOpen = true
    try {
      const { cluster } = this.#options
      const key = partitionKey(place)
      const sender = this.#sender
      await this.#add(key, () => {
        cluster.partition(place)
        return cluster.transactions.addPartitions(sender, [key])
      })
      return await this.#producer.appendBatch(place.topic, place.partition, batch)
    } catch (error) {
      throw isRefusedAlone(error) ? error : this.#failed(error)
    }
  }

  #checkUsable(): void {
    if (this.#fenced !== undefined) throw this.#fenced
    if (this.#isClosed) throw new EuphorionError('LOG_FAILED', 'the producer was closed')
  }

  /** Before anything is written to it, the coordinator knows that it takes part. */
  #add(key: string, ask: () => number): Promise<void> {
    let added = this.#added.get(key)
    if (added === undefined) {
      const answer = this.#ask('AddToTransaction', () => ({ errorCode: ask() }))
      added = answer.then(() => undefined)
      this.#added.set(key, added)
      added.catch((error) => {
        if (isRefusedAlone(error)) this.#added.delete(key)
      })
    }
    return added
  }

  async commitOffsets(consumer: LogConsumer, offsets: readonly StartPosition[]): Promise<void> {
    while (this.#ending !== undefined) await this.#ending
    this.#checkUsable()
    if (!(consumer instanceof SimulatedConsumer))
      throw new EuphorionError('LOG_FAILED', 'the consumer is of another log')
    const { cluster, isFenced } = this.#options
    const { groupId } = consumer
    const sender = this.#sender
    this.#isOpen = true
    try {
      await this.#add(`group ${groupId}`, () => cluster.transactions.addGroup(sender, groupId))
      await consumer.commitAs(offsets, (member) =>
        this.#producer.connection.request(
          'TxnOffsetCommit',
          () => cluster.holdOffsets({ sender, member, offsets, isFenced }),
          REQUEST_MS,
        ),
      )
    } catch (error) {
      throw this.#failed(error)
    }
  }

  async commit(): Promise<void> {
    if (this.#fenced !== undefined) throw this.#fenced
    assert(this.#pending.size === 0, 'a commit while appends are under way')
    if (!this.#isOpen) return
    if (this.#failure !== undefined) {
      const cause = this.#failure
      await this.abort()
      const message = 'a part of the transaction failed'
      throw new EuphorionError('TRANSACTION_ABORTED', message, { cause })
    }
    await this.#ended(() => this.#end(true))
  }

  /** What is appended meanwhile belongs to the next one. */
  async #ended(end: () => Promise<void>): Promise<void> {
    const ended = end()
    const over = () => {
      this.#ending = undefined
    }
    this.#ending = ended.then(over, over)
    await ended
  }

  async abort(): Promise<void> {
    await Promise.allSettled(this.#pending)
    // what a fenced one had open is ended already
    if (!this.#isOpen || this.#fenced !== undefined) return
    const isDoubtful = this.#failure !== undefined
    try {
      await this.#ended(async () => {
        await this.#end(false)
        // a batch in doubt must not come later, nor leave a gap: another epoch (KIP-360)
        if (isDoubtful) await this.#raise()
      })
    } catch (error) {
      if (this.#fenced === undefined) throw error
    }
  }

  async #raise(): Promise<void> {
    const { cluster, transactionalId, transactionTimeoutMs } = this.#options
    const sender = this.#sender
    const raise = () => cluster.transactions.init(transactionalId, transactionTimeoutMs, sender)
    this.#become(await this.#ask('Init', raise))
  }

  #become({ producerId, epoch }: InitAnswer): void {
    if (epoch === this.#sender.epoch) return
    this.#sender = { ...this.#sender, producerId, epoch }
    this.#producer.become(this.#sender)
  }

  async #end(isCommit: boolean): Promise<void> {
    const { transactions } = this.#options.cluster
    const sender = this.#sender
    const end = () => {
      const answer = transactions.end(sender, isCommit)
      // nothing had come so far that there would be something to abort
      const isNothing = answer.errorCode === brokerCode.INVALID_TXN_STATE && !isCommit
      return isNothing ? { ...sender, errorCode: brokerCode.NONE } : answer
    }
    try {
      await Promise.allSettled(this.#added.values())
      if (this.#added.size > 0) this.#become(await this.#ask('EndTransaction', end))
    } catch (error) {
      throw this.#failed(error)
    }
    this.#isOpen = false
    this.#failure = undefined
    this.#added = new Map()
  }

  /** Rejects with what the coordinator refuses, and with LOG_FAILED when it does not answer. */
  async #ask<T extends { readonly errorCode: number }>(name: string, ask: () => T): Promise<T> {
    const { clock } = this.#options.process
    const endMs = clock.monotonic() + PATIENCE_MS
    const what = `${name} of '${this.#options.transactionalId}'`
    while (clock.monotonic() < endMs) {
      let errorCode: number = brokerCode.COORDINATOR_NOT_AVAILABLE
      try {
        const answer = await this.#producer.connection.request(name, ask, REQUEST_MS)
        if (answer.errorCode === brokerCode.NONE) return answer
        errorCode = answer.errorCode
      } catch (error) {
        if (!isPassing(error)) throw error
      }
      if (fencing.includes(errorCode)) throw this.#fencedBy(what)
      if (!passingCodes.includes(errorCode)) throw brokerFailure(errorCode, what)!
      await pause(clock, RETRY_MS)
    }
    throw new EuphorionError('LOG_FAILED', `${what}: the coordinator does not answer`)
  }

  #fencedBy(what: string): EuphorionError {
    const message = `${what}: another producer has the id, or the transaction took too long`
    this.#fenced ??= new EuphorionError('FENCED', message)
    return this.#fenced
  }

  #failed(error: unknown): unknown {
    if (error instanceof EuphorionError && error.code === 'FENCED')
      this.#fenced ??= new EuphorionError('FENCED', error.message, { cause: error })
    this.#failure ??= error
    return this.#fenced ?? error
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.abort().catch(() => undefined)
    await this.#producer.close()
  }
}
