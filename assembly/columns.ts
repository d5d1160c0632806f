// Appends records to columns, for batches of agents: what the lanes' extraction finds of a record
// is written to arrays, a row each. Called by consume for a lane whose plan is a columns block,
// which src/kernel/extract/columns_block.ts writes and draws.
import * as frame from './frame'
import * as lane from './lane'
import { extract, refuse } from './at_hand'
import {
  BOOLEAN, FLOAT32, INT64, NULL, PRESENT, SLOT_LENGTH, SLOT_POINTER, SLOT_STATE, SLOT_VALUE, STRING,
} from './json/layout'
import { validUtf8 } from './json/utf8'
import { KEY_IS_NEEDED, KEY_IS_TEXT } from './plan'
import { INVALID_UTF8, NULL_KEY } from './reasons'

const ROWS_MAX: usize = 8
const ROWS: usize = 12
const OFFSETS: usize = 16
const TIMESTAMPS: usize = 20
const SIZES: usize = 24
const COLUMN_COUNT: usize = 28
/** u32 pointers: the text area, where its next string goes, and its end. */
const TEXT: usize = 32
const TEXT_NEXT: usize = 36
const TEXT_END: usize = 40
/** u32 pointer: spans of the keys, or 0 where they are not wanted. */
const KEYS: usize = 44
/** u32: a record has headers. */
const HAS_HEADERS: usize = 48
const COLUMNS: usize = 64

const COLUMN_TYPE: usize = 0
const COLUMN_SLOT: usize = 4
const COLUMN_VALUES: usize = 8
/** 0: the field is always there. */
const COLUMN_PRESENT: usize = 12
const COLUMN_BYTES: usize = 16
/** In a span's length: a byte of the string is above 0x7f. */
const NON_ASCII: u32 = 0x80000000
/** A span's length that stands for null. */
const NO_TEXT: u32 = 0xffffffff
/** Marks of presence. */
const IS_PRESENT: u8 = 1
const IS_NULL: u8 = 2

/** A reason, or 0. */
// @ts-ignore: decorator
@inline
function checkKey(flags: u32): i32 {
  if (frame.keyLength < 0) return flags & KEY_IS_NEEDED ? NULL_KEY : 0
  if (!(flags & KEY_IS_TEXT) || validUtf8(frame.key, <usize>frame.keyLength)) return 0
  return INVALID_UTF8
}

/** Appends the record at hand. Returns a status; nothing has changed where it is not DONE. */
export function appendRow(at: usize, block: usize, flags: u32): i32 {
  const row: usize = load<u32>(block, ROWS)
  if (row == <usize>load<u32>(block, ROWS_MAX)) return lane.FULL
  let reason = extract(at, load<u32>(at, lane.SCHEMA))
  if (reason < 0) {
    store<u32>(at, <u32>frame.valueLength, lane.NEED)
    return lane.TEXT_FULL
  }
  if (reason == 0) reason = checkKey(flags)
  if (reason != 0) return refuse(at, reason)
  if (!writeColumns(block, load<u32>(at, lane.SLOTS), row)) return lane.FULL
  // behind the value is the number of headers
  const headers = frame.value + <usize>max<i32>(frame.valueLength, 0)
  if (load<u8>(headers) != 0) store<u32>(block, 1, HAS_HEADERS)
  store<f64>(<usize>load<u32>(block, OFFSETS) + (row << 3), <f64>frame.offset)
  store<f64>(<usize>load<u32>(block, TIMESTAMPS) + (row << 3), <f64>frame.timestamp)
  store<u32>(<usize>load<u32>(block, SIZES) + (row << 2), <u32>(frame.end - frame.body))
  store<u32>(block, <u32>row + 1, ROWS)
  store<i64>(at, frame.offset + 1, lane.NEXT_OFFSET)
  return lane.DONE
}

/** False where a string does not fit; the row counts only once it is whole. */
function writeColumns(block: usize, slots: usize, row: usize): bool {
  let text: usize = load<u32>(block, TEXT_NEXT)
  const keys: usize = load<u32>(block, KEYS)
  if (keys != 0) {
    text = writeText(block, keys + (row << 3), text, frame.key, frame.keyLength)
    if (text == 0) return false
  }
  let column = block + COLUMNS
  const end = column + <usize>load<u32>(block, COLUMN_COUNT) * COLUMN_BYTES
  for (; column < end; column += COLUMN_BYTES) {
    const type = load<u32>(column, COLUMN_TYPE)
    const slot = slots + <usize>load<u32>(column, COLUMN_SLOT)
    const values: usize = load<u32>(column, COLUMN_VALUES)
    const state = load<u32>(slot, SLOT_STATE)
    const present = state == PRESENT
    const marks: usize = load<u32>(column, COLUMN_PRESENT)
    if (marks != 0) store<u8>(marks + row, present ? IS_PRESENT : state == NULL ? IS_NULL : 0)
    if (type == STRING) {
      const length = present ? load<i32>(slot, SLOT_LENGTH) : 0
      text = writeText(block, values + (row << 3), text, load<u32>(slot, SLOT_POINTER), length)
      if (text == 0) return false
    } else if (type == INT64) {
      store<i64>(values + (row << 3), present ? load<i64>(slot, SLOT_VALUE) : 0)
    } else if (type == BOOLEAN) {
      store<u8>(values + row, present && load<f64>(slot, SLOT_VALUE) != 0 ? 1 : 0)
    } else {
      const value = present ? load<f64>(slot, SLOT_VALUE) : NaN
      if (type == FLOAT32) store<f32>(values + (row << 2), <f32>value)
      else store<f64>(values + (row << 3), value)
    }
  }
  store<u32>(block, <u32>text, TEXT_NEXT)
  return true
}

/** Copies a string and writes its span; returns the end of its text, or 0 where it does not fit. */
// @ts-ignore: decorator
@inline
function writeText(block: usize, span: usize, text: usize, source: usize, bytes: i32): usize {
  const length = <usize>max<i32>(bytes, 0)
  if (text + length > <usize>load<u32>(block, TEXT_END)) return 0
  const high = copyText(text, source, length)
  store<u32>(span, <u32>(text - <usize>load<u32>(block, TEXT)))
  store<u32>(span, bytes < 0 ? NO_TEXT : high ? <u32>length | NON_ASCII : <u32>length, 4)
  return text + length
}

/**
 * Sixteen bytes at a time, up to fifteen past both ends: the text area has that much slack. True
 * where a byte of the string is above 0x7f.
 */
// @ts-ignore: decorator
@inline
function copyText(target: usize, source: usize, length: usize): bool {
  let high: i32 = 0
  for (let done: usize = 0; done < length; done += 16) {
    const bytes = v128.load(source + done)
    const rest = length - done
    const mask: i32 = rest < 16 ? (1 << <i32>rest) - 1 : 0xffff
    high |= i8x16.bitmask(bytes) & mask
    v128.store(target + done, bytes)
  }
  return high != 0
}
