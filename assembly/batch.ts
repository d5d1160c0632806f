// Reads the Batch FlatBuffer (src/batch/batch.fbs) and the header of a Kafka RecordBatch v2 where
// they lie. Offsets of a RecordBatch header are Kafka's; numbers in it are big-endian.

export const HEADER_BYTES: usize = 61
const FRAME_BYTES: usize = 12

/** Slots of the vtable: 4 + 2 × the field's place in batch.fbs. */
const PAYLOAD_FIELD: usize = 16

/**
 * Address of the payload vector's length (its bytes follow). The field is required by the schema.
 */
export function payloadVector(batch: usize): usize {
  const root = batch + load<u32>(batch)
  const vtable = root - load<i32>(root)
  const field = root + load<u16>(vtable + PAYLOAD_FIELD)
  return field + load<u32>(field)
}

export const CODEC_NONE: u32 = 0
export const CODEC_SNAPPY: u32 = 2
export const CODEC_LZ4: u32 = 3

// @ts-ignore: decorator
@inline
export function baseOffset(header: usize): i64 {
  return <i64>bswap<u64>(load<u64>(header))
}

/** Bytes of the whole RecordBatch, 0 where the header cannot be one or it ends behind `end`. */
export function batchBytes(header: usize, end: usize): usize {
  if (header + HEADER_BYTES > end) return 0
  const length = <i32>bswap<u32>(load<u32>(header, 8))
  if (length < <i32>(HEADER_BYTES - FRAME_BYTES) || load<u8>(header, 16) != 2) return 0
  const bytes = FRAME_BYTES + <usize>length
  return bytes > end - header ? 0 : bytes
}

// @ts-ignore: decorator
@inline
export function storedCrc(header: usize): u32 {
  return bswap<u32>(load<u32>(header, 17))
}

// @ts-ignore: decorator
@inline
export function codecOf(header: usize): u32 {
  return load<u8>(header, 22) & 7
}

// @ts-ignore: decorator
@inline
export function isLogAppendTime(header: usize): bool {
  return (load<u8>(header, 22) & 8) != 0
}

// @ts-ignore: decorator
@inline
export function isControl(header: usize): bool {
  return (load<u8>(header, 22) & 32) != 0
}

// @ts-ignore: decorator
@inline
export function nextOffset(header: usize): i64 {
  return baseOffset(header) + <i64>(<i32>bswap<u32>(load<u32>(header, 23))) + 1
}

// @ts-ignore: decorator
@inline
export function baseTimestamp(header: usize): i64 {
  return <i64>bswap<u64>(load<u64>(header, 27))
}

// @ts-ignore: decorator
@inline
export function maxTimestamp(header: usize): i64 {
  return <i64>bswap<u64>(load<u64>(header, 35))
}

// @ts-ignore: decorator
@inline
export function recordCount(header: usize): i32 {
  return <i32>bswap<u32>(load<u32>(header, 57))
}
