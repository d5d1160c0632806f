// JSON strings: finding their end, unescaping, comparing an escaped key with a name. Text is WTF-8:
// UTF-8 in which a lone surrogate (only an escape can make one) has its three bytes.
import {
  BACKSLASH, LOWER_U, QUOTE, SCRATCH_ESCAPED, SCRATCH_NON_ASCII, SPACE,
} from './layout'

/**
 * `p` is behind the opening quote; returns the position behind the closing one, 0 if it is not a
 * JSON string that ends before `end`. Notes in the scratch what it met.
 */
export function stringEnd(p: usize, end: usize, scratch: usize): usize {
  let high: i32 = 0
  while (p < end) {
    const block = v128.load(p)
    const special = i8x16.bitmask(
      v128.or(
        v128.or(
          i8x16.eq(block, i8x16.splat(<i8>QUOTE)),
          i8x16.eq(block, i8x16.splat(<i8>BACKSLASH)),
        ),
        i8x16.lt_u(block, i8x16.splat(<i8>SPACE)),
      ),
    )
    if (special == 0) {
      high |= i8x16.bitmask(block)
      p += 16
      continue
    }
    const at = ctz(special)
    high |= i8x16.bitmask(block) & ((1 << at) - 1)
    p += at
    if (p >= end) return 0
    const c: u32 = load<u8>(p)
    if (c == QUOTE) {
      if (high) store<u32>(scratch, 1, SCRATCH_NON_ASCII)
      return p + 1
    }
    if (c != BACKSLASH) return 0
    store<u32>(scratch, 1, SCRATCH_ESCAPED)
    p = escapeEnd(p, end)
    if (!p) return 0
  }
  return 0
}

function escapeEnd(p: usize, end: usize): usize {
  if (p + 2 > end) return 0
  const c: u32 = load<u8>(p, 1)
  if (c == LOWER_U) {
    if (p + 6 > end) return 0
    for (let i: usize = 2; i < 6; ++i) if (hexDigit(load<u8>(p + i)) > 15) return 0
    return p + 6
  }
  // " / \ b f n r t
  if (c == QUOTE || c == 0x2f || c == BACKSLASH) return p + 2
  return c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74 ? p + 2 : 0
}

function hexDigit(c: u32): u32 {
  const digit = c - 0x30
  if (digit < 10) return digit
  const letter = (c | 0x20) - 0x61
  return letter < 6 ? letter + 10 : 16
}

function hexUnit(p: usize): u32 {
  return (
    (hexDigit(load<u8>(p)) << 12) | (hexDigit(load<u8>(p, 1)) << 8) |
    (hexDigit(load<u8>(p, 2)) << 4) | hexDigit(load<u8>(p, 3))
  )
}

/** The escape at `p` (a valid one): its length in bits 32 and up, its code point below. */
function escapeAt(p: usize, end: usize): u64 {
  const c: u32 = load<u8>(p, 1)
  if (c != LOWER_U) {
    let plain = c
    if (c == 0x62) plain = 8
    else if (c == 0x66) plain = 12
    else if (c == 0x6e) plain = 10
    else if (c == 0x72) plain = 13
    else if (c == 0x74) plain = 9
    return (<u64>2 << 32) | <u64>plain
  }
  const unit = hexUnit(p + 2)
  if ((unit & 0xfc00) == 0xd800 && p + 12 <= end) {
    if (load<u8>(p, 6) == BACKSLASH && load<u8>(p, 7) == LOWER_U) {
      const low = hexUnit(p + 8)
      if ((low & 0xfc00) == 0xdc00) {
        return (<u64>12 << 32) | <u64>(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
      }
    }
  }
  return (<u64>6 << 32) | <u64>unit
}

/** The WTF-8 bytes of a code point, first byte lowest; their number in bits 32 and up. */
function encoded(code: u32): u64 {
  if (code < 0x80) return (<u64>1 << 32) | <u64>code
  if (code < 0x800) return (<u64>2 << 32) | <u64>(0x80c0 | (code >> 6) | ((code & 0x3f) << 8))
  if (code < 0x10000) {
    return (
      (<u64>3 << 32) |
      <u64>(0x8080e0 | (code >> 12) | (((code >> 6) & 0x3f) << 8) | ((code & 0x3f) << 16))
    )
  }
  return (
    (<u64>4 << 32) |
    <u64>(
      0x808080f0 | (code >> 18) | (((code >> 12) & 0x3f) << 8) |
      (((code >> 6) & 0x3f) << 16) | ((code & 0x3f) << 24)
    )
  )
}

/** Writes what stands in [p, end) without its escapes; returns the end of what it wrote. */
export function unescape(p: usize, end: usize, target: usize): usize {
  while (p < end) {
    const c: u32 = load<u8>(p)
    if (c != BACKSLASH) {
      store<u8>(target++, c)
      p++
      continue
    }
    const escape = escapeAt(p, end)
    p += <usize>(escape >> 32)
    const bytes = encoded(<u32>escape)
    const count = <u32>(bytes >> 32)
    for (let i: u32 = 0; i < count; ++i) store<u8>(target++, <u8>(bytes >> (i << 3)))
  }
  return target
}

/** Whether what stands in [p, end), unescaped, is the name. */
export function equalsName(p: usize, end: usize, name: usize, length: usize): bool {
  const nameEnd = name + length
  while (p < end) {
    const c: u32 = load<u8>(p)
    if (c != BACKSLASH) {
      if (name >= nameEnd || load<u8>(name++) != c) return false
      p++
      continue
    }
    const escape = escapeAt(p, end)
    p += <usize>(escape >> 32)
    const bytes = encoded(<u32>escape)
    const count = <u32>(bytes >> 32)
    if (name + count > nameEnd) return false
    for (let i: u32 = 0; i < count; ++i) {
      if (load<u8>(name++) != <u8>(bytes >> (i << 3))) return false
    }
  }
  return name == nameEnd
}
