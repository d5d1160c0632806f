// What an extraction found, in arrays of its own: the shared memory is free again. Read by the
// batches of agents.

import type { Rejected } from '../lane.ts'
import type { ColumnType } from '../plan.ts'
import type { ColumnsBlock, ExtractedField } from './columns_block.ts'
import { RowsText } from './rows_text.ts'

/**
 * The values of a field: numbers, or strings. Missing ones are NaN in floats, 0 in others,
 * undefined among strings.
 */
export type BatchArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Uint8Array
  | readonly (string | undefined)[]

/** As kernels write them; strings as spans of the text, two numbers each. */
type StoredArray = Exclude<BatchArray, readonly unknown[]> | Uint32Array

export class ExtractedRows {
  readonly length: number
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  /** Bytes of each record, uncompressed. */
  readonly sizes: Uint32Array
  /** Every record below it is a row, or bad, or was not wanted. */
  readonly nextOffset: number
  /** What was left out, in the order of offsets. */
  readonly bad: readonly Rejected[]
  readonly text: RowsText
  /** Spans of the keys, where they were asked for. */
  readonly keys: Uint32Array | undefined
  /** At least one record has some. */
  readonly hasHeaders: boolean
  readonly #stored: readonly StoredArray[]
  readonly #firstSpans: Uint32Array | undefined
  readonly #marks: readonly (Uint8Array | undefined)[]
  readonly #strings = new Map<number, readonly (string | undefined)[]>()
  readonly #present = new Map<number, Uint8Array>()

  constructor(block: ColumnsBlock, fields: readonly ExtractedField[], bad: readonly Rejected[]) {
    const { buffer } = block.memory.wasm
    const length = block.rows
    this.length = length
    this.nextOffset = block.nextOffset
    this.bad = bad
    this.offsets = new Float64Array(buffer, block.offsets, length).slice()
    this.timestamps = new Float64Array(buffer, block.timestamps, length).slice()
    this.sizes = new Uint32Array(buffer, block.sizes, length).slice()
    this.text = new RowsText(Buffer.from(block.memory.span(block.text, block.textBytes)))
    this.keys = block.keys === 0 ? undefined : copySpans(buffer, block.keys, length)
    this.hasHeaders = block.hasHeaders
    this.#stored = fields.map(({ type }, i) =>
      copyColumn(buffer, block.columns[i].values, type, length),
    )
    this.#firstSpans = this.#stored.find((each) => each instanceof Uint32Array)
    this.#marks = block.columns.map(({ present }) =>
      present === 0 ? undefined : new Uint8Array(buffer, present, length).slice(),
    )
  }

  column(index: number): BatchArray {
    const stored = this.#stored[index]
    if (!(stored instanceof Uint32Array)) return stored
    let strings = this.#strings.get(index)
    if (strings === undefined) {
      strings = this.#read(stored, this.#marks[index])
      this.#strings.set(index, strings)
    }
    return strings
  }

  present(index: number): Uint8Array {
    let present = this.#present.get(index)
    if (present === undefined) {
      const marks = this.#marks[index]
      present = marks?.map((mark) => mark & 1) ?? new Uint8Array(this.length).fill(1)
      this.#present.set(index, present)
    }
    return present
  }

  /** As kernels wrote it: nobody may change it. */
  stored(index: number): StoredArray {
    return this.#stored[index]
  }

  /** 1: a value, 2: null, 0: absent. Undefined where the field is always there. */
  marks(index: number): Uint8Array | undefined {
    return this.#marks[index]
  }

  /** Where the texts of the row begin; those of rows behind it follow. */
  textAt(row: number): number {
    if (row === this.length) return this.text.length
    const spans = this.keys ?? this.#firstSpans
    return spans === undefined ? 0 : spans[2 * row]
  }

  #read(spans: Uint32Array, marks: Uint8Array | undefined): (string | undefined)[] {
    const { text, length } = this
    const strings: (string | undefined)[] = []
    for (let row = 0; row < length; row++) {
      const isThere = marks === undefined || marks[row] === 1
      strings.push(isThere ? text.read(spans[2 * row], spans[2 * row + 1]) : undefined)
    }
    return strings
  }
}

function copyColumn(
  buffer: SharedArrayBuffer,
  at: number,
  type: ColumnType,
  length: number,
): StoredArray {
  if (type === 'string') return copySpans(buffer, at, length)
  if (type === 'int64') return new BigInt64Array(buffer, at, length).slice()
  if (type === 'boolean') return new Uint8Array(buffer, at, length).slice()
  if (type === 'float32') return new Float32Array(buffer, at, length).slice()
  return new Float64Array(buffer, at, length).slice()
}

function copySpans(buffer: SharedArrayBuffer, at: number, length: number): Uint32Array {
  return new Uint32Array(buffer, at, 2 * length).slice()
}
