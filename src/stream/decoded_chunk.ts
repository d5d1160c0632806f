// Records that were decoded one by one, with columns made of the values when they are asked for:
// for values of any type. What kernels extract has to be the same.

import type { BatchArray } from '../kernel/extract/extracted_rows.ts'
import type { ColumnType } from '../kernel/plan.ts'
import type { ColumnValue } from '../kernel/reference/accumulate.ts'
import { fieldReader } from '../kernel/reference/columns.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Chunk } from './chunk.ts'
import type { Event } from './events.ts'

interface Column {
  readonly values: BatchArray
  readonly present: Uint8Array
}

export class DecodedChunk<K, V> implements Chunk<K, V> {
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  readonly sizes: Uint32Array
  readonly #events: readonly Event<K, V>[]
  readonly #shape: BatchShape
  readonly #columns = new Map<number, Column>()

  constructor(events: readonly Event<K, V>[], sizes: readonly number[], shape: BatchShape) {
    this.#events = events
    this.#shape = shape
    this.offsets = Float64Array.from(events, ({ offset }) => offset)
    this.timestamps = Float64Array.from(events, ({ timestamp }) => timestamp)
    this.sizes = Uint32Array.from(sizes)
  }

  get length(): number {
    return this.#events.length
  }

  column(index: number): BatchArray {
    return this.#column(index).values
  }

  present(index: number): Uint8Array {
    return this.#column(index).present
  }

  keys(from: number, to: number): K[] {
    return this.#events.slice(from, to).map(({ key }) => key)
  }

  values(from: number, to: number): V[] {
    return this.#events.slice(from, to).map(({ value }) => value)
  }

  events(from: number, to: number): readonly Event<K, V>[] {
    return this.#events.slice(from, to)
  }

  #column(index: number): Column {
    let column = this.#columns.get(index)
    if (column === undefined) {
      const { path, type } = this.#shape.columns[index]
      column = columnOf(this.#events, fieldReader(path), type)
      this.#columns.set(index, column)
    }
    return column
  }
}

/** Missing values are NaN in columns of floats, 0 in others, and undefined among strings. */
function columnOf(
  events: readonly Event<unknown, unknown>[],
  read: (value: unknown) => ColumnValue,
  type: ColumnType,
): Column {
  const present = new Uint8Array(events.length)
  if (type === 'string') {
    const values = events.map(({ value }, i) => {
      const text = read(value) as string | null
      present[i] = text === null ? 0 : 1
      return text ?? undefined
    })
    return { values, present }
  }
  const values = emptyColumn(type, events.length)
  for (let i = 0; i < events.length; i++) {
    const value = read(events[i].value)
    if (value === null) continue
    present[i] = 1
    // a bigint for int64, a boolean is stored as 1 or 0
    values[i] = value as number
  }
  return { values, present }
}

function emptyColumn(
  type: Exclude<ColumnType, 'string'>,
  length: number,
): Exclude<BatchArray, readonly unknown[]> {
  if (type === 'int64') return new BigInt64Array(length)
  if (type === 'boolean') return new Uint8Array(length)
  const floats = type === 'float32' ? Float32Array : Float64Array
  return new floats(length).fill(Number.NaN)
}
