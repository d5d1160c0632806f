// Appends through kafkajs: idempotent, acknowledged by all replicas, one batch a call. Made by
// KafkajsLog.
import type { IHeaders, Producer } from 'kafkajs'
import { type ErrorCode, EuphorionError } from '../../errors.ts'
import type { Compression } from '../../wire/compression.ts'
import { decodeBatches } from '../../wire/record_batch.ts'
import { unknownTopic } from '../failures.ts'
import type { LogHeader, LogProducer, LogRecord, StoredBatch, TopicInfo } from '../log.ts'
import { partitionKey } from '../partition_key.ts'
import { type ClientMaker, compressionTypes, nullHeader } from './client.ts'
import { asLogError } from './failures.ts'

/** The broker has refused the batch for what it is, and counts on with the next one. */
const refusals: ReadonlySet<ErrorCode> = new Set(['RECORD_TOO_LARGE', 'RECORD_INVALID'])

export interface ProducerPorts {
  readonly makeClient: ClientMaker
  readonly brokers: string
  /** Rejects with TOPIC_UNKNOWN; kafkajs itself would look again and again for seconds. */
  topic(name: string): Promise<TopicInfo>
  closed(producer: LogProducer): void
}

interface TopicProducer {
  readonly partitions: number
  readonly producer: Producer
}

/** Pauses of 100 ms to 1 s: a leader that moves is waited for. */
const producerRetries = 6

export class KafkajsProducer implements LogProducer {
  readonly #ports: ProducerPorts
  readonly #compression: number
  /**
   * One kafkajs producer a topic: a topic that is deleted makes every later look at the metadata
   * fail for all topics of a kafkajs client.
   */
  readonly #producers = new Map<string, Promise<TopicProducer>>()
  /**
   * The last append of each partition: kafkajs loses records when two of one partition are under
   * way.
   */
  readonly #tails = new Map<string, Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(ports: ProducerPorts, compression: Compression) {
    this.#ports = ports
    this.#compression = compressionTypes[compression]
  }

  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    if (this.#closing) return Promise.reject(new EuphorionError('LOG_FAILED', 'producer is closed'))
    const id = partitionKey({ topic, partition })
    const call = () => this.#append(topic, partition, records)
    const done = (this.#tails.get(id) ?? Promise.resolve()).then(call, call)
    this.#tails.set(id, done)
    const forget = () => {
      if (this.#tails.get(id) === done) this.#tails.delete(id)
    }
    done.then(forget, forget)
    return done
  }

  /** kafkajs makes batches of its own. */
  async appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    return { offset: await this.append(topic, partition, decodeBatches(batch)) }
  }

  async #append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    let made: Promise<TopicProducer> | undefined
    try {
      const messages = records.map(({ key, value, timestamp, headers }) => ({
        key: key && asBuffer(key),
        value: value && asBuffer(value),
        timestamp: String(timestamp),
        headers: headers && asHeaders(headers),
        partition,
      }))
      made = this.#producer(topic)
      const { producer, partitions } = await made
      if (partition >= partitions) throw unknownTopic({ topic, partition })
      const compression = this.#compression
      const [stored] = await producer.send({ topic, messages, acks: -1, compression })
      if (stored?.baseOffset === undefined) throw unknownTopic({ topic, partition })
      return Number(stored.baseOffset)
    } catch (cause) {
      const error = asLogError(cause, this.#ports.brokers, { topic, partition })
      // A batch may be stored although its acknowledgement was lost. kafkajs would give its numbers
      // to the next batch, which the broker would then take for a repetition: a new producer has
      // new ones.
      if (!refusals.has(error.code)) this.#replace(topic, made)
      throw error
    }
  }

  #producer(topic: string): Promise<TopicProducer> {
    let made = this.#producers.get(topic)
    if (!made) {
      made = this.#connect(topic)
      this.#producers.set(topic, made)
    }
    return made
  }

  async #connect(topic: string): Promise<TopicProducer> {
    const { partitions } = await this.#ports.topic(topic)
    const producer = this.#ports.makeClient(undefined, producerRetries).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => (record) => record.message.partition ?? 0,
    })
    try {
      await producer.connect()
      return { producer, partitions }
    } catch (error) {
      await producer.disconnect().catch(() => {})
      throw error
    }
  }

  #replace(topic: string, failed: Promise<TopicProducer> | undefined): void {
    if (failed === undefined || this.#producers.get(topic) !== failed) return
    this.#producers.delete(topic)
    failed.then(({ producer }) => producer.disconnect()).catch(() => {})
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#tails.values())
    for (const made of this.#producers.values())
      await made.then(({ producer }) => producer.disconnect()).catch(() => {})
    this.#ports.closed(this)
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** kafkajs has an object of headers: those of one name come one after the other. */
function asHeaders(headers: readonly LogHeader[]): IHeaders {
  const byName: Record<string, Buffer[]> = Object.create(null)
  for (const { key, value } of headers) {
    byName[key] ??= []
    byName[key].push(value === null ? nullHeader : asBuffer(value))
  }
  return byName
}
