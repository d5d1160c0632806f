// How a topic's keys and values become bytes in sendMany: straight into scratch bytes where the
// types are known, by the topic's codecs else. The base of the rows that Topic hands to the sender.
import { EuphorionError } from '../errors.ts'
import type { Row } from '../ingest/rows.ts'
import type { LogHeader } from '../log/log.ts'
import { type Codec, text } from '../record/codec.ts'
import { JsonBytes } from '../record/json_bytes.ts'
import type { RecordSchema } from '../record/schema.ts'

/** The part of a topic that rows need. */
export interface RowTopic<K, V> {
  readonly name: string
  readonly key: Codec<K>
  readonly value: Codec<V>
  readonly schema: RecordSchema | undefined
  readonly options: { readonly keyedBy?: string; readonly key?: unknown }
}

/** The row at hand; a subclass fills it. */
export abstract class TopicRow<K, V> implements Row {
  key: Uint8Array | null = null
  keyLength = -1
  value: Uint8Array | null = null
  valueLength = -1
  timestamp = 0
  partition: number | undefined
  headers: readonly LogHeader[] | undefined
  readonly #topic: RowTopic<K, V>
  readonly #keyBytes = new JsonBytes(64)
  /** What compiled writers write to. */
  protected readonly scratch = new JsonBytes()
  readonly #isTextKey: boolean

  constructor(topic: RowTopic<K, V>) {
    this.#topic = topic
    this.#isTextKey = (topic.key as unknown) === text()
  }

  /** A key as send() takes it. */
  protected putKey(key: K | null): void {
    if (key === null || !this.#isTextKey || !this.#putAscii(key))
      this.#putKeyBytes(key === null ? null : this.#topic.key.encode(key))
  }

  /** The key from the field of keyedBy. */
  protected putKeyField(field: unknown): void {
    if (field === undefined || field === null) this.#putKeyBytes(null)
    else if (this.#topic.options.key !== undefined) this.putKey(field as K)
    // Without a declared key type the key is the field's text, which is what string() would write.
    else if (!this.#putAscii(field)) this.#putKeyBytes(Buffer.from(String(field)))
  }

  /** What the compiled writer has written to the scratch. */
  protected putScratch(): void {
    this.value = this.scratch.bytes
    this.valueLength = this.scratch.at
  }

  /** The value by the topic's codec, which throws RECORD_INVALID where it does not fit. */
  protected putValue(value: V): void {
    this.value = this.#topic.value.encode(value)
    this.valueLength = this.value === null ? -1 : this.value.length
  }

  protected putTimestamp(timestamp: number): void {
    if (!Number.isSafeInteger(timestamp)) throw badTimestamp(timestamp, this.#topic.name)
    this.timestamp = timestamp
  }

  #putAscii(key: unknown): boolean {
    const bytes = this.#keyBytes
    bytes.at = 0
    if (typeof key !== 'string' || !bytes.ascii(key)) return false
    this.key = bytes.bytes
    this.keyLength = bytes.at
    return true
  }

  #putKeyBytes(key: Uint8Array | null): void {
    this.key = key
    this.keyLength = key === null ? -1 : key.length
  }
}

export function badTimestamp(timestamp: unknown, topic: string): EuphorionError {
  const message = `timestamp ${timestamp}: expected whole milliseconds since the epoch`
  return new EuphorionError('RECORD_INVALID', message, { place: { topic } })
}
