// Records that are encoded one after the other into the same bytes, so that a call of sendMany
// makes no object per record. Filled by src/stream; read by the sender.
import type { LogHeader } from '../log/log.ts'

export interface Rows {
  readonly count: number
  /** Puts a row into the fields below, until the next call; throws RECORD_INVALID. */
  encode(index: number): void
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
