// Records that a kernel has read into columns, and what is made of these when it is asked for:
// values, keys, whole events. What columns do not say is decoded from the payload, which is kept
// for that.
import type { BatchArray, ExtractedRows } from '../kernel/extract/extracted_rows.ts'
import type { Codec } from '../record/codec.ts'
import { AgentReader } from './agent_reader.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Chunk } from './chunk.ts'
import { decodeGood } from './decode.ts'
import type { Event } from './events.ts'

export interface ExtractedFrom<K, V> {
  readonly topic: string
  readonly partition: number
  readonly key: Codec<K>
  readonly value: Codec<V>
  /** Whole RecordBatches, whose checksums are right. */
  readonly payload: Uint8Array
  readonly decompressedBytesMax: number
  readonly shape: BatchShape
}

/** A reader of the payload, and the row that it can go on at. */
interface Place {
  readonly reader: AgentReader
  row: number
}

export class ExtractedChunk<K, V> implements Chunk<K, V> {
  readonly #rows: ExtractedRows
  readonly #from: ExtractedFrom<K, V>
  /** Where the last walk of each kind ended: batches are slices, and mostly read in order. */
  readonly #places = new Map<string, Place>()

  constructor(rows: ExtractedRows, from: ExtractedFrom<K, V>) {
    this.#rows = rows
    this.#from = from
  }

  get length(): number {
    return this.#rows.length
  }

  get offsets(): Float64Array {
    return this.#rows.offsets
  }

  get timestamps(): Float64Array {
    return this.#rows.timestamps
  }

  get sizes(): Uint32Array {
    return this.#rows.sizes
  }

  column(index: number): BatchArray {
    return this.#rows.column(index)
  }

  present(index: number): Uint8Array {
    return this.#rows.present(index)
  }

  keys(from: number, to: number): K[] {
    const { key } = this.#from
    return Array.from(this.#walk('keys', from, to), (reader) => decodeGood(key, reader.key))
  }

  values(from: number, to: number): V[] {
    const { value, shape } = this.#from
    if (shape.makers !== undefined) return shape.makers.values(this.#rows, from, to) as V[]
    return Array.from(this.#walk('values', from, to), (reader) => decodeGood(value, reader.value))
  }

  events(from: number, to: number): Iterable<Event<K, V>> {
    const { topic, partition, shape } = this.#from
    const { keys, hasHeaders } = this.#rows
    if (shape.makers === undefined || keys === undefined || hasHeaders)
      return this.#decode(from, to)
    return shape.makers.events(this.#rows, from, to, topic, partition) as Event<K, V>[]
  }

  *#decode(from: number, to: number): Generator<Event<K, V>> {
    const { topic, partition, key, value } = this.#from
    for (const reader of this.#walk('events', from, to)) {
      const { offset, timestamp } = reader
      const headers = reader.headers()
      yield {
        key: decodeGood(key, reader.key),
        value: decodeGood(value, reader.value),
        ...{ topic, partition, offset, timestamp, headers },
      }
    }
  }

  /** The payload's reader, at each row in turn. */
  *#walk(kind: string, from: number, to: number): Generator<AgentReader> {
    const place = this.#placeFor(kind, from)
    try {
      for (; place.row < to; ) {
        const offset = this.offsets[place.row]
        // bad records in between, and rows before `from`
        do place.reader.next()
        while (place.reader.offset < offset)
        if (place.row++ >= from) yield place.reader
      }
    } finally {
      this.#places.set(kind, place)
    }
  }

  #placeFor(kind: string, row: number): Place {
    const place = this.#places.get(kind)
    this.#places.delete(kind)
    if (place !== undefined && place.row <= row) return place
    const { payload, decompressedBytesMax } = this.#from
    const reader = new AgentReader(this.offsets[row], { decompressedBytesMax, checkCrcs: false })
    reader.reset(payload)
    return { reader, row }
  }
}
