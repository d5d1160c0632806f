// Walks over a JSON value of any shape and depth, checking its syntax: undeclared fields, and those
// whose type the host checks. Never reads a token past `end`.
import {
  ALSE_WORD, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, DOT, LINE, LOWER_E, MINUS, NULL_WORD,
  OPEN_ARRAY, OPEN_OBJECT, PLUS, QUOTE, RETURN, SCRATCH_FAILURE, SCRATCH_TEXT, SCRATCH_TEXT_END,
  SPACE, TAB, TEXT_TOO_SMALL, TRUE_WORD, ZERO,
} from './layout'
import { stringEnd } from './text'

// @ts-ignore: decorator
@inline
export function isSpace(c: u32): bool {
  return c == SPACE || c == LINE || c == RETURN || c == TAB
}

export function spaceEnd(p: usize, end: usize): usize {
  while (p < end && isSpace(load<u8>(p))) ++p
  return p
}

function digitsEnd(p: usize, end: usize): usize {
  while (p < end && <u32>load<u8>(p) - ZERO < 10) ++p
  return p
}

/** End of the number at `p`, 0 if it is none. */
export function numberEnd(p: usize, end: usize): usize {
  if (load<u8>(p) == MINUS) ++p
  let digits = p
  p = digitsEnd(p, end)
  if (p == digits || (p - digits > 1 && load<u8>(digits) == ZERO)) return 0
  if (p < end && load<u8>(p) == DOT) {
    digits = p + 1
    p = digitsEnd(digits, end)
    if (p == digits) return 0
  }
  if (p < end && (load<u8>(p) | 0x20) == LOWER_E) {
    p++
    if (p < end && (load<u8>(p) == PLUS || load<u8>(p) == MINUS)) ++p
    digits = p
    p = digitsEnd(digits, end)
    if (p == digits) return 0
  }
  return p
}

/** End of `null`, `true` or `false` at `p`, 0 if it is none. */
function wordEnd(p: usize, end: usize): usize {
  const word = load<u32>(p)
  if (word == NULL_WORD || word == TRUE_WORD) return p + 4 <= end ? p + 4 : 0
  return load<u8>(p) == 0x66 && load<u32>(p, 1) == ALSE_WORD && p + 5 <= end ? p + 5 : 0
}

/** `p` is where a key has to begin; returns where its value begins. */
function keyEnd(p: usize, end: usize, scratch: usize): usize {
  if (p >= end || load<u8>(p) != QUOTE) return 0
  p = stringEnd(p + 1, end, scratch)
  if (!p) return 0
  p = spaceEnd(p, end)
  return p < end && load<u8>(p) == COLON ? spaceEnd(p + 1, end) : 0
}

/**
 * End of the value that begins at `p`, 0 if it is not JSON. The open brackets are kept as bits (1:
 * object): 64 in a register, those below in the text buffer, an eighth of a byte a level.
 */
export function skipValue(p: usize, end: usize, scratch: usize): usize {
  const stack = <usize>load<u32>(scratch, SCRATCH_TEXT)
  let depth: usize = 0
  let kinds: u64 = 0
  while (true) {
    if (p >= end) return 0
    const c: u32 = load<u8>(p)
    if (c == OPEN_OBJECT || c == OPEN_ARRAY) {
      p = spaceEnd(p + 1, end)
      // The closing brackets are two above the opening ones.
      if (p < end && load<u8>(p) == c + 2) {
        p++
      } else {
        if (depth != 0 && (depth & 63) == 0) {
          const word = stack + (depth >> 3)
          if (word > <usize>load<u32>(scratch, SCRATCH_TEXT_END)) {
            store<i32>(scratch, TEXT_TOO_SMALL, SCRATCH_FAILURE)
            return 0
          }
          store<u64>(word - 8, kinds)
        }
        kinds = (kinds << 1) | u64(c == OPEN_OBJECT)
        depth++
        if (c == OPEN_OBJECT) {
          p = keyEnd(p, end, scratch)
          if (!p) return 0
        }
        continue
      }
    } else {
      if (c == QUOTE) p = stringEnd(p + 1, end, scratch)
      else if (c == MINUS || c - ZERO < 10) p = numberEnd(p, end)
      else p = wordEnd(p, end)
      if (!p) return 0
    }
    for (;;) {
      if (depth == 0) return p
      p = spaceEnd(p, end)
      if (p >= end) return 0
      const next: u32 = load<u8>(p)
      const object = (kinds & 1) != 0
      if (next == COMMA) {
        p = spaceEnd(p + 1, end)
        if (object) {
          p = keyEnd(p, end, scratch)
          if (!p) return 0
        }
        break
      }
      if (next != (object ? CLOSE_OBJECT : CLOSE_ARRAY)) return 0
      p++
      depth--
      kinds >>= 1
      if (depth != 0 && (depth & 63) == 0) kinds = load<u64>(stack + (depth >> 3) - 8)
    }
  }
}
