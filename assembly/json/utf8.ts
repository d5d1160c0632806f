// Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. Sixteen bytes at a time,
// by table look-up on the nibbles of neighbouring bytes (Keiser and Lemire, 2020); read only when a
// document has a byte above 0x7f.

// Errors that a pair of bytes may show; a bit that all three tables agree on is an error.
const TOO_SHORT: i8 = 1
const TOO_LONG: i8 = 2
const OVERLONG_3: i8 = 4
const TOO_LARGE: i8 = 8
const SURROGATE: i8 = 16
const OVERLONG_2: i8 = 32
const TOO_LARGE_1000: i8 = 64
const OVERLONG_4: i8 = 64
const TWO_CONTS: i8 = -128
const CARRY: i8 = TOO_SHORT | TOO_LONG | TWO_CONTS
const LARGE: i8 = CARRY | TOO_LARGE | TOO_LARGE_1000
const CONT: i8 = TOO_LONG | OVERLONG_2 | TWO_CONTS

// @ts-ignore: decorator
@inline
function errors(block: v128, before: v128): v128 {
  const firstHigh = i8x16(
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS,
    TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000,
  )
  const firstLow = i8x16(
    CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY,
    CARRY | TOO_LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE,
    LARGE | SURROGATE, LARGE, LARGE,
  )
  const secondHigh = i8x16(
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    CONT | OVERLONG_3 | TOO_LARGE_1000, CONT | OVERLONG_3 | TOO_LARGE,
    CONT | SURROGATE | TOO_LARGE, CONT | SURROGATE | TOO_LARGE,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
  )
  const one = v128.shuffle<u8>(
    before, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
  )
  const two = v128.shuffle<u8>(
    before, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
  )
  const three = v128.shuffle<u8>(
    before, block, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
  )
  const special = v128.and(
    v128.and(
      v128.swizzle(firstHigh, i8x16.shr_u(one, 4)),
      v128.swizzle(firstLow, v128.and(one, i8x16.splat(0x0f))),
    ),
    v128.swizzle(secondHigh, i8x16.shr_u(block, 4)),
  )
  // A third or fourth byte must be a continuation, which `special` shows as TWO_CONTS.
  const expected = v128.or(
    i8x16.sub_sat_u(two, i8x16.splat(0x60)),
    i8x16.sub_sat_u(three, i8x16.splat(0x70)),
  )
  return v128.xor(v128.and(expected, i8x16.splat(-128)), special)
}

/** Whether the bytes are valid UTF-8. Reads up to 16 bytes past the end. */
export function validUtf8(ptr: usize, length: usize): bool {
  let before = i8x16.splat(0)
  let bad = i8x16.splat(0)
  let i: usize = 0
  for (; i + 16 <= length; i += 16) {
    const block = v128.load(ptr + i)
    bad = v128.or(bad, errors(block, before))
    before = block
  }
  // The rest, padded with zeros: a sequence cut off at the end is followed by at least one of them.
  const rest = i8x16.lt_u(
    i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    i8x16.splat(<i8>(length - i)),
  )
  bad = v128.or(bad, errors(v128.and(v128.load(ptr + i), rest), before))
  return !v128.any_true(bad)
}
