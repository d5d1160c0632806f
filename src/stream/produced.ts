// What a program hears of each record that it is about to send. Called by Topic where somebody
// listens.
import type { Row, Rows } from '../ingest/rows.ts'
import type { LogHeader } from '../log/log.ts'

/** A record that is about to be sent; what is put into `headers` goes along. */
export interface ProducedMessage {
  readonly topic: string
  /** Copies of the bytes. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Undefined: by the key, in turn where there is none. */
  readonly partition: number | undefined
  /** ms since the epoch. */
  readonly timestamp: number
  readonly headers: LogHeader[]
}

/** Must not wait: it is called for each record, and what it throws refuses the record. */
export type ProduceListener = (message: ProducedMessage) => void

/** The row with the headers that the listener leaves. */
export function producedRow(topic: string, row: Row, listener: ProduceListener): Row {
  const { key, keyLength, value, valueLength, partition, timestamp } = row
  const headers = [...(row.headers ?? [])]
  listener({
    topic,
    key: key && new Uint8Array(key.subarray(0, keyLength)),
    value: value && new Uint8Array(value.subarray(0, valueLength)),
    partition,
    timestamp,
    headers,
  })
  return {
    ...{ key, keyLength, value, valueLength, partition, timestamp },
    headers: headers.length === 0 ? undefined : headers,
  }
}

/** The same of many, each when it is encoded. */
export class ProducedRows implements Rows {
  readonly #topic: string
  readonly #rows: Rows
  readonly #listener: ProduceListener
  #row: Row

  constructor(topic: string, rows: Rows, listener: ProduceListener) {
    this.#topic = topic
    this.#rows = rows
    this.#row = rows
    this.#listener = listener
  }

  get count(): number {
    return this.#rows.count
  }

  encode(index: number): void {
    this.#rows.encode(index)
    this.#row = producedRow(this.#topic, this.#rows, this.#listener)
  }

  get key() {
    return this.#row.key
  }

  get keyLength() {
    return this.#row.keyLength
  }

  get value() {
    return this.#row.value
  }

  get valueLength() {
    return this.#row.valueLength
  }

  get timestamp() {
    return this.#row.timestamp
  }

  get partition() {
    return this.#row.partition
  }

  get headers() {
    return this.#row.headers
  }
}
