// Reads a JSON object of a declared shape: checks all of it as JSON.parse of fatally decoded UTF-8
// would, and writes the columns that the plan reads. Called for each record by the lanes' kernels.
import {
  INVALID_JSON, INVALID_UTF8, MISSING_FIELD, NOT_AN_OBJECT, WRONG_TYPE,
} from '../reasons'
import {
  BLOCK_ROOT, CLOSE_OBJECT, COLON, COMMA, FIELD_BYTES, FIELD_DETAIL, FIELD_HINT, FIELD_INDEX,
  FIELD_LENGTH, FIELD_MASK, FIELD_NAME, FIELD_PREFIX, FIELD_TYPE, HINTS, OPEN_OBJECT, PAGE_BYTES,
  PAGE_FIELDS, PAGE_HINT, PAGE_LENGTHS, PAGE_NEXT, PAGE_REQUIRED, QUOTE, RECORD, SCRATCH_BYTES,
  SCRATCH_ESCAPED, SCRATCH_FAILURE, SCRATCH_HINTS, SCRATCH_NON_ASCII, SCRATCH_SCHEMA,
  SCRATCH_TEXT, SCRATCH_TEXT_END, SPACE,
} from './layout'
import { isSpace, skipValue, spaceEnd } from './skip'
import { equalsName, stringEnd } from './text'
import { validUtf8 } from './utf8'
import { clearColumns, clearSlots, readValue } from './value'

/**
 * Writes the columns of the JSON object `value` into `slots` and returns 0, or a reason (the slots
 * are undefined then), or -1 if the text buffer is too small; `length` bytes are always enough.
 * The 64 bytes before `slots` are scratch.
 */
export function extractJson(
  schema: usize, value: usize, length: u32, slots: usize, text: usize, textCapacity: u32,
): i32 {
  const scratch = slots - SCRATCH_BYTES
  store<i32>(scratch, INVALID_JSON, SCRATCH_FAILURE)
  store<u32>(scratch, 0, SCRATCH_NON_ASCII)
  store<u32>(scratch, <u32>text, SCRATCH_TEXT)
  store<u32>(scratch, <u32>text + textCapacity, SCRATCH_TEXT_END)
  store<u32>(scratch, <u32>schema, SCRATCH_SCHEMA)
  const valueEnd = value + <usize>length
  const p = spaceEnd(value, valueEnd)
  let end = valueEnd
  while (end > p && isSpace(load<u8>(end - 1))) --end
  // From here on the closing brace ends every number, word and white space before the end.
  if (end - p < 2 || load<u8>(p) != OPEN_OBJECT || load<u8>(end - 1) != CLOSE_OBJECT) {
    return noObject(p, end, value, length, scratch)
  }
  clearSlots(schema, slots)
  const root = schema + <usize>load<u32>(schema, BLOCK_ROOT)
  const read = readRecord(root, p + 1, end, scratch, slots)
  if (<usize>(<u32>read) != end) return failure(value, length, scratch)
  if (load<u32>(scratch, SCRATCH_NON_ASCII) && !validUtf8(value, length)) return INVALID_UTF8
  return <i32>(read >> 32)
}

function noObject(p: usize, end: usize, value: usize, length: usize, scratch: usize): i32 {
  if (p == end || skipValue(p, end, scratch) != end) return failure(value, length, scratch)
  return validUtf8(value, length) ? NOT_AN_OBJECT : INVALID_UTF8
}

function failure(value: usize, length: usize, scratch: usize): i32 {
  const reason = load<i32>(scratch, SCRATCH_FAILURE)
  return reason < 0 || validUtf8(value, length) ? reason : INVALID_UTF8
}

/**
 * `p` is behind the opening brace; a result as in value.ts. A record of more than 64 fields has
 * several pages and is read once for each, so that the fields seen always fit into a register.
 */
function readRecord(page: usize, p: usize, end: usize, scratch: usize, slots: usize): u64 {
  let read = readPage(page, p, end, scratch, slots)
  while (load<u32>(page, PAGE_NEXT) != 0 && read != 0 && read >> 32 == 0) {
    page = <usize>load<u32>(scratch, SCRATCH_SCHEMA) + <usize>load<u32>(page, PAGE_NEXT)
    read = readPage(page, p, end, scratch, slots)
  }
  return read
}

/** Whether the key that begins at `key` is the field's name, quote included. */
// @ts-ignore: decorator
@inline
function isNamed(field: usize, key: usize, end: usize, scratch: usize): bool {
  const mask = load<u32>(field, FIELD_MASK)
  const equal = i8x16.bitmask(i8x16.eq(v128.load(key), v128.load(field, FIELD_PREFIX)))
  if ((equal & mask) != mask) return false
  return load<u32>(field, FIELD_LENGTH) < 16 || restIsNamed(field, key, end, scratch)
}

function restIsNamed(field: usize, key: usize, end: usize, scratch: usize): bool {
  const length = <usize>load<u32>(field, FIELD_LENGTH)
  if (length >= end - key) return false
  const name = <usize>load<u32>(scratch, SCRATCH_SCHEMA) + <usize>load<u32>(field, FIELD_NAME)
  let i: usize = 16
  for (; i < length; i++) if (load<u8>(name + i) != load<u8>(key + i)) return false
  return load<u8>(key + i) == QUOTE
}

