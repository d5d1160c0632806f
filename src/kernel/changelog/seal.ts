// Finishes a RecordBatch of a changelog: compression, header, checksum. Run where the records were
// written: by a thread of the executor, or by the caller for what is small.
import {
  attribute,
  batchHeaderBytes,
  batchPrefixBytes,
  headerAt,
  writeInt16,
  writeInt32,
  writeInt64,
} from '../../wire/batch_header.ts'
import { type Compression, codecNumbers, compress } from '../../wire/compression.ts'
import { crc32c } from '../../wire/crc32c.ts'

/**
 * Finishes the batch whose records fill `bytes` behind the room for the header; returns its length.
 * What compression does not make smaller is left uncompressed. zstd: after prepareCompression.
 */
export function sealBatch(
  bytes: Uint8Array,
  records: number,
  timeMs: number,
  compression: Compression,
  checksum: (bytes: Uint8Array) => number = crc32c,
): number {
  const packed = pack(bytes, compression)
  if (packed !== undefined) bytes.set(packed, batchHeaderBytes)
  const length = packed === undefined ? bytes.length : batchHeaderBytes + packed.length
  const codec = packed === undefined ? 0 : codecNumbers[compression]
  writeInt64(bytes, headerAt.baseOffset, 0)
  writeInt32(bytes, headerAt.length, length - batchPrefixBytes)
  writeInt32(bytes, headerAt.leaderEpoch, -1)
  bytes[headerAt.magic] = 2
  writeInt16(bytes, headerAt.attributes, codec | attribute.transactional)
  writeInt32(bytes, headerAt.lastOffsetDelta, records - 1)
  writeInt64(bytes, headerAt.baseTimestamp, timeMs)
  writeInt64(bytes, headerAt.maxTimestamp, timeMs)
  writeInt64(bytes, headerAt.producerId, -1)
  writeInt16(bytes, headerAt.producerEpoch, -1)
  writeInt32(bytes, headerAt.baseSequence, -1)
  writeInt32(bytes, headerAt.recordCount, records)
  writeInt32(bytes, headerAt.crc, checksum(bytes.subarray(headerAt.attributes, length)))
  return length
}

function pack(bytes: Uint8Array, compression: Compression): Uint8Array | undefined {
  if (compression === 'none') return undefined
  // the packages do not all take shared memory
  const packed = compress(compression, Buffer.from(bytes.subarray(batchHeaderBytes)))
  return packed.length < bytes.length - batchHeaderBytes ? packed : undefined
}
