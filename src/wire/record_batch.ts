// RecordBatch v2 of whole records: encode plain records, decode batches to plain records. For
// producers, tools, tests and rejected records; the hot path reads batches in kernels.
import { EuphorionError } from '../errors.ts'
import { attribute, BatchCursor, batchHeaderBytes } from './batch_header.ts'
import { type BatchOptions, BatchWriter } from './batch_writer.ts'
import { codecNames, decompress } from './compression.ts'
import type { LogHeader, LogRecord, StoredRecord } from './record.ts'
import { VarintReader } from './varint.ts'

/** Upper bound of a decompressed batch unless the caller says otherwise. */
export const decompressedBytesMax = 256 * 1024 * 1024

/** One batch of `records` (at least one), in bytes of their own. */
export function encodeBatch(records: readonly LogRecord[], options: BatchOptions = {}): Uint8Array {
  const writer = new BatchWriter(batchSizeHint(records))
  for (const { key, value, timestamp, headers } of records)
    writer.append(key, value, timestamp, headers)
  return writer.finish(options)
}

function batchSizeHint(records: readonly LogRecord[]): number {
  let hint = batchHeaderBytes
  for (const { key, value } of records) hint += 48 + (key?.length ?? 0) + (value?.length ?? 0)
  return hint
}

/**
 * The records of the whole batches in `bytes`, oldest first. Control batches have none. Key, value
 * and header bytes are copies. Damaged bytes are BATCH_CORRUPT; a batch that decompresses to more
 * than `maxBytes` is RECORD_TOO_LARGE. `checkCrc` false leaves the checksums alone.
 */
export function decodeBatches(
  bytes: Uint8Array,
  { maxBytes = decompressedBytesMax, checkCrc = true } = {},
): StoredRecord[] {
  const records: StoredRecord[] = []
  const batch = new BatchCursor(bytes)
  while (batch.next()) {
    if (checkCrc) verifyCrc(batch)
    decodeBatch(batch, records, maxBytes)
  }
  if (batch.broken) throw new EuphorionError('BATCH_CORRUPT', `no batch begins at byte ${batch.at}`)
  return records
}

/** BATCH_CORRUPT unless the batch that the cursor is at has the checksum that it says. */
export function verifyCrc(batch: BatchCursor): void {
  if (!batch.crcValid()) throw damagedBatch(batch, 'the checksum does not match')
}

/** Uncompressed record bytes of the batch that the cursor is at. */
export function recordBytes(batch: BatchCursor, maxBytes = decompressedBytesMax): Uint8Array {
  const packed = batch.bytes.subarray(batch.start + batchHeaderBytes, batch.at)
  if (batch.codec === 0) return packed
  const name = codecNames[batch.codec]
  if (name === undefined) throw damagedBatch(batch, `there is no codec ${batch.codec}`)
  return decompress(name, packed, maxBytes)
}

/** The records of the batch that the cursor is at; its checksum is not looked at. */
export function batchRecords(batch: BatchCursor, maxBytes = decompressedBytesMax): StoredRecord[] {
  const records: StoredRecord[] = []
  decodeBatch(batch, records, maxBytes)
  return records
}

function decodeBatch(batch: BatchCursor, into: StoredRecord[], maxBytes: number): void {
  const attributes = batch.attributes
  if ((attributes & attribute.control) !== 0) return
  const appendTime = (attributes & attribute.logAppendTime) !== 0 ? batch.maxTimestamp : undefined
  const reader = new VarintReader(recordBytes(batch, maxBytes))
  const { baseOffset, baseTimestamp, recordCount } = batch
  for (let i = 0; i < recordCount; i++) {
    const length = reader.read()
    const start = reader.at
    const record = readRecord(reader, baseOffset, baseTimestamp)
    if (reader.at !== start + length)
      throw damagedBatch(batch, `record ${i} is not as long as it says`)
    into.push(appendTime === undefined ? record : { ...record, timestamp: appendTime })
  }
  if (reader.at !== reader.end) throw damagedBatch(batch, 'bytes follow the last record')
}

/**
 * One record from its body, which begins with its attributes (behind the length) at `at` of
 * uncompressed record bytes. Damage is BATCH_CORRUPT.
 */
export function decodeRecord(
  bytes: Uint8Array,
  at: number,
  baseOffset: number,
  baseTimestamp: number,
): StoredRecord {
  return readRecord(new VarintReader(bytes, at), baseOffset, baseTimestamp)
}

function readRecord(reader: VarintReader, baseOffset: number, baseTimestamp: number): StoredRecord {
  reader.skip(1)
  const timestamp = baseTimestamp + reader.read()
  const offset = baseOffset + reader.read()
  const key = readBytes(reader)
  const value = readBytes(reader)
  const headerCount = reader.read()
  if (headerCount === 0) return { offset, key, value, timestamp }
  if (headerCount < 0 || headerCount > reader.end - reader.at)
    throw new EuphorionError('BATCH_CORRUPT', `a record claims ${headerCount} headers`)
  const headers: LogHeader[] = []
  for (let i = 0; i < headerCount; i++) {
    const name = readBytes(reader)
    if (name === null) throw new EuphorionError('BATCH_CORRUPT', 'a record header has no key')
    headers.push({ key: Buffer.from(name).toString('utf8'), value: readBytes(reader) })
  }
  return { offset, key, value, timestamp, headers }
}

function readBytes(reader: VarintReader): Uint8Array | null {
  const length = reader.read()
  if (length < 0) return null
  const from = reader.skip(length)
  const copy = new Uint8Array(length)
  copy.set(reader.bytes.subarray(from, from + length))
  return copy
}

/** BATCH_CORRUPT for the batch that the cursor is at. */
export function damagedBatch(batch: BatchCursor, why: string): EuphorionError {
  return new EuphorionError('BATCH_CORRUPT', `batch at offset ${batch.baseOffset}: ${why}`, {
    place: { offset: batch.baseOffset },
  })
}
