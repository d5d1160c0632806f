// The value of a declared field: its syntax, its type, and its slot. A result is the position
// behind the value, 0 if it is not JSON, with a reason in bits 32 and up (0: fine).
import { WRONG_TYPE } from '../reasons'
import {
  ABSENT, ALSE_WORD, BACKSLASH, BLOCK_COLUMNS, BOOLEAN, CLOSE_OBJECT, COMMA, FIELD_CLEAR,
  FIELD_CLEARS, FIELD_DETAIL, FIELD_NULLABLE, FIELD_SLOT, FIELD_TYPE, FLOAT32, FLOAT64, INT64,
  INTEGER, LITERAL, MINUS, NULL, NULL_WORD, NUMBER, PRESENT, QUOTE, RECORD, SCRATCH_ESCAPED,
  SCRATCH_FAILURE, SCRATCH_SCHEMA, SCRATCH_TEXT, SCRATCH_TEXT_END, SLOT_BYTES, SLOT_LENGTH,
  SLOT_POINTER, SLOT_STATE, SLOT_VALUE, SPACE, STRING, TEXT_TOO_SMALL, TIMESTAMP, TRUE_WORD, ZERO,
} from './layout'
import { isSpace, numberEnd, skipValue } from './skip'
import { readDouble, readInt64, readInteger } from './number'
import { stringEnd, unescape } from './text'
import { isoTime } from './time'

/** Milliseconds of an ISO-8601 text, NaN if it is none. */
// @ts-ignore: decorator
@external("env", "slowTimestamp")
declare function slowTimestamp(ptr: usize, length: u32): f64

/** Checks a value whose type no kernel knows; 0 or a reason. `field` counts those of the schema. */
// @ts-ignore: decorator
@external("env", "checkField")
declare function checkField(schema: usize, field: u32, ptr: usize, length: u32): i32

const WRONG: u64 = <u64>WRONG_TYPE << 32

export function readValue(field: usize, p: usize, end: usize, scratch: usize, slots: usize): u64 {
  const type: u32 = load<u8>(field, FIELD_TYPE)
  const c: u32 = load<u8>(p)
  const slot = slots + <isize>load<i32>(field, FIELD_SLOT)
  if (type == STRING) {
    if (c == QUOTE) return readString(p + 1, end, scratch, slot, slots)
  } else if (type == FLOAT64) {
    if (c == MINUS || c - ZERO < 10) {
      store<u32>(slot, PRESENT, SLOT_STATE)
      return <u64>readDouble(p, slot)
    }
  } else if (type == NUMBER) {
    if (c == MINUS || c - ZERO < 10) return <u64>numberEnd(p, end)
  } else if (type == INTEGER || type == TIMESTAMP) {
    if (c == MINUS || c - ZERO < 10) {
      store<u32>(slot, PRESENT, SLOT_STATE)
      return readInteger(p, slot)
    }
    if (type == TIMESTAMP && c == QUOTE) return readTimestamp(p + 1, end, scratch, slot)
  } else if (type == INT64) {
    if (c == MINUS || c - ZERO < 10) {
      store<u32>(slot, PRESENT, SLOT_STATE)
      return readInt64(p, slot)
    }
  } else if (type == FLOAT32) {
    if (c == MINUS || c - ZERO < 10) {
      const next = readDouble(p, slot)
      store<u32>(slot, PRESENT, SLOT_STATE)
      store<f64>(slot, <f64>(<f32>load<f64>(slot, SLOT_VALUE)), SLOT_VALUE)
      return <u64>next
    }
  } else if (type == BOOLEAN) {
    const yes = load<u32>(p) == TRUE_WORD
    if (yes || (c == 0x66 && load<u32>(p, 1) == ALSE_WORD)) {
      store<u32>(slot, PRESENT, SLOT_STATE)
      store<f64>(slot, yes ? 1 : 0, SLOT_VALUE)
      return <u64>(p + (yes ? 4 : 5))
    }
  } else if (type == LITERAL) {
    return readLiteral(field, p, end, scratch)
  } else if (type != RECORD) {
    return readChecked(field, load<u32>(field, FIELD_DETAIL), p, end, scratch)
  }
  return readOther(field, p, end, scratch, slots, slot)
}

/** A null, or a value of another type than the field's. */
function readOther(
  field: usize, p: usize, end: usize, scratch: usize, slots: usize, slot: usize,
): u64 {
  const next = skipValue(p, end, scratch)
  if (!next) return 0
  const isNull = load<u32>(p) == NULL_WORD
  store<u32>(slot, isNull ? NULL : ABSENT, SLOT_STATE)
  clearColumns(field, scratch, slots)
  return isNull && load<u8>(field, FIELD_NULLABLE) ? <u64>next : WRONG | <u64>next
}

/** Makes the columns inside a nested record absent: a later duplicate replaces all of it. */
export function clearColumns(field: usize, scratch: usize, slots: usize): void {
  let at = <usize>load<u32>(scratch, SCRATCH_SCHEMA) + load<u32>(field, FIELD_CLEAR)
  for (let n = load<u32>(field, FIELD_CLEARS); n > 0; --n, at += 4) {
    store<u32>(slots + <usize>load<u32>(at), ABSENT, SLOT_STATE)
  }
}

