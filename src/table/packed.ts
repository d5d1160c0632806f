// Rows and values packed into one buffer: what stores take and give where an object per row would
// cost more than the row. Used by the stores and by the cut.
//
//   rows     batch/rows.ts
//   values   ┌ length u32 ┬ bytes ┐┌ … in the order in which they were asked for; little-endian;
//            └────────────┴───────┘   MISSING for none
import { eachRow, ROW_DELTA, ROW_HEADER_BYTES, ROW_PUT, writeRow } from '../batch/rows.ts'
import type { StoreEntry } from './store.ts'

/** Length of a value that is not there. */
export const MISSING = 0xffffffff

const LENGTH_BYTES = 4
const CHUNK_BYTES = 64 * 1024

/** A view, no copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Keys of the deltas among packed rows, copied. */
export function deltaKeys(rows: Uint8Array): Buffer[] {
  const keys: Buffer[] = []
  eachRow(rows, (op, keyStart, keyEnd) => {
    if (op === ROW_DELTA) keys.push(Buffer.from(rows.subarray(keyStart, keyEnd)))
  })
  return keys
}

/** Rows to put, without values: keys that are asked for. */
export function packKeys(keys: readonly Uint8Array[]): Uint8Array {
  let bytes = 0
  for (const key of keys) bytes += ROW_HEADER_BYTES + key.length
  const rows = new Uint8Array(bytes)
  const none = new Uint8Array(0)
  let at = 0
  for (const key of keys) at = writeRow(rows, at, ROW_PUT, key, none)
  return rows
}

export function packValues(values: readonly (Uint8Array | undefined)[]): Buffer {
  let bytes = 0
  for (const value of values) bytes += LENGTH_BYTES + (value?.length ?? 0)
  const packed = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for (const value of values) {
    at = packed.writeUInt32LE(value?.length ?? MISSING, at)
    if (value === undefined) continue
    packed.set(value, at)
    at += value.length
  }
  return packed
}

/** Views of the values. */
export function unpackValues(packed: Buffer): (Buffer | undefined)[] {
  const values: (Buffer | undefined)[] = []
  for (let at = 0; at < packed.length; ) {
    const length = packed.readUInt32LE(at)
    at += LENGTH_BYTES
    if (length === MISSING) {
      values.push(undefined)
      continue
    }
    values.push(packed.subarray(at, at + length))
    at += length
  }
  return values
}

/** Values one after the other, without an object for each. */
export class ValueReader {
  readonly view: DataView
  #at = 0
  /** Of the value that `next` has gone to; MISSING for none. */
  length = 0

  constructor(packed: Uint8Array) {
    this.view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  }

  /** Offset of the next value in the view. */
  next(): number {
    this.length = this.view.getUint32(this.#at, true)
    const start = this.#at + LENGTH_BYTES
    this.#at = this.length === MISSING ? start : start + this.length
    return start
  }
}

/** A buffer of packed rows that grows. */
export class RowWriter {
  #rows = new Uint8Array(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  add(op: number, key: Uint8Array, value: Uint8Array): void {
    this.#fit(ROW_HEADER_BYTES + key.length + value.length)
    this.#length = writeRow(this.#rows, this.#length, op, key, value)
  }

  /** Copies packed rows. */
  addAll(rows: Uint8Array): void {
    this.#fit(rows.length)
    this.#rows.set(rows, this.#length)
    this.#length += rows.length
  }

  /** The rows so far, which are no longer the writer's. */
  take(): Uint8Array {
    const rows = this.#rows.subarray(0, this.#length)
    this.#rows = new Uint8Array(0)
    this.#length = 0
    return rows
  }

  #fit(bytes: number): void {
    const end = this.#length + bytes
    if (end <= this.#rows.length) return
    const larger = new Uint8Array(Math.max(end, 2 * this.#rows.length, 1024))
    larger.set(this.#rows.subarray(0, this.#length))
    this.#rows = larger
  }
}

/** Packs entries into chunks of rows to put. */
export async function* packEntries(
  entries: AsyncIterable<StoreEntry>,
): AsyncGenerator<Uint8Array, void> {
  const rows = new RowWriter()
  for await (const [key, value] of entries) {
    rows.add(ROW_PUT, key, value)
    if (rows.length >= CHUNK_BYTES) yield rows.take()
  }
  if (rows.length > 0) yield rows.take()
}
