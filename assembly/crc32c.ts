// CRC-32C (Castagnoli), the checksum of a RecordBatch. Three streams are interleaved, because one
// alone waits for its own table look-ups; their sums are joined by shifting over zero bytes.
import { CRC_BYTES, CRC_LONG, CRC_SHORT, LONG, SHORT } from './tables'

/** Checksum of `length` bytes at `ptr`. */
export function crc32c(ptr: usize, length: usize): u32 {
  let crc: u32 = 0xffffffff
  const end = ptr + length
  for (; end - ptr >= 3 * LONG; ptr += 3 * LONG) crc = three(crc, ptr, LONG, CRC_LONG)
  for (; end - ptr >= 3 * SHORT; ptr += 3 * SHORT) crc = three(crc, ptr, SHORT, CRC_SHORT)
  for (; end - ptr >= 8; ptr += 8) crc = eight(crc, ptr)
  for (; ptr < end; ++ptr) crc = (crc >> 8) ^ at(0, (crc ^ load<u8>(ptr)) & 0xff)
  return ~crc
}

// @ts-ignore: decorator
@inline
function at(table: usize, byte: u32): u32 {
  return load<u32>(CRC_BYTES + (table << 10) + (byte << 2))
}

// @ts-ignore: decorator
@inline
function eight(crc: u32, ptr: usize): u32 {
  const low = load<u32>(ptr) ^ crc
  const high = load<u32>(ptr, 4)
  return (
    at(7, low & 0xff) ^ at(6, (low >> 8) & 0xff) ^ at(5, (low >> 16) & 0xff) ^ at(4, low >> 24) ^
    at(3, high & 0xff) ^ at(2, (high >> 8) & 0xff) ^ at(1, (high >> 16) & 0xff) ^ at(0, high >> 24)
  )
}

// @ts-ignore: decorator
@inline
function three(crc: u32, ptr: usize, size: usize, shift: usize): u32 {
  let second: u32 = 0
  let third: u32 = 0
  const end = ptr + size
  do {
    crc = eight(crc, ptr)
    second = eight(second, ptr + size)
    third = eight(third, ptr + 2 * size)
    ptr += 8
  } while (ptr < end)
  return shifted(shifted(crc, shift) ^ second, shift) ^ third
}

function shifted(crc: u32, tables: usize): u32 {
  return (
    load<u32>(tables + ((crc & 0xff) << 2)) ^
    load<u32>(tables + (((crc >> 8) & 0xff) << 2), 1024) ^
    load<u32>(tables + (((crc >> 16) & 0xff) << 2), 2048) ^
    load<u32>(tables + ((crc >> 24) << 2), 3072)
  )
}
