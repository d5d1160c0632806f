// Rows of a windowed table as cuts bring them, packed. Used by store.ts.
import { KEY_WINDOW_BYTES, writeWindowPrefix } from '../../src/batch/keys.ts'
import { eachRow, ROW_HEADER_BYTES, ROW_PUT } from '../../src/batch/rows.ts'
import { sliceBound } from '../../src/table/cell.ts'
import type { Store } from '../../src/table/store.ts'

const TABLE = 1
const KEY_BYTES = 21
const VALUE_BYTES = 24
const ROW_BYTES = ROW_HEADER_BYTES + KEY_BYTES + VALUE_BYTES

/** Key `numbers[i]` in the slice that starts at `slice`; the number is in its value too. */
export function pack(slice: number, numbers: ArrayLike<number>): Uint8Array {
  const rows = new Uint8Array(numbers.length * ROW_BYTES)
  const view = new DataView(rows.buffer)
  for (let i = 0; i < numbers.length; i++) {
    const row = i * ROW_BYTES
    view.setUint8(row, ROW_PUT)
    view.setUint16(row + 2, KEY_BYTES, true)
    view.setUint32(row + 4, VALUE_BYTES, true)
    const key = row + ROW_HEADER_BYTES
    writeWindowPrefix(view, key, TABLE, BigInt(slice), 0)
    view.setUint32(key + KEY_WINDOW_BYTES, numbers[i])
    view.setFloat64(key + KEY_BYTES, numbers[i], true)
  }
  return rows
}

/** The key of the row with that index among packed ones. */
export function keyOf(rows: Uint8Array, index: number): Uint8Array {
  const start = index * ROW_BYTES + ROW_HEADER_BYTES
  return rows.subarray(start, start + KEY_BYTES)
}

/** What pack has put there. */
export function numberOf(value: Buffer): number {
  return value.readDoubleLE(0)
}

/** Fills a slice in the order of its keys, as a restore does. */
export async function fill(
  store: Store,
  slice: number,
  { rows, batchRows }: { readonly rows: number; readonly batchRows: number },
): Promise<void> {
  const load = store.load()
  for (let from = 0; from < rows; from += batchRows) {
    const numbers = Array.from({ length: Math.min(batchRows, rows - from) }, (_, i) => from + i)
    await load.putRows(pack(slice, numbers))
  }
  await load.finish()
}

/** Rows from the slice on, in key order, counted without an object each. */
export async function countRows(store: Store, slice: number): Promise<number> {
  let rows = 0
  const bounds = { gte: sliceBound(TABLE, slice), lt: sliceBound(TABLE, Number.POSITIVE_INFINITY) }
  for await (const chunk of store.scanRows(bounds)) eachRow(chunk, () => rows++)
  return rows
}

/** Deletes the slices from one on up to another. */
export function expire(store: Store, from: number, to: number): Promise<void> {
  return store.deleteRange(sliceBound(TABLE, from), sliceBound(TABLE, to))
}
