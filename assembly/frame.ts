// The frame of one record: where its key, its value and its end are. Kept in globals, which are
// each thread's own and mean nothing from one record to the next: a function returns only one
// value.
import * as batch from './batch'
import { varint, varintBytes } from './varint'

/** First byte after the record's length, and the byte behind the record. */
export let body: usize = 0
export let end: usize = 0
export let offset: i64 = 0
export let timestamp: i64 = 0
export let key: usize = 0
/** -1: null. */
export let keyLength: i32 = 0
export let value: usize = 0
/** -1: null. */
export let valueLength: i32 = 0

/** A record has at least attributes, two deltas, two lengths and a count of headers. */
const RECORD_BYTES_MIN: i64 = 6

/**
 * Reads the frame of the record at `at`; every span is checked against `limit`. Returns the address
 * behind the record, or 0 where it is malformed.
 */
export function readFrame(at: usize, limit: usize, header: usize): usize {
  if (at >= limit) return 0
  let bytes = varintBytes(at)
  const length = varint(at, bytes)
  body = at + bytes
  if (bytes > 5 || body > limit || length < RECORD_BYTES_MIN) return 0
  if (length > <i64>(limit - body)) return 0
  end = body + <usize>length
  let p = body + 1
  bytes = varintBytes(p)
  if (bytes > 10) return 0
  const delta = varint(p, bytes)
  timestamp = batch.isLogAppendTime(header)
    ? batch.maxTimestamp(header)
    : batch.baseTimestamp(header) + delta
  p += bytes
  bytes = varintBytes(p)
  if (bytes > 5) return 0
  offset = batch.baseOffset(header) + varint(p, bytes)
  p += bytes
  key = span(p)
  if (key == 0) return 0
  keyLength = spanLength
  value = span(keyLength > 0 ? key + keyLength : key)
  if (value == 0) return 0
  valueLength = spanLength
  return end
}

let spanLength: i32 = 0

/** The bytes behind the length at `p`, inside the record; 0 where they do not fit. */
// @ts-ignore: decorator
@inline
function span(p: usize): usize {
  const bytes = varintBytes(p)
  const length = varint(p, bytes)
  const start = p + bytes
  if (bytes > 5 || start > end || length < -1 || length > <i64>(end - start)) return 0
  spanLength = <i32>length
  return start
}
