// The 61-byte header of a RecordBatch v2: where its fields are, and a cursor that walks the headers
// of concatenated batches without allocating. Read by ingest, by the log drivers and by the
// decoder.
import { crc32c } from './crc32c.ts'

/** Byte positions of the fields, all big-endian. */
export const headerAt = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

/** Bytes of a header; the records (or their compressed form) follow. */
export const batchHeaderBytes = 61
/** Bytes before and including the length field; the length counts from here. */
export const batchPrefixBytes = 12

/** Bits of the attributes. */
export const attribute = {
  codecMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
} as const

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** A signed 64-bit integer as a number; exact within ±2^53. */
function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * 4294967296 + (readInt32(bytes, at + 4) >>> 0)
}

export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 4294967296)
  writeInt32(bytes, at, high)
  writeInt32(bytes, at + 4, value - high * 4294967296)
}

/** Writes whose batch it is into one whole batch, and its new checksum. */
export function stampProducer(
  batch: Uint8Array,
  producerId: number,
  producerEpoch: number,
  baseSequence: number,
  isTransactional = false,
): void {
  if (isTransactional) batch[headerAt.attributes + 1] |= attribute.transactional
  writeInt64(batch, headerAt.producerId, producerId)
  writeInt16(batch, headerAt.producerEpoch, producerEpoch)
  writeInt32(batch, headerAt.baseSequence, baseSequence)
  writeInt32(batch, headerAt.crc, crc32c(batch.subarray(headerAt.attributes)))
}

/** Records of one whole batch. */
export function recordCountOf(batch: Uint8Array): number {
  return readInt32(batch, headerAt.recordCount)
}

/**
 * Walks the headers of batches in bytes[at … end). `next()` moves to a batch that is whole; when it
 * answers false, `at` is where the whole batches end and `needed` the size of the batch there as
 * far as it is known (0: nothing follows, or less than its length field). `broken` says that what
 * follows cannot be a batch.
 */
export class BatchCursor {
  bytes: Uint8Array
  /** Behind the current batch. */
  at: number
  end: number
  /** First byte of the current batch. */
  start = 0
  needed = 0
  broken = false

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes
    this.at = at
    this.end = end
    this.needed = 0
    this.broken = false
  }

  next(): boolean {
    const at = this.at
    const left = this.end - at
    this.needed = 0
    if (left < batchPrefixBytes) return false
    const size = readInt32(this.bytes, at + headerAt.length) + batchPrefixBytes
    if (size < batchHeaderBytes) {
      this.broken = true
      return false
    }
    if (left > headerAt.magic && this.bytes[at + headerAt.magic] !== 2) {
      this.broken = true
      return false
    }
    if (size > left) {
      this.needed = size
      return false
    }
    this.start = at
    this.at = at + size
    return true
  }

  get size(): number {
    return this.at - this.start
  }
  get baseOffset(): number {
    return readInt64(this.bytes, this.start)
  }
  get lastOffset(): number {
    return this.baseOffset + readInt32(this.bytes, this.start + headerAt.lastOffsetDelta)
  }
  get attributes(): number {
    const at = this.start + headerAt.attributes
    return (this.bytes[at] << 8) | this.bytes[at + 1]
  }
  /** Number of the codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  get codec(): number {
    return this.bytes[this.start + headerAt.attributes + 1] & attribute.codecMask
  }
  get recordCount(): number {
    return readInt32(this.bytes, this.start + headerAt.recordCount)
  }
  get baseTimestamp(): number {
    return readInt64(this.bytes, this.start + headerAt.baseTimestamp)
  }
  get maxTimestamp(): number {
    return readInt64(this.bytes, this.start + headerAt.maxTimestamp)
  }
  get producerId(): number {
    return readInt64(this.bytes, this.start + headerAt.producerId)
  }
  get producerEpoch(): number {
    const at = this.start + headerAt.producerEpoch
    return (((this.bytes[at] << 8) | this.bytes[at + 1]) << 16) >> 16
  }
  get baseSequence(): number {
    return readInt32(this.bytes, this.start + headerAt.baseSequence)
  }
  /** Whether the stored CRC32C is that of the bytes (about 0.2 ns a byte). */
  crcValid(): boolean {
    const stored = readInt32(this.bytes, this.start + headerAt.crc) >>> 0
    return stored === crc32c(this.bytes.subarray(this.start + headerAt.attributes, this.at))
  }
}

/** Calls `visit` with one cursor, moved from batch to batch; returns the bytes of whole batches. */
export function eachBatchHeader(bytes: Uint8Array, visit: (batch: BatchCursor) => void): number {
  const cursor = new BatchCursor(bytes)
  while (cursor.next()) visit(cursor)
  return cursor.at
}
