// Compaction of a simulated partition, as Kafka's LogCleaner does it: of each key the latest record
// that counts stays, tombstones stay for a while, and of each producer the last batch, empty if
// need be, because it holds the number that comes next.
import {
  attribute,
  BatchCursor,
  batchHeaderBytes,
  batchPrefixBytes,
  headerAt,
  writeInt16,
  writeInt32,
} from '../wire/batch_header.ts'
import { BatchWriter } from '../wire/batch_writer.ts'
import { crc32c } from '../wire/crc32c.ts'
import type { StoredRecord } from '../wire/record.ts'
import { batchRecords } from '../wire/record_batch.ts'
import type { AbortedRange, StoredBytes } from './simulated_partition.ts'

export interface CompactionPass {
  /** Batches from this offset on are not looked at. */
  readonly upTo: number
  readonly aborted: readonly AbortedRange[]
  readonly nowMs: number
  readonly deleteRetentionMs: number
}

/** What is left of the batches. */
export function compacted(batches: readonly StoredBytes[], pass: CompactionPass): StoredBytes[] {
  const latest = latestOffsets(batches, pass)
  const lasts = new Map(batches.map((batch) => [batch.producerId, batch]))
  return batches.flatMap((batch) => {
    if (batch.last >= pass.upTo || batch.isControl) return [batch]
    const records = isAborted(batch, pass.aborted) ? [] : recordsOf(batch)
    const horizonMs = batch.horizonMs ?? pass.nowMs + pass.deleteRetentionMs
    const stays = ({ key, value, offset }: StoredRecord): boolean =>
      key !== null &&
      latest.get(nameOf(key)) === offset &&
      (value !== null || pass.nowMs < horizonMs)
    const kept = records.filter(stays)
    const hasTombstones = kept.some(({ value }) => value === null)
    if (kept.length === records.length && kept.length > 0)
      return [{ ...batch, horizonMs: hasTombstones ? horizonMs : undefined }]
    if (kept.length > 0) return [{ ...batch, bytes: shrunk(batch, kept), horizonMs }]
    return lasts.get(batch.producerId) === batch ? [{ ...batch, bytes: emptied(batch) }] : []
  })
}

function latestOffsets(
  batches: readonly StoredBytes[],
  { upTo, aborted }: CompactionPass,
): Map<string, number> {
  const latest = new Map<string, number>()
  for (const batch of batches) {
    if (batch.last >= upTo || batch.isControl || isAborted(batch, aborted)) continue
    for (const { key, offset } of recordsOf(batch))
      if (key !== null) latest.set(nameOf(key), offset)
  }
  return latest
}

function isAborted({ bytes, producerId, first }: StoredBytes, aborted: readonly AbortedRange[]) {
  if ((cursorAt(bytes).attributes & attribute.transactional) === 0) return false
  return aborted.some(
    (range) =>
      range.producerId === producerId && range.firstOffset <= first && first <= range.lastOffset,
  )
}

function cursorAt(bytes: Uint8Array): BatchCursor {
  const cursor = new BatchCursor(bytes)
  cursor.next()
  return cursor
}

function recordsOf({ bytes }: StoredBytes): StoredRecord[] {
  const cursor = cursorAt(bytes)
  return cursor.recordCount === 0 ? [] : batchRecords(cursor)
}

/** One character a byte. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

/** The batch with fewer records: same bounds and producer. */
function shrunk({ bytes, first, last }: StoredBytes, kept: readonly StoredRecord[]): Uint8Array {
  const { attributes, producerId, producerEpoch, baseSequence } = cursorAt(bytes)
  const writer = new BatchWriter(bytes.length)
  for (const { offset, key, value, timestamp, headers = [] } of kept)
    writer.appendWithDelta(offset - first, key, value, timestamp, headers)
  const options = { baseOffset: first, producerId, producerEpoch, baseSequence }
  const made = writer.finish(options, last - first)
  return withAttributes(made, attributes & ~attribute.codecMask)
}

function emptied({ bytes }: StoredBytes): Uint8Array {
  const made = bytes.slice(0, batchHeaderBytes)
  writeInt32(made, headerAt.length, batchHeaderBytes - batchPrefixBytes)
  writeInt32(made, headerAt.recordCount, 0)
  return withAttributes(made, cursorAt(bytes).attributes & ~attribute.codecMask)
}

function withAttributes(batch: Uint8Array, attributes: number): Uint8Array {
  writeInt16(batch, headerAt.attributes, attributes)
  writeInt32(batch, headerAt.crc, crc32c(batch.subarray(headerAt.attributes)))
  return batch
}
