// Records that are encoded one after the other into the same bytes, so that a call of sendMany
// makes no object per record. Filled by src/stream; read by the sender.
import type { LogHeader, LogRecord } from '../log/log.ts'
import type { RecordMetadata } from './receipt.ts'

/** The record at hand. */
export interface Row {
  /** The key is key[0 … keyLength), the value likewise. */
  readonly key: Uint8Array | null
  readonly keyLength: number
  readonly value: Uint8Array | null
  readonly valueLength: number
  /** ms since the epoch. */
  readonly timestamp: number
  /** Undefined: by the key, as Java clients do, in turn where there is none. */
  readonly partition: number | undefined
  readonly headers: readonly LogHeader[] | undefined
}

export interface Rows extends Row {
  readonly count: number
  /** Puts a row into the fields, until the next call; throws RECORD_INVALID. */
  encode(index: number): void
}

/** Stores rows in topics, on another way than what the program sends. */
export interface RowSink {
  /** Takes a copy of the row. */
  storeRow(topic: string, row: Row): Promise<RecordMetadata>
}

/** A record as a row, in its own bytes. */
export function rowOf(record: LogRecord, partition: number | undefined): Row {
  const { key, value, timestamp, headers } = record
  const keyLength = key === null ? -1 : key.length
  const valueLength = value === null ? -1 : value.length
  return { key, keyLength, value, valueLength, timestamp, partition, headers }
}

/** The row in bytes of its own. */
export function recordOf({
  key,
  keyLength,
  value,
  valueLength,
  timestamp,
  headers,
}: Row): LogRecord {
  return {
    key: key && new Uint8Array(key.subarray(0, keyLength)),
    value: value && new Uint8Array(value.subarray(0, valueLength)),
    timestamp,
    headers,
  }
}
