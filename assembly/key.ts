// Builds the key bytes of a cell from columns (layout: src/batch/keys.ts) in the lane's key buffer.
import {
  KEY_COLUMNS, KEY_COUNT, SLOT_LENGTH, SLOT_POINTER, SLOT_PRESENT, SLOT_STATE, SLOT_VALUE,
  TYPE_BOOLEAN, TYPE_INT64, TYPE_STRING,
} from './plan'
import { KEY_TOO_LONG, NULL_KEY } from './reasons'

/** Longest key of a cell (KEY_BYTES_MAX of src/batch/keys.ts). */
export const KEY_BYTES_MAX: u32 = 32768

/** Numbers in the order of their bits: sign flipped, negative ones inverted; -0 is 0. */
// @ts-ignore: decorator
@inline
function orderedBits(value: f64): u64 {
  const bits = reinterpret<u64>(value + 0.0)
  return bits >> 63 ? ~bits : bits | 0x8000000000000000
}

/**
 * A string inside a composite key: zero bytes escaped, ended by 00 00. Returns the new end, 0 if
 * too long.
 */
function writeString(target: usize, end: usize, from: usize, length: u32): usize {
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(from + i)
    if (target + 4 > end) return 0
    store<u8>(target++, byte)
    if (byte == 0) store<u8>(target++, 255)
  }
  if (target + 2 > end) return 0
  store<u16>(target, 0)
  return target + 2
}

/** Writes the composite key; returns its length, or minus the reason why there is none. */
export function composeKey(plan: usize, slots: usize, buffer: usize): i32 {
  const count = load<u32>(plan, KEY_COUNT)
  const end = buffer + KEY_BYTES_MAX
  let column: usize = plan + load<u32>(plan, KEY_COLUMNS)
  let at = buffer
  for (let i: u32 = 0; i < count; i++, column += 8) {
    const slot: usize = slots + load<u32>(column)
    if (load<u32>(slot, SLOT_STATE) != SLOT_PRESENT) return -NULL_KEY
    const type = load<u32>(column, 4)
    if (type == TYPE_STRING) {
      at = writeString(at, end, load<u32>(slot, SLOT_POINTER), load<u32>(slot, SLOT_LENGTH))
      if (at == 0) return -KEY_TOO_LONG
      continue
    }
    if (at + 8 > end) return -KEY_TOO_LONG
    if (type == TYPE_BOOLEAN) {
      store<u8>(at++, load<f64>(slot, SLOT_VALUE) != 0 ? 1 : 0)
      continue
    }
    const bits = type == TYPE_INT64
      ? load<u64>(slot, SLOT_VALUE) ^ 0x8000000000000000
      : orderedBits(load<f64>(slot, SLOT_VALUE))
    store<u64>(at, bswap<u64>(bits))
    at += 8
  }
  return <i32>(at - buffer)
}
