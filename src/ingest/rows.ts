// Records that are encoded one after the other into the same bytes, so that a call of sendMany
// makes no object per record. Filled by src/stream; read by the sender.
import type { LogHeader, LogRecord } from '../log/log.ts'

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