/** `p` is behind the opening quote. */
// @ts-ignore: decorator
@inline
function readString(p: usize, end: usize, scratch: usize, slot: usize, slots: usize): u64 {
  const block = v128.load(p)
  // Signed, so that it also stops at bytes above 0x7f.
  const special = i8x16.bitmask(
    v128.or(
      v128.or(
        i8x16.eq(block, i8x16.splat(<i8>QUOTE)),
        i8x16.eq(block, i8x16.splat(<i8>BACKSLASH)),
      ),
      i8x16.lt_s(block, i8x16.splat(<i8>SPACE)),
    ),
  )
  const at: usize = ctz(special)
  if (special != 0 && load<u8>(p + at) == QUOTE) {
    store<u32>(slot, PRESENT, SLOT_STATE)
    store<u32>(slot, <u32>p, SLOT_POINTER)
    store<u32>(slot, <u32>at, SLOT_LENGTH)
    return p + at < end ? <u64>(p + at + 1) : 0
  }
  return readLongString(p, end, scratch, slot, slots)
}

function readLongString(p: usize, end: usize, scratch: usize, slot: usize, slots: usize): u64 {
  store<u32>(scratch, 0, SCRATCH_ESCAPED)
  const next = stringEnd(p, end, scratch)
  if (!next) return 0
  store<u32>(slot, PRESENT, SLOT_STATE)
  let length = next - 1 - p
  if (slot >= slots && load<u32>(scratch, SCRATCH_ESCAPED)) {
    const text = <usize>load<u32>(scratch, SCRATCH_TEXT)
    if (text + length > <usize>load<u32>(scratch, SCRATCH_TEXT_END)) return tooSmall(scratch)
    const textEnd = unescape(p, next - 1, text)
    store<u32>(scratch, <u32>textEnd, SCRATCH_TEXT)
    p = text
    length = textEnd - text
  }
  store<u32>(slot, <u32>p, SLOT_POINTER)
  store<u32>(slot, <u32>length, SLOT_LENGTH)
  return <u64>next
}

function tooSmall(scratch: usize): u64 {
  store<i32>(scratch, TEXT_TOO_SMALL, SCRATCH_FAILURE)
  return 0
}

/** `p` is behind the opening quote. */
function readTimestamp(p: usize, end: usize, scratch: usize, slot: usize): u64 {
  store<u32>(scratch, 0, SCRATCH_ESCAPED)
  const next = stringEnd(p, end, scratch)
  if (!next) return 0
  let textEnd = next - 1
  if (load<u32>(scratch, SCRATCH_ESCAPED)) {
    const text = <usize>load<u32>(scratch, SCRATCH_TEXT)
    if (text + (textEnd - p) > <usize>load<u32>(scratch, SCRATCH_TEXT_END)) return tooSmall(scratch)
    textEnd = unescape(p, textEnd, text)
    p = text
  }
  let value = isoTime(p, textEnd)
  if (value != value) value = slowTimestamp(p, <u32>(textEnd - p))
  store<u32>(slot, PRESENT, SLOT_STATE)
  store<f64>(slot, value, SLOT_VALUE)
  return value == value ? <u64>next : WRONG | <u64>next
}

function readChecked(field: usize, detail: u32, p: usize, end: usize, scratch: usize): u64 {
  const next = skipValue(p, end, scratch)
  if (!next) return 0
  if (load<u8>(field, FIELD_NULLABLE) && load<u32>(p) == NULL_WORD) return <u64>next
  const reason = checkField(load<u32>(scratch, SCRATCH_SCHEMA), detail, p, <u32>(next - p))
  return (<u64>(<u32>reason) << 32) | <u64>next
}

/** Compares with the usual texts of the literals; the host knows the others. */
function readLiteral(field: usize, p: usize, end: usize, scratch: usize): u64 {
  const list = <usize>load<u32>(scratch, SCRATCH_SCHEMA) + <usize>load<u32>(field, FIELD_DETAIL)
  let text = list + 8
  for (let n = load<u32>(list, 4); n > 0; n--) {
    const length = <usize>load<u32>(text)
    text += 4
    if (length <= end - p && startsWith(p, text, length) && endsValue(load<u8>(p + length))) {
      return <u64>(p + length)
    }
    text += (length + 3) & ~3
  }
  return readChecked(field, load<u32>(list), p, end, scratch)
}

function startsWith(p: usize, text: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(p + i) != load<u8>(text + i)) return false
  return true
}

/** A number may go on; whatever else comes is left to the one who reads on. */
function endsValue(c: u32): bool {
  return c == COMMA || c == CLOSE_OBJECT || isSpace(c)
}

/** Makes every column of the schema absent. */
export function clearSlots(schema: usize, slots: usize): void {
  const end = slots + <usize>load<u32>(schema, BLOCK_COLUMNS) * SLOT_BYTES
  for (; slots < end; slots += SLOT_BYTES) store<u32>(slots, ABSENT, SLOT_STATE)
}
