// Reads stored records of a partition as plain objects, for tools and tests.
import { EuphorionError } from '../../errors.ts'
import { BatchCursor } from '../../wire/batch_header.ts'
import { decodeBatches } from '../../wire/record_batch.ts'
import type { StoredRecord } from '../log.ts'
import type { FileCache } from './file_cache.ts'
import { readAt } from './files.ts'
import type { Partition } from './partition.ts'
import { emptyAbortedIn } from './partition_transactions.ts'

/**
 * Whole batches from the one that holds `offset` (or the first behind it) up to about `maxBytes`,
 * at least one; no bytes at the end of what is committed. OFFSET_OUT_OF_RANGE before the start or
 * behind the end.
 */
export async function readBatches(
  partition: Partition,
  files: FileCache,
  offset: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const { startOffset, nextOffset } = partition
  if (offset < startOffset || offset > nextOffset) {
    const message = `offset ${offset} is not in the log, which has ${startOffset} to ${nextOffset}`
    const place = { topic: partition.topic, partition: partition.partition, offset }
    throw new EuphorionError('OFFSET_OUT_OF_RANGE', message, { place })
  }
  const stable = partition.stableOffset
  const { aborted } = partition.transactions
  let from = offset
  while (from < stable) {
    const { segment, position } = await partition.find(from)
    from = segment.nextOffset
    if (position >= segment.size) continue
    const fd = await files.take(segment)
    try {
      const available = segment.size - position
      let length = Math.min(available, Math.max(maxBytes, 4096))
      for (;;) {
        const bytes = new Uint8Array(length)
        const batch = new BatchCursor(bytes, 0, await readAt(fd, bytes, 0, length, position))
        const whole = committedBytes(batch, stable, aborted)
        if (whole !== undefined) return whole
        if (batch.broken || batch.needed > available || batch.needed <= length)
          throw partition.corrupt(segment, position)
        length = batch.needed
      }
    } finally {
      files.release(segment)
    }
  }
  return new Uint8Array(0)
}

/**
 * The whole batches below the last stable offset, those of aborted transactions emptied; undefined
 * where none is whole.
 */
function committedBytes(
  batch: BatchCursor,
  stable: number,
  aborted: Partition['transactions']['aborted'],
): Uint8Array | undefined {
  if (!batch.next()) return undefined
  const first = batch.baseOffset
  let end = 0
  let last = first
  do {
    if (batch.baseOffset >= stable) break
    end = batch.at
    last = batch.lastOffset
  } while (batch.next())
  return batch.bytes.subarray(0, emptyAbortedIn(batch.bytes, end, [first, last], aborted))
}

/** The records of those batches, from `offset` on. */
export function readRecords(
  partition: Partition,
  files: FileCache,
  offset: number,
  maxBytes: number,
): Promise<readonly StoredRecord[]> {
  return decodeFrom(offset, (from) => readBatches(partition, files, from, maxBytes))
}

/**
 * Records from `offset` on, out of batches that `read` gives from an offset on (none at the end).
 */
export async function decodeFrom(
  offset: number,
  read: (from: number) => Promise<Uint8Array>,
): Promise<readonly StoredRecord[]> {
  let from = offset
  for (;;) {
    const bytes = await read(from)
    const records = decodeBatches(bytes).filter((record) => record.offset >= offset)
    if (records.length > 0 || bytes.length === 0) return records
    // The batches may hold nothing from the offset on; what follows them may.
    const batch = new BatchCursor(bytes)
    while (batch.next());
    from = batch.lastOffset + 1
  }
}
