// A topic with its types: how keys and values are read and written, and how its records find their
// partition. Made by app.topic(); used by agents, sinks and declared aggregations.
import { EuphorionError } from '../errors.ts'
import type { ManyStored, RecordMetadata } from '../ingest/receipt.ts'
import { type Row, type RowSink, type Rows, rowOf } from '../ingest/rows.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { TopicConfig } from '../log/log.ts'
import { type Codec, type CodecLike, codecOf, json, raw } from '../record/codec.ts'
import type { FieldMap } from '../record/fields.ts'
import type { RecordSchema } from '../record/schema.ts'
import { ColumnRows, type MessageColumns } from './column_rows.ts'
import { headersOf, type Message } from './message.ts'
import { MessageRow, MessageRows } from './message_rows.ts'
import { ProducedRows, type ProduceListener, producedRow } from './produced.ts'
import { badTimestamp, type RowTopic } from './topic_row.ts'

export interface TopicOptions<K, V> {
  /** Type of keys. Default raw(): the bytes, or null. */
  readonly key?: CodecLike<K>
  /** Type of values. Default json(). */
  readonly value?: CodecLike<V>
  /**
   * The field that the records are keyed by: keyBy on it needs no repartitioning, and send()
   * without a key takes the key from it.
   */
  readonly keyedBy?: keyof NonNullable<V> & string
  /** Partitions, where the topic is created at start. Default: setting topicPartitions. */
  readonly partitions?: number
  /** Settings of the topic, where it is created at start. */
  readonly config?: TopicConfig
  /** Default 'dead-letter': to the topic of setting deadLetterTopic. */
  readonly onBadRecord?: BadRecordPolicy
}

/** How a topic reaches the log; given by the app. */
export interface TopicPort extends RowSink {
  now(): number
  storeMany(topic: string, rows: Rows): Promise<ManyStored>
  /** What hears of each record before it is stored, where something does. */
  onProduce?(): ProduceListener | undefined
}

/** A topic with fields that columns can refer to has `Fields`; others have none. */
export class Topic<K, V, Fields extends FieldMap = FieldMap> {
  readonly name: string
  readonly key: Codec<K>
  readonly value: Codec<V>
  /** The fields of the values, where they are records. */
  readonly schema: RecordSchema | undefined
  readonly options: TopicOptions<K, V>
  readonly onBadRecord: BadRecordPolicy
  /** For the compiler only. */
  declare readonly fields: Fields
  readonly #port: TopicPort
  /** What send() encodes into. */
  #row: MessageRow<K, V> | undefined

  /** Made by app.topic(). */
  constructor(name: string, options: TopicOptions<K, V>, port: TopicPort, is?: 'of many') {
    if (is !== 'of many') checkName(name)
    this.name = name
    this.key = codecOf(options.key ?? (raw() as Codec<unknown> as Codec<K>))
    this.value = codecOf(options.value ?? json<V>())
    this.schema = schemaOf(options.value)
    this.options = options
    this.onBadRecord = options.onBadRecord ?? 'dead-letter'
    this.#port = port
    if (options.keyedBy !== undefined) checkKeyedBy(name, options.keyedBy, this.schema)
  }

  /**
   * Stores one record; resolves once it is stored. Records of one partition keep the order of the
   * calls. Creates the topic where it does not exist and the app does not run (setting
   * createTopics; an app that starts makes its topics). Rejects with RECORD_INVALID for a value
   * that does not fit or a timestamp that is no whole number, and with TOPIC_UNKNOWN.
   */
  send(message: Message<K, V>): Promise<RecordMetadata> {
    return this.sendBy(this.#port, message)
  }

  /**
   * As send(), elsewhere and with other bytes as the value.
   *
   * @internal
   */
  sendBy(
    to: RowSink = this.#port,
    message: Message<K, V>,
    value?: Uint8Array,
  ): Promise<RecordMetadata> {
    // Not async: a promise less for each record.
    try {
      this.#row ??= new MessageRow<K, V>(this as RowTopic<K, V>)
      this.#row.put(message, this.#port.now())
      if (value !== undefined) this.#row.setValue(value)
      return to.storeRow(this.name, this.#told(this.#row))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #told(row: Row): Row {
    const onProduce = this.#port.onProduce?.()
    return onProduce === undefined ? row : producedRow(this.name, row, onProduce)
  }

  /**
   * Stores many records, given one by one or as columns; resolves once all are stored. Much faster
   * than send(): records of declared JSON types are written without an object each. What it is
   * given must not be changed meanwhile. Records of one partition keep their order, also between
   * calls of send() and sendMany(). Rejects with RECORD_INVALID, naming the index of the first
   * record that does not fit: those before it are stored, others are not. When the log refuses
   * some, the message says how many are stored.
   */
  async sendMany(
    records: readonly Message<K, V>[] | MessageColumns<K, V, Fields>,
  ): Promise<ManyStored> {
    const topic = this as RowTopic<K, V>
    const now = this.#port.now()
    const rows = Array.isArray(records)
      ? new MessageRows(topic, records, now)
      : new ColumnRows(topic, records as MessageColumns<K, V>, now)
    const onProduce = this.#port.onProduce?.()
    if (onProduce === undefined) return this.#port.storeMany(this.name, rows)
    return this.#port.storeMany(this.name, new ProducedRows(this.name, rows, onProduce))
  }

  /** Stores bytes as they are, whatever the topic's types; `to`: elsewhere than send() does. */
  sendBytes(
    key: Uint8Array | null,
    value: Uint8Array | null,
    { timestamp, headers, partition }: Omit<Message<K, V>, 'key' | 'value'> = {},
    to: RowSink = this.#port,
  ): Promise<RecordMetadata> {
    const time = timestamp ?? this.#port.now()
    if (!Number.isSafeInteger(time)) return Promise.reject(badTimestamp(time, this.name))
    try {
      const record = {
        key,
        value,
        timestamp: time,
        headers: headers && headersOf(headers, this.name),
      }
      return to.storeRow(this.name, this.#told(rowOf(record, partition)))
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

function schemaOf(value: CodecLike<unknown> | undefined): RecordSchema | undefined {
  if (value === undefined || !('schema' in value)) return undefined
  return value.schema.type === 'record' ? value.schema : undefined
}

function checkName(name: string): void {
  if (/^[\w.-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new EuphorionError('TOPIC_INVALID', `'${name}' cannot be a topic`, {
    place: { topic: name },
  })
}

function checkKeyedBy(topic: string, field: string, schema: RecordSchema | undefined): void {
  if (schema === undefined || schema.fields.some(([name]) => name === field)) return
  throw new EuphorionError('APP_INVALID', `keyedBy: ${schema.name} has no field ${field}`, {
    place: { topic },
  })
}
