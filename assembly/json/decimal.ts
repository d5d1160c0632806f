// Decimal to binary, correctly rounded as JSON.parse does: exact in f64 where both parts are
// (Clinger), else by a 128-bit product (Eisel and Lemire; Mushtak and Lemire showed that it decides
// every 64-bit significand).
import { POW10_F64, POW5_128, POW5_HIGHEST, POW5_LOWEST } from '../tables'

/** digits × 10^exponent. */
export function toDouble(digits: u64, exponent: i32): f64 {
  if (digits <= <u64>1 << 53 && exponent >= -22 && exponent <= 22) {
    const exact = <f64>(<i64>digits)
    return exponent < 0
      ? exact / load<f64>(POW10_F64 + (<usize>-exponent << 3))
      : exact * load<f64>(POW10_F64 + (<usize>exponent << 3))
  }
  return byProduct(digits, exponent)
}

// @ts-ignore: decorator
@inline
function highProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff
  const aHigh = a >> 32
  const bLow = b & 0xffffffff
  const bHigh = b >> 32
  const middle = aHigh * bLow + ((aLow * bLow) >> 32)
  const cross = aLow * bHigh + (middle & 0xffffffff)
  return aHigh * bHigh + (middle >> 32) + (cross >> 32)
}

function byProduct(digits: u64, exponent: i32): f64 {
  if (digits == 0 || exponent < POW5_LOWEST) return 0
  if (exponent > POW5_HIGHEST) return Infinity
  const zeros = clz(digits)
  const significand = digits << zeros
  const power = POW5_128 + (<usize>(exponent - POW5_LOWEST) << 4)
  const head = load<u64>(power)
  let high = highProduct(significand, head)
  let low = significand * head
  if ((high & 0x1ff) == 0x1ff) {
    const carry = highProduct(significand, load<u64>(power, 8))
    low += carry
    if (low < carry) ++high
  }
  const upper = <i32>(high >> 63)
  const shift = <u64>(upper + 9)
  let mantissa = high >> shift
  let binary = ((217706 * exponent) >> 16) + 63 + upper - <i32>zeros + 1023
  if (binary <= 0) {
    if (1 - binary >= 64) return 0
    mantissa >>= <u64>(1 - binary)
    mantissa = (mantissa + (mantissa & 1)) >> 1
    // A subnormal that rounds up to 2^52 has become the smallest normal by its bits alone.
    return reinterpret<f64>(mantissa)
  }
  // Half-way: the product is exact and ends in a lone one; ties go to even.
  const mayTie = low <= 1 && exponent >= -4 && exponent <= 23
  if (mayTie && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~(<u64>1)
  mantissa = (mantissa + (mantissa & 1)) >> 1
  if (mantissa >= <u64>1 << 53) {
    mantissa = <u64>1 << 52
    binary++
  }
  if (binary >= 0x7ff) return Infinity
  return reinterpret<f64>((mantissa & ~(<u64>1 << 52)) | (<u64>binary << 52))
}
