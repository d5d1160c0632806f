// RecordBatches for tests: any records with any gaps, and batches with other attributes.
import type { Compression, StoredRecord } from '../../src/log/log.ts'
import { headerAt, writeInt16, writeInt32 } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { crc32c } from '../../src/wire/crc32c.ts'

/** One batch of the records at their offsets, which ascend and may have gaps. */
export function batchOf(
  records: readonly StoredRecord[],
  compression: Compression = 'none',
  lastOffset: number = records[records.length - 1].offset,
): Uint8Array {
  const writer = new BatchWriter()
  const baseOffset = records[0].offset
  for (const { offset, key, value, timestamp, headers = [] } of records)
    writer.appendWithDelta(offset - baseOffset, key, value, timestamp, headers)
  return Uint8Array.from(writer.finish({ baseOffset, compression }, lastOffset - baseOffset))
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Sets the attributes beside the codec, and the CRC that goes with them. */
export function withAttributes(batch: Uint8Array, bits: number): Uint8Array {
  const copy = Uint8Array.from(batch)
  writeInt16(copy, headerAt.attributes, copy[headerAt.attributes + 1] | bits)
  return sealed(copy)
}

/** Writes the CRC of the bytes as they are. */
export function sealed(batch: Uint8Array): Uint8Array {
  writeInt32(batch, headerAt.crc, crc32c(batch.subarray(headerAt.attributes)))
  return batch
}