/** The declared field of the key in [key, keyEnd), searched from `field` on; 0 if there is none. */
function findField(page: usize, field: usize, key: usize, keyEnd: usize, scratch: usize): usize {
  const escaped = load<u32>(scratch, SCRATCH_ESCAPED) != 0
  const first = page + PAGE_BYTES
  const last = first + <usize>load<u16>(page, PAGE_FIELDS) * FIELD_BYTES
  if (!escaped) {
    const bit = <u64>1 << <u64>min<usize>(keyEnd - key, 63)
    if ((load<u64>(page, PAGE_LENGTHS) & bit) == 0) return 0
  }
  for (let i: u32 = load<u16>(page, PAGE_FIELDS); i > 0; i--) {
    if (escaped) {
      const name = <usize>load<u32>(scratch, SCRATCH_SCHEMA) + <usize>load<u32>(field, FIELD_NAME)
      if (equalsName(key, keyEnd, name, load<u32>(field, FIELD_LENGTH))) return field
    } else if (isNamed(field, key, keyEnd + 1, scratch)) return field
    field += FIELD_BYTES
    if (field == last) field = first
  }
  return 0
}

/** The field that came next in the last record of the lane; any field if that was not noted. */
// @ts-ignore: decorator
@inline
function noted(page: usize, hint: u32, scratch: usize): usize {
  const index: u32 = hint < HINTS ? load<u8>(scratch + <usize>hint, SCRATCH_HINTS) : 0
  const known = index < load<u16>(page, PAGE_FIELDS) ? index : 0
  return page + PAGE_BYTES + <usize>known * FIELD_BYTES
}

/** Past white space, of which there is none or one most of the time. */
// @ts-ignore: decorator
@inline
function pastSpace(p: usize, end: usize): usize {
  if (load<u8>(p) > SPACE) return p
  return load<u8>(p) == SPACE && load<u8>(p, 1) > SPACE ? p + 1 : spaceEnd(p, end)
}

function readPage(page: usize, p: usize, end: usize, scratch: usize, slots: usize): u64 {
  const first = page + PAGE_BYTES
  const last = first + <usize>load<u16>(page, PAGE_FIELDS) * FIELD_BYTES
  // Most producers write the declared order, or at least one order: these two are tried first.
  let expected = first
  let hint: u32 = load<u16>(page, PAGE_HINT)
  let seen: u64 = 0
  let bad: u64 = 0
  let missing: u64 = 0
  p = pastSpace(p, end)
  if (load<u8>(p) == CLOSE_OBJECT) return verdict(page, p + 1, 0, 0, 0)
  while (true) {
    if (load<u8>(p) != QUOTE) return 0
    p++
    let field = expected
    if (!isNamed(field, p, end, scratch)) {
      field = noted(page, hint, scratch)
      if (!isNamed(field, p, end, scratch)) field = 0
    }
    if (field != 0) {
      p += <usize>load<u32>(field, FIELD_LENGTH) + 1
    } else {
      store<u32>(scratch, 0, SCRATCH_ESCAPED)
      const keyEnd = stringEnd(p, end, scratch)
      if (!keyEnd) return 0
      field = findField(page, expected, p, keyEnd - 1, scratch)
      if (field != 0 && hint < HINTS) {
        store<u8>(scratch + <usize>hint, load<u8>(field, FIELD_INDEX), SCRATCH_HINTS)
      }
      p = keyEnd
    }
    if (load<u8>(p) != COLON) {
      p = spaceEnd(p, end)
      if (load<u8>(p) != COLON) return 0
    }
    p++
    p = pastSpace(p, end)
    if (p >= end) return 0
    if (field == 0) {
      p = skipValue(p, end, scratch)
      if (!p) return 0
    } else {
      const bit = <u64>1 << <u64>load<u8>(field, FIELD_INDEX)
      if (bit & seen) clearColumns(field, scratch, slots)
      const read =
        load<u8>(field, FIELD_TYPE) == RECORD && load<u8>(p) == OPEN_OBJECT
          ? readRecord(nestedPage(field, scratch), p + 1, end, scratch, slots)
          : readValue(field, p, end, scratch, slots)
      p = <usize>(<u32>read)
      if (!p) return 0
      const reason = <i32>(read >> 32)
      seen |= bit
      bad = reason == 0 ? bad & ~bit : bad | bit
      missing = reason == MISSING_FIELD ? missing | bit : missing & ~bit
      hint = load<u8>(field, FIELD_HINT)
      expected = field + FIELD_BYTES
      if (expected == last) expected = first
    }
    if (p >= end) return 0
    p = pastSpace(p, end)
    const c: u32 = load<u8>(p++)
    if (c == CLOSE_OBJECT) return verdict(page, p, seen, bad, missing)
    if (c != COMMA) return 0
    p = pastSpace(p, end)
  }
}

// @ts-ignore: decorator
@inline
function nestedPage(field: usize, scratch: usize): usize {
  return <usize>load<u32>(scratch, SCRATCH_SCHEMA) + <usize>load<u32>(field, FIELD_DETAIL)
}

/** The reason of the first declared field that has one. */
// @ts-ignore: decorator
@inline
function verdict(page: usize, p: usize, seen: u64, bad: u64, missing: u64): u64 {
  const absent = load<u64>(page, PAGE_REQUIRED) & ~seen
  const failing = bad | absent
  if (failing == 0) return <u64>p
  const first = failing & -failing
  const reason = first & (absent | missing) ? MISSING_FIELD : WRONG_TYPE
  return (<u64>(<u32>reason) << 32) | <u64>p
}
