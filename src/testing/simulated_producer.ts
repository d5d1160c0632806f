// An idempotent producer on the simulated cluster: numbered batches, one of a partition on its way
// at a time, sent again until somebody answers. Owned by the simulated log, and by its
// transactional producer.
import { pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { isRefusedAlone } from '../log/failures.ts'
import { produceVerdict } from '../log/kafka/produce_verdict.ts'
import type { LogProducer, LogRecord, StoredBatch, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import {
  attribute,
  headerAt,
  recordCountOf,
  stampProducer,
  writeInt16,
} from '../wire/batch_header.ts'
import { brokerFailure } from '../wire/broker_error.ts'
import type { Compression } from '../wire/compression.ts'
import { encodeBatch } from '../wire/record_batch.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import type { SimulatedConnection } from './simulated_connection.ts'
import { isPassing } from './simulated_consumer.ts'
import type { Appended } from './simulated_partition.ts'
import type { SimulatedProcess } from './simulated_process.ts'

export interface SimulatedProducerOptions {
  readonly cluster: SimulatedCluster
  readonly process: SimulatedProcess
  readonly compression: Compression
  readonly deliveryTimeoutMs: number
  readonly closed: (producer: LogProducer) => void
}

export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/** Of one partition. */
interface Sequence {
  /** Under which the next number counts. */
  identity: ProducerIdentity
  next: number
}

const RETRY_MS = 30
const REQUEST_MS = 3000

export class SimulatedProducer implements LogProducer {
  readonly options: SimulatedProducerOptions
  readonly connection: SimulatedConnection
  #identity: ProducerIdentity
  readonly #sequences = new Map<string, Sequence>()
  /** The last append of each partition; never rejects. */
  readonly #tails = new Map<string, Promise<unknown>>()
  #isClosed = false
  readonly #transactionalId: string | undefined

  constructor(
    options: SimulatedProducerOptions,
    identity: ProducerIdentity,
    transactionalId?: string,
  ) {
    this.options = options
    this.connection = options.cluster.connect(options.process)
    this.#identity = identity
    this.#transactionalId = transactionalId
  }

  get identity(): ProducerIdentity {
    return this.#identity
  }

  /** Numbers begin anew. */
  become(identity: ProducerIdentity): void {
    this.#identity = identity
  }

  async append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    const { compression } = this.options
    const batch = encodeBatch(records, { compression })
    return (await this.appendBatch(topic, partition, batch)).offset
  }

  appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    if (this.#isClosed)
      return Promise.reject(new EuphorionError('LOG_FAILED', 'the producer was closed'))
    const place = { topic, partition }
    const key = partitionKey(place)
    const stored = (this.#tails.get(key) ?? Promise.resolve()).then(() => this.#send(place, batch))
    this.#tails.set(
      key,
      stored.catch(() => undefined),
    )
    return stored
  }

  async #send(place: TopicPartition, batch: Uint8Array): Promise<StoredBatch> {
    const { clock } = this.options.process
    const endMs = clock.monotonic() + this.options.deliveryTimeoutMs
    const key = partitionKey(place)
    this.#stamp(key, batch)
    for (;;) {
      const answer = await this.#ask(place, batch)
      const verdict = answer && produceVerdict(answer.errorCode, 0)
      if (answer !== undefined && verdict === 'stored') return { offset: answer.offset }
      const failure = answer && brokerFailure(answer.errorCode, 'appending', place)
      if (verdict === 'refused' || clock.monotonic() >= endMs) {
        // Whether it is stored may be unknown: its number is not used again.
        if (isRefusedAlone(failure)) this.#giveBack(key, batch)
        else this.#renumber()
        throw failure ?? new EuphorionError('LOG_FAILED', 'nobody has confirmed a batch in time')
      }
      if (verdict === 'renumbered') {
        this.#renumber()
        this.#stamp(key, batch)
      }
      await pause(clock, RETRY_MS)
    }
  }

  /** Undefined where no answer came. */
  async #ask(place: TopicPartition, batch: Uint8Array): Promise<Appended | undefined> {
    const { cluster } = this.options
    // what is on its way is not what the caller may change once it has heard
    const sent = batch.slice()
    try {
      return await this.connection.request(
        'Produce',
        () => cluster.produce(place, sent, this.#transactionalId),
        REQUEST_MS,
      )
    } catch (error) {
      if (!isPassing(error)) throw error
      return undefined
    }
  }

  #stamp(key: string, batch: Uint8Array): void {
    let sequence = this.#sequences.get(key)
    if (sequence?.identity !== this.#identity) {
      sequence = { identity: this.#identity, next: 0 }
      this.#sequences.set(key, sequence)
    }
    const { producerId, epoch } = this.#identity
    const attributes = (batch[headerAt.attributes] << 8) | batch[headerAt.attributes + 1]
    const isTransactional = this.#transactionalId !== undefined
    const other = attributes & ~attribute.transactional
    writeInt16(
      batch,
      headerAt.attributes,
      isTransactional ? other | attribute.transactional : other,
    )
    stampProducer(batch, producerId, epoch, sequence.next)
    sequence.next += recordCountOf(batch)
  }

  /** A transaction goes on with the number of a batch that was refused for what it is. */
  #giveBack(key: string, batch: Uint8Array): void {
    this.#sequences.get(key)!.next -= recordCountOf(batch)
  }

  /** Without a transactional id brokers have no say in the epoch. */
  #renumber(): void {
    if (this.#transactionalId !== undefined) return
    const { producerId, epoch } = this.#identity
    this.#identity = { producerId, epoch: epoch + 1 }
  }

  /** Resolves when all that was appended is stored or refused. */
  async settled(): Promise<void> {
    await Promise.all(this.#tails.values())
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.settled()
    this.options.cluster.disconnect(this.options.process, this.connection)
    this.options.closed(this)
  }
}
