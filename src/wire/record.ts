// A record as the log layer hands it in and out: plain objects for tools, producers and bad
// records. The data plane never makes them.

export interface LogHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface LogRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** ms since the epoch. */
  readonly timestamp: number
  readonly headers?: readonly LogHeader[]
}

export interface StoredRecord extends LogRecord {
  readonly offset: number
}
