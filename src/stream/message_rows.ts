// Messages as rows for the sender: one, or an array of them. Made by Topic.
import type { Rows } from '../ingest/rows.ts'
import { compileEvents, type RecordWriter } from '../record/json_compile.ts'
import { InvalidEvent } from '../record/json_write.ts'
import type { RecordSchema } from '../record/schema.ts'
import { headersOf, type Message } from './message.ts'
import { type RowTopic, TopicRow } from './topic_row.ts'

const writers = new WeakMap<RecordSchema, RecordWriter<unknown>>()

/** The writer of a record's events, compiled at the first call. */
export function eventWriter(schema: RecordSchema): RecordWriter<unknown> {
  let writer = writers.get(schema)
  if (writer === undefined) writers.set(schema, (writer = compileEvents(schema)))
  return writer
}

/** Whether the writer took the record; what it refuses is left to the codec, which says why. */
export function isWritten<Source>(
  write: RecordWriter<Source>,
  ...[to, from, index]: Parameters<RecordWriter<Source>>
): boolean {
  to.at = 0
  try {
    return write(to, from, index)
  } catch (error) {
    if (error instanceof InvalidEvent) return false
    throw error
  }
}

/** One message after the other. */
export class MessageRow<K, V> extends TopicRow<K, V> {
  readonly #topicName: string
  readonly #keyedBy: string | undefined
  readonly #write: RecordWriter<unknown> | undefined

  constructor(topic: RowTopic<K, V>) {
    super(topic)
    this.#topicName = topic.name
    this.#keyedBy = topic.options.keyedBy
    this.#write = topic.schema && eventWriter(topic.schema)
  }

  /** Throws RECORD_INVALID for a message that does not fit. */
  put({ value, key, timestamp, headers, partition }: Message<K, V>, nowMs: number): void {
    const write = this.#write
    if (write !== undefined && isWritten(write, this.scratch, value, 0)) this.putScratch()
    else this.putValue(value)
    if (key !== undefined) this.putKey(key)
    else if (this.#keyedBy === undefined) this.putKey(null)
    else this.putKeyField((value as Record<string, unknown> | null)?.[this.#keyedBy])
    this.putTimestamp(timestamp ?? nowMs)
    this.headers = headers && headersOf(headers, this.#topicName)
    this.partition = partition
  }

  /** Other bytes than the message's. */
  setValue(value: Uint8Array): void {
    this.value = value
    this.valueLength = value.length
  }
}

export class MessageRows<K, V> extends MessageRow<K, V> implements Rows {
  readonly count: number
  readonly #messages: readonly Message<K, V>[]
  readonly #nowMs: number

  constructor(topic: RowTopic<K, V>, messages: readonly Message<K, V>[], nowMs: number) {
    super(topic)
    this.count = messages.length
    this.#messages = messages
    this.#nowMs = nowMs
  }

  encode(index: number): void {
    this.put(this.#messages[index], this.#nowMs)
  }
}
