// Number tokens of typed fields. The caller guarantees a byte that ends every token before the end
// of the value (the document's closing brace), so no digit asks for the end. A result is the
// position behind the token, 0 if it is no number, with a reason in bits 32 and up (0: fine).
import { WRONG_TYPE } from '../reasons'
import { POW10_U64 } from '../tables'
import { toDouble } from './decimal'
import { DOT, LOWER_E, MINUS, PLUS, SLOT_VALUE, ZERO } from './layout'

/** The double nearest to a decimal text that the kernel cannot decide. */
// @ts-ignore: decorator
@external("env", "slowNumber")
declare function slowNumber(ptr: usize, length: u32): f64

const WRONG: u64 = <u64>WRONG_TYPE << 32
const EXPONENT_LIMIT: i32 = 1000000000
const DIGIT_BITS: u64 = 0x3030303030303030

/**
 * High bit set in each byte that is no digit, of eight bytes xor DIGIT_BITS; right up to the first.
 */
// @ts-ignore: decorator
@inline
function noDigits(x: u64): u64 {
  return ((x + 0x7676767676767676) | x) & 0x8080808080808080
}

/** Eight digits as a number; the first is the lowest byte. */
// @ts-ignore: decorator
@inline
function eightDigits(x: u64): u64 {
  const pairs = x * 10 + (x >> 8)
  return (
    ((pairs & 0x000000ff000000ff) * 0x000f424000000064 +
      ((pairs >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32
  )
}

// @ts-ignore: decorator
@inline
function isDigit(p: usize): bool {
  return <u32>load<u8>(p) - ZERO < 10
}

/** Reads a number and stores it as f64 in the slot. */
export function readDouble(start: usize, slot: usize): usize {
  let p = start
  const negative = load<u8>(p) == MINUS
  p += usize(negative)
  const whole = p
  let digits: u64 = 0
  for (;;) {
    const x = load<u64>(p) ^ DIGIT_BITS
    const end = noDigits(x)
    if (end != 0) {
      const n = ctz(end) >> 3
      if (n != 0) {
        digits = digits * load<u64>(POW10_U64 + (<usize>n << 3)) + eightDigits(x << (64 - (n << 3)))
        p += <usize>n
      }
      break
    }
    digits = digits * 100000000 + eightDigits(x)
    p += 8
  }
  const wholeCount = p - whole
  if (wholeCount == 0 || (load<u8>(whole) == ZERO && wholeCount > 1)) return 0
  let exponent: i32 = 0
  let count = wholeCount
  if (load<u8>(p) == DOT) {
    const fraction = ++p
    for (;;) {
      const x = load<u64>(p) ^ DIGIT_BITS
      const end = noDigits(x)
      if (end != 0) {
        const n = ctz(end) >> 3
        if (n != 0) {
          const scale = load<u64>(POW10_U64 + (<usize>n << 3))
          digits = digits * scale + eightDigits(x << (64 - (n << 3)))
          p += <usize>n
        }
        break
      }
      digits = digits * 100000000 + eightDigits(x)
      p += 8
    }
    if (p == fraction) return 0
    count += p - fraction
    exponent = -<i32>(p - fraction)
  }
  const mantissaEnd = p
  if ((load<u8>(p) | 0x20) == LOWER_E) {
    p = exponentEnd(p)
    if (!p) return 0
    exponent += exponentOf(mantissaEnd + 1)
  }
  const value = count <= 19
    ? toDouble(digits, exponent)
    : longDouble(whole, mantissaEnd, exponent, p)
  store<f64>(slot, negative ? -value : value, SLOT_VALUE)
  return p
}

/** `p` is at the e; the end of its digits, 0 if there are none. */
function exponentEnd(p: usize): usize {
  p++
  if (load<u8>(p) == PLUS || load<u8>(p) == MINUS) ++p
  if (!isDigit(p)) return 0
  while (isDigit(p)) ++p
  return p
}

/** The exponent behind the e, held within what any text of sane length can mean. */
function exponentOf(p: usize): i32 {
  const negative = load<u8>(p) == MINUS
  if (negative || load<u8>(p) == PLUS) ++p
  let value: i32 = 0
  for (; isDigit(p); ++p) {
    if (value < EXPONENT_LIMIT / 10) value = value * 10 + (load<u8>(p) - ZERO)
    else value = EXPONENT_LIMIT
  }
  return negative ? -value : value
}

/**
 * More than 19 digits in [p, end): the first 19 that count, and those plus one. Where both give the
 * same double it is right, else the host decides. `exponent` is that of the last digit.
 */
function longDouble(p: usize, end: usize, exponent: i32, tokenEnd: usize): f64 {
  const start = p
  let digits: u64 = 0
  let kept = 0
  let dropped = false
  for (; p < end; ++p) {
    const digit = <u32>load<u8>(p) - ZERO
    if (digit > 9) continue
    if (kept < 19) {
      digits = digits * 10 + digit
      if (digits != 0) ++kept
    } else {
      exponent++
      if (digit != 0) dropped = true
    }
  }
  const low = toDouble(digits, exponent)
  if (!dropped || low == toDouble(digits + 1, exponent)) return low
  return slowNumber(start, <u32>(tokenEnd - start))
}

/** Reads a number that has to be a safe integer by its value. */
export function readInteger(p: usize, slot: usize): u64 {
  const end = readDouble(p, slot)
  const value = load<f64>(slot, SLOT_VALUE)
  if (end != 0 && (abs(value) > 9007199254740991 || value != trunc(value))) return WRONG | <u64>end
  return <u64>end
}

/** Reads a number that has to be an i64, by its exact digits. */
export function readInt64(start: usize, slot: usize): u64 {
  let p = start
  const negative = load<u8>(p) == MINUS
  p += usize(negative)
  const whole = p
  let digits: u64 = 0
  while (isDigit(p)) digits = digits * 10 + (load<u8>(p++) - ZERO)
  const count = p - whole
  if (count == 0 || (load<u8>(whole) == ZERO && count > 1)) return 0
  if (count > 18 || load<u8>(p) == DOT || (load<u8>(p) | 0x20) == LOWER_E) {
    return longInt64(whole, negative, slot)
  }
  store<i64>(slot, negative ? -<i64>digits : <i64>digits, SLOT_VALUE)
  return <u64>p
}

/** Any notation of an i64: digits up to the last that is not 0, times a power of ten. */
function longInt64(p: usize, negative: bool, slot: usize): u64 {
  let digits: u64 = 0
  let kept = 0
  let zeros = 0
  let exponent = 0
  let fraction = false
  let large = false
  for (;; ++p) {
    const c: u32 = load<u8>(p)
    if (c == DOT && !fraction) {
      fraction = true
      if (!isDigit(p + 1)) return 0
      continue
    }
    if (c - ZERO > 9) break
    if (fraction) --exponent
    if (c == ZERO) {
      zeros++
      continue
    }
    if (digits != 0) {
      kept += zeros
      for (let i = 0; i < zeros && kept < 19; ++i) digits *= 10
    }
    zeros = 0
    if (++kept > 19) large = true
    else digits = digits * 10 + (c - ZERO)
  }
  exponent += zeros
  if ((load<u8>(p) | 0x20) == LOWER_E) {
    const end = exponentEnd(p)
    if (!end) return 0
    exponent += exponentOf(p + 1)
    p = end
  }
  if (digits == 0) {
    store<i64>(slot, 0, SLOT_VALUE)
    return <u64>p
  }
  if (large || exponent < 0 || kept + exponent > 19) return WRONG | <u64>p
  digits *= load<u64>(POW10_U64 + (<usize>exponent << 3))
  if (digits > (<u64>i64.MAX_VALUE) + u64(negative)) return WRONG | <u64>p
  store<i64>(slot, negative ? -<i64>digits : <i64>digits, SLOT_VALUE)
  return <u64>p
}
