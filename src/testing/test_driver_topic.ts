// A topic as a test sees it from outside of the app: sends to it, and reads what is committed in
// it. Made by TestDriver.
import { type ErrorPlace, EuphorionError } from '../errors.ts'
import type { ManyStored, RecordMetadata } from '../ingest/receipt.ts'
import { Bad } from '../record/bad.ts'
import type { Codec } from '../record/codec.ts'
import type { FieldMap } from '../record/fields.ts'
import type { MessageColumns } from '../stream/column_rows.ts'
import { decodeOwn } from '../stream/decode.ts'
import type { Event } from '../stream/events.ts'
import type { Message } from '../stream/message.ts'
import type { Topic } from '../stream/topic.ts'
import { BatchCursor } from '../wire/batch_header.ts'
import type { StoredRecord } from '../wire/record.ts'
import { decodeBatches } from '../wire/record_batch.ts'
import type { SimulatedPartition } from './simulated_partition.ts'

export interface DriverTopicPorts<K, V, Fields extends FieldMap> {
  /** The topic, sent to from outside of the app. */
  readonly topic: Topic<K, V, Fields>
  readonly partitions: () => readonly SimulatedPartition[]
  /** Resolves when all has happened that can; rejects with what has failed. */
  readonly settled: () => Promise<void>
}

interface Unread {
  readonly record: StoredRecord
  readonly partition: number
}

const READ_BYTES = 1024 ** 2

export class DriverTopic<K, V, Fields extends FieldMap> {
  readonly #ports: DriverTopicPorts<K, V, Fields>
  /** What read() has not given out, and where each partition is read on. */
  readonly #unread: Unread[] = []
  readonly #positions: number[] = []

  /** Made by TestDriver.topic(). */
  constructor(ports: DriverTopicPorts<K, V, Fields>) {
    this.#ports = ports
  }

  get name(): string {
    return this.#ports.topic.name
  }

  /**
   * Stores one record, as a program other than the app would; resolves once it is stored, and
   * before the app has read it. Default of `timestamp`: the driver's time. Rejects as Topic.send.
   */
  send(message: Message<K, V>): Promise<RecordMetadata> {
    return this.#ports.topic.send(message)
  }

  /** Stores many, given one by one or as columns. See Topic.sendMany. */
  sendMany(records: readonly Message<K, V>[] | MessageColumns<K, V, Fields>): Promise<ManyStored> {
    return this.#ports.topic.sendMany(records)
  }

  /**
   * The next committed record that was not read before, undefined where there is none, once
   * everything has happened that can without time passing. Partitions are read one after the other,
   * each in its order. Rejects as TestDriver.settle, and with RECORD_BAD for a record that the
   * topic's types cannot read.
   */
  async read(): Promise<Event<K | null, V> | undefined> {
    await this.#look()
    return this.#take()
  }

  /** All that were not read before. As read(). */
  async readAll(): Promise<Event<K | null, V>[]> {
    await this.#look()
    const events: Event<K | null, V>[] = []
    for (let event = this.#take(); event !== undefined; event = this.#take()) events.push(event)
    return events
  }

  /** read() has nothing to give. */
  async isEmpty(): Promise<boolean> {
    await this.#look()
    return this.#unread.length === 0
  }

  async #look(): Promise<void> {
    await this.#ports.settled()
    for (const partition of this.#ports.partitions()) this.#readOn(partition)
  }

  #readOn(from: SimulatedPartition): void {
    const { partition } = from
    for (;;) {
      const position = Math.max(this.#positions[partition] ?? 0, from.startOffset)
      const bytes = from.read(position, READ_BYTES, true)
      const batches = new BatchCursor(bytes)
      while (batches.next()) this.#positions[partition] = batches.lastOffset + 1
      for (const record of decodeBatches(bytes))
        if (record.offset >= position) this.#unread.push({ record, partition })
      if (bytes.length === 0) return
    }
  }

  #take(): Event<K | null, V> | undefined {
    const next = this.#unread.shift()
    if (next === undefined) return undefined
    const { name: topic, key, value } = this.#ports.topic
    const { record, partition } = next
    const { offset, timestamp, headers = [] } = record
    const place = { topic, partition, offset }
    return {
      ...place,
      timestamp,
      headers,
      key: record.key === null ? null : good(key, record.key, place),
      value: good(value, record.value, place),
    }
  }
}

function good<T>(codec: Codec<T>, bytes: Uint8Array | null, place: ErrorPlace): T {
  const value = decodeOwn(codec, bytes)
  if (!(value instanceof Bad)) return value
  const message = `the topic's types cannot read a record: ${value.reason}`
  throw new EuphorionError('RECORD_BAD', message, { place })
}
