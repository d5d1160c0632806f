// Packed rows as records of a changelog, in plain TypeScript: what backend js and small cuts run,
// and the oracle of the kernel (assembly/changelog_encode.ts), which writes the same bytes.
//
//   row   op │ 0 │ lengths │ table u16 │ rest of the key │ value
//   record   attributes 0 │ time 0 │ offset │ key: 00 01 │ rest of the key │ value, or null │ 0
import assert from 'node:assert'
import { KEY_TABLE_BYTES } from '../../batch/keys.ts'
import { ROW_DELETE, ROW_DELTA, ROW_HEADER_BYTES } from '../../batch/rows.ts'
import { varintSize, writeVarint } from '../../wire/varint.ts'
import type { BatchSpan } from './batch_span.ts'

/** Number of every table in the keys of its changelog: stores number their tables themselves. */
export const CHANGELOG_TABLE = 1
/** Attributes, difference of the time, count of headers. */
const FIXED_BYTES = 3
/** Bytes of a record beyond its key and value at most, its length included. */
export const RECORD_OVERHEAD_MAX = 23
/** Up to here a loop copies faster than a native call with its view. */
const LOOP_COPY_MAX = 96

/**
 * Appends rows[from …) until the next one does not fit; returns where that one begins. Rows are
 * puts and deletes.
 */
export function encodeRows(span: BatchSpan, rows: Uint8Array, from: number): number {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  let row = from
  while (row < rows.length) {
    const op = rows[row]
    assert(op !== ROW_DELTA, 'a changelog has whole states only')
    const key = row + ROW_HEADER_BYTES
    const value = key + view.getUint16(row + 2, true)
    const end = value + view.getUint32(row + 4, true)
    const valueLength = op === ROW_DELETE ? -1 : end - value
    const start = beginRecord(span, value - key, valueLength)
    if (start === undefined) break
    const { bytes } = span
    bytes[start] = CHANGELOG_TABLE >>> 8
    bytes[start + 1] = CHANGELOG_TABLE
    copy(rows, key + KEY_TABLE_BYTES, value, bytes, start + KEY_TABLE_BYTES)
    endRecord(span, start + value - key, rows, value, valueLength)
    row = end
  }
  return row
}

/** Appends a record with that key as it is; false where it does not fit. */
export function appendRecord(span: BatchSpan, key: Uint8Array, value: Uint8Array): boolean {
  const start = beginRecord(span, key.length, value.length)
  if (start === undefined) return false
  span.bytes.set(key, start)
  endRecord(span, start + key.length, value, 0, value.length)
  return true
}

/** Writes what comes before the key; where that goes, undefined where the record does not fit. */
function beginRecord(span: BatchSpan, keyLength: number, valueLength: number): number | undefined {
  const { bytes, count } = span
  const body =
    FIXED_BYTES +
    varintSize(count) +
    varintSize(keyLength) +
    keyLength +
    varintSize(valueLength) +
    Math.max(0, valueLength)
  if (span.at + varintSize(body) + body > bytes.length) return undefined
  let at = writeVarint(bytes, span.at, body)
  bytes[at++] = 0
  bytes[at++] = 0
  at = writeVarint(bytes, at, count)
  return writeVarint(bytes, at, keyLength)
}

/** `valueLength` -1: null. */
function endRecord(
  span: BatchSpan,
  start: number,
  source: Uint8Array,
  from: number,
  valueLength: number,
): void {
  const { bytes } = span
  let at = writeVarint(bytes, start, valueLength)
  if (valueLength > 0) {
    copy(source, from, from + valueLength, bytes, at)
    at += valueLength
  }
  bytes[at++] = 0
  span.at = at
  span.count++
}

function copy(
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  start: number,
): void {
  if (to - from > LOOP_COPY_MAX) target.set(source.subarray(from, to), start)
  else for (let i = from, at = start; i < to; i++, at++) target[at] = source[i]
}
