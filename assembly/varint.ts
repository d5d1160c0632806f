// Kafka's zigzag varints. They are decoded into a (value, next) pair without an object: the value
// is returned, and how many bytes it took follows from `varintBytes`.

/** Bytes of the varint at `at`; 11 or more means that it is malformed. */
// @ts-ignore: decorator
@inline
export function varintBytes(at: usize): usize {
  if (load<u8>(at) < 128) return 1
  if (load<u8>(at, 1) < 128) return 2
  // 0x80 bits that are clear mark the last byte
  const stops = ~load<u64>(at) & 0x8080808080808080
  if (stops != 0) return <usize>(ctz(stops) >> 3) + 1
  return load<u8>(at, 8) < 128 ? 9 : load<u8>(at, 9) < 128 ? 10 : 11
}

/** The value of the varint of `bytes` bytes at `at`. */
// @ts-ignore: decorator
@inline
export function varint(at: usize, bytes: usize): i64 {
  let raw: u64 = load<u8>(at)
  if (bytes == 1) return <i64>(raw >> 1) ^ -<i64>(raw & 1)
  raw &= 127
  for (let i: usize = 1; i < bytes; i++) raw |= (<u64>load<u8>(at + i) & 127) << (7 * <u64>i)
  return <i64>(raw >> 1) ^ -<i64>(raw & 1)
}

/** Bytes of `raw`, a number that is zigzag already, as a varint: (bits + 6) / 7. */
// @ts-ignore: decorator
@inline
export function unsignedVarintBytes(raw: u32): u32 {
  return ((38 - clz(raw | 1)) * 37) >> 8
}

/** Writes `raw` as a varint; returns the address behind it. */
// @ts-ignore: decorator
@inline
export function writeUnsignedVarint(at: usize, raw: u32): usize {
  if (raw < 128) {
    store<u8>(at, <u8>raw)
    return at + 1
  }
  return writeLongVarint(at, raw)
}

function writeLongVarint(at: usize, raw: u32): usize {
  do {
    store<u8>(at++, <u8>(raw | 128))
    raw >>= 7
  } while (raw >= 128)
  store<u8>(at, <u8>raw)
  return at + 1
}
