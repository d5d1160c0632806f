// What an extraction found, in arrays of its own: the shared memory is free again. Read by the
// batches of agents.

import { decodeWtf8 } from '../../record/wtf8.ts'
import type { Rejected } from '../lane.ts'
import type { ColumnType } from '../plan.ts'
import type { ColumnsBlock, ExtractedField } from './columns_block.ts'

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

/** Strings that are made when somebody wants them. */
interface Spans {
  /** Place in the text and bytes, in turn. */
  readonly spans: Uint32Array
}

type Copied = Exclude<BatchArray, readonly unknown[]> | Spans

/** From so many characters on V8 makes a substring a view, which keeps the whole text alive. */
const viewedFrom = 13
const replaced = '\ufffd'

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
  readonly #columns: (Copied | BatchArray)[]
  readonly #present: (Uint8Array | undefined)[]
  readonly #text: Buffer
  readonly #isAscii: boolean
  /** The text as one string, for short parts of it. */
  #whole: string | undefined

  constructor(block: ColumnsBlock, fields: readonly ExtractedField[], bad: readonly Rejected[]) {
    const { buffer } = block.memory.wasm
    const length = block.rows
    this.length = length
    this.nextOffset = block.nextOffset
    this.bad = bad
    this.offsets = new Float64Array(buffer, block.offsets, length).slice()
    this.timestamps = new Float64Array(buffer, block.timestamps, length).slice()
    this.sizes = new Uint32Array(buffer, block.sizes, length).slice()
    this.#text = Buffer.from(block.memory.span(block.text, block.textBytes))
    this.#isAscii = block.isAscii
    this.#columns = fields.map(({ type }, i) =>
      copyColumn(buffer, block.columns[i].values, type, length),
    )
    this.#present = block.columns.map(({ present }) =>
      present === 0 ? undefined : new Uint8Array(buffer, present, length).slice(),
    )
  }

  column(index: number): BatchArray {
    let column = this.#columns[index]
    if ('spans' in column) {
      column = this.#strings(column.spans, this.#present[index])
      this.#columns[index] = column
    }
    return column
  }

  present(index: number): Uint8Array {
    this.#present[index] ??= new Uint8Array(this.length).fill(1)
    return this.#present[index]
  }

  #strings(spans: Uint32Array, present: Uint8Array | undefined): (string | undefined)[] {
    const strings: (string | undefined)[] = []
    const read = this.#isAscii ? this.#ascii() : this.#unicode()
    for (let row = 0; row < this.length; row++) {
      const at = spans[2 * row]
      const isThere = present === undefined || present[row] !== 0
      strings.push(isThere ? read(at, at + spans[2 * row + 1]) : undefined)
    }
    return strings
  }

  #ascii(): (from: number, to: number) => string {
    const text = this.#text
    const whole = (this.#whole ??= text.toString('latin1'))
    return (from, to) =>
      to - from < viewedFrom ? whole.substring(from, to) : text.toString('latin1', from, to)
  }

  #unicode(): (from: number, to: number) => string {
    const text = this.#text
    return (from, to) => {
      const read = text.toString('utf8', from, to)
      return read.includes(replaced) ? decodeWtf8(text.subarray(from, to)) : read
    }
  }
}

function copyColumn(
  buffer: SharedArrayBuffer,
  at: number,
  type: ColumnType,
  length: number,
): Copied {
  if (type === 'string') return { spans: new Uint32Array(buffer, at, 2 * length).slice() }
  if (type === 'int64') return new BigInt64Array(buffer, at, length).slice()
  if (type === 'boolean') return new Uint8Array(buffer, at, length).slice()
  if (type === 'float32') return new Float32Array(buffer, at, length).slice()
  return new Float64Array(buffer, at, length).slice()
}
