// A batch of events as columns: what `for await (const batch of stream.batches())` gives. A slice
// of what was read at once; nothing is decoded before it is asked for.

import type { BatchArray } from '../kernel/extract/extracted_rows.ts'
import type { FieldMap } from '../record/fields.ts'
import type { BatchShape } from './batch_shape.ts'
import type { ColumnAt, ColumnNames } from './batch_types.ts'
import type { Chunk } from './chunk.ts'
import type { Event } from './events.ts'

/**
 * Events of one partition, in order, bad ones left out. Its arrays are safe to keep and to change,
 * and may be parts of larger buffers.
 */
export class ColumnBatch<K, V, Fields extends FieldMap> {
  /** Events. */
  readonly length: number
  readonly topic: string
  readonly partition: number
  readonly #chunk: Chunk<K, V>
  readonly #shape: BatchShape
  readonly #from: number

  /** Made by the worker. */
  constructor(
    place: { readonly topic: string; readonly partition: number },
    shape: BatchShape,
    chunk: Chunk<K, V>,
    from: number,
    to: number,
  ) {
    this.topic = place.topic
    this.partition = place.partition
    this.#shape = shape
    this.#chunk = chunk
    this.#from = from
    this.length = to - from
  }

  /** Of the first event. */
  get firstOffset(): number {
    return this.#chunk.offsets[this.#from]
  }

  /** Behind the last event. */
  get nextOffset(): number {
    return this.#chunk.offsets[this.#to - 1] + 1
  }

  get #to(): number {
    return this.#from + this.length
  }

  /**
   * The values of a declared field: a Float64Array for float64, integer and timestamp (ms), a
   * Float32Array for float32, a BigInt64Array for int64, a Uint8Array of 1 and 0 for boolean, an
   * array for string. Where an optional or nullable field has no value: NaN in floats, 0 in the
   * others, undefined among strings; present() tells. A field of a nested record is 'place.city'.
   * Throws APP_INVALID for another name.
   */
  column<Name extends ColumnNames<Fields>>(name: Name): ColumnAt<Fields, Name> {
    const column = this.#chunk.column(this.#shape.indexOf(name))
    return this.#slice(column) as ColumnAt<Fields, Name>
  }

  /** 1 where the field has a value, 0 where it is missing or null. */
  present(name: ColumnNames<Fields>): Uint8Array {
    return this.#slice(this.#chunk.present(this.#shape.indexOf(name)))
  }

  /** Ascending; where records were bad or compacted away numbers are left out. */
  get offsets(): Float64Array {
    return this.#slice(this.#chunk.offsets)
  }

  /** ms since the epoch. */
  get timestamps(): Float64Array {
    return this.#slice(this.#chunk.timestamps)
  }

  /** Decoded by this call, as values and rows are. */
  get keys(): K[] {
    return this.#chunk.keys(this.#from, this.#to)
  }

  get values(): V[] {
    return this.#chunk.values(this.#from, this.#to)
  }

  /** The same events as objects, one at a time. */
  rows(): Iterable<Event<K, V>> {
    return this.#chunk.events(this.#from, this.#to)
  }

  #slice<Column extends BatchArray>(column: Column): Column {
    const part = ArrayBuffer.isView(column)
      ? column.subarray(this.#from, this.#to)
      : column.slice(this.#from, this.#to)
    return part as Column
  }
}
