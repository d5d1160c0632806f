// What turns packed rows into RecordBatches of a changelog and back. Two kinds: kernels that run on
// the lanes' threads (wasm_kernels.ts), and plain TypeScript (reference.ts), which is also their
// oracle: one contract holds both to the same bytes. Used by table/changelog.ts.
import type { Compression } from '../../wire/compression.ts'
import type { BatchSpan } from './batch_span.ts'

export interface ChangelogKernels {
  /** Room for a batch of up to `bytes`, header included. */
  span(bytes: number): BatchSpan
  /**
   * Appends rows[from …) to the span until the next one does not fit; resolves with where that one
   * begins. The rows must not change until then.
   */
  encode(span: BatchSpan, rows: Uint8Array, from: number): Promise<number>
  /** Makes the span's records a transactional batch, all of that time. */
  seal(span: BatchSpan, timeMs: number, compression: Compression): Promise<void>
  decoder(table: number): ChangelogDecoder
}

/** Of one partition of a changelog; one call at a time. */
export interface ChangelogDecoder {
  /**
   * The records from offset `from` on of whole RecordBatches. Errors: BATCH_CORRUPT (also for what
   * is no record of a changelog), RECORD_TOO_LARGE, CODEC_UNAVAILABLE, MEMORY_EXHAUSTED.
   */
  decode(batches: Uint8Array, from: number): Promise<DecodedRows>
  close(): void
}

export interface DecodedRows {
  /** Packed rows, puts and deletes; valid until the next call. */
  readonly rows: Uint8Array
  /** How many rows. */
  readonly records: number
  /** Value of the last record of table 0 with the key "cut". */
  readonly cut: Uint8Array | undefined
  /** Behind the last batch; `from` where there is none. */
  readonly nextOffset: number
}

export interface ChangelogKernelOptions {
  /** Most bytes that one RecordBatch may decompress to. */
  readonly inflatedBytesMax: number
  readonly checkCrcs: boolean
}

/** Key of the record that ends a cut: table 0, "cut". */
export const CUT_KEY: Uint8Array = Buffer.from('\0\0cut')
