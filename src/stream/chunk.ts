// Good records of a partition that were read at once; batches are slices of them. Made by decoding
// (decoded_chunk.ts), or by a kernel, without an object per record (extracted_chunk.ts).
import type { BatchArray } from '../kernel/extract/extracted_rows.ts'
import type { Event } from './events.ts'

export interface Chunk<K, V> {
  readonly length: number
  /** Ascending; compaction and bad records leave holes. */
  readonly offsets: Float64Array
  /** ms since the epoch. */
  readonly timestamps: Float64Array
  /** Bytes of each record, uncompressed. */
  readonly sizes: Uint32Array
  /** Of the shape's column. Made when it is first asked for. */
  column(index: number): BatchArray
  /** 1 where the column has a value, else 0. */
  present(index: number): Uint8Array
  keys(from: number, to: number): K[]
  values(from: number, to: number): V[]
  events(from: number, to: number): Iterable<Event<K, V>>
}
