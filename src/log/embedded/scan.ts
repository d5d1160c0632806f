// Walks the batches of a segment file from a position on, checking what it is asked to. Used when
// the log is opened, when a position is looked up, and by compaction and tools.
import { BatchCursor, batchHeaderBytes, headerAt, readInt32 } from '../../wire/batch_header.ts'
import { readAt } from './files.ts'

export interface ScanOptions {
  /** Check every batch's CRC32C. */
  readonly checkCrc: boolean
  /** Offsets below this, or not ascending, end the scan. */
  readonly minOffset: number
  /** So do gaps between offsets, which only compaction leaves. */
  readonly contiguous?: boolean
  /** A batch larger than this ends the scan. */
  readonly maxBatchBytes: number
}

const chunkBytes = 1024 * 1024

/**
 * Visits the batches in [position, size); returns where the good ones end: `size`, or the position
 * of the first that is torn or damaged. `visit` may be asynchronous and answers false to stop.
 */
export async function scanBatches(
  fd: number,
  position: number,
  size: number,
  options: ScanOptions,
  visit: (batch: BatchCursor, position: number) => boolean | void | Promise<boolean | void>,
): Promise<number> {
  let buffer = new Uint8Array(Math.min(chunkBytes, Math.max(size - position, batchHeaderBytes)))
  const batch = new BatchCursor(buffer, 0, 0)
  let at = position
  let minOffset = options.minOffset
  while (at < size) {
    const count = await readAt(fd, buffer, 0, Math.min(buffer.length, size - at), at)
    batch.reset(buffer, 0, count)
    while (batch.next()) {
      if (batch.baseOffset < minOffset || batch.lastOffset < batch.baseOffset)
        return at + batch.start
      if (options.contiguous && batch.baseOffset !== minOffset) return at + batch.start
      if (batch.size > options.maxBatchBytes) return at + batch.start
      if (options.checkCrc && !batch.crcValid()) return at + batch.start
      minOffset = batch.lastOffset + 1
      const answer = visit(batch, at + batch.start)
      if (answer === false || (answer instanceof Promise && (await answer) === false))
        return at + batch.at
    }
    if (batch.broken || batch.needed > Math.min(options.maxBatchBytes, size - at - batch.at))
      return at + batch.at
    at += batch.at
    if (batch.at > 0) continue
    if (count === size - at && batch.needed <= count) return at
    buffer = new Uint8Array(batch.needed)
  }
  return at
}

/** Bytes that the search behind damage looks at. */
const searchBytesMax = 64 * 1024 * 1024

/**
 * Whether a good batch follows somewhere behind damage at `position`. Tells a torn tail (nothing
 * follows) from damage in the middle, of which nothing may be cut off.
 */
export async function goodBatchFollows(
  fd: number,
  position: number,
  size: number,
  minOffset: number,
): Promise<boolean> {
  const bytes = new Uint8Array(Math.min(size - position, searchBytesMax))
  const count = await readAt(fd, bytes, 0, bytes.length, position)
  const batch = new BatchCursor(bytes, 0, count)
  for (let at = 1; at + batchHeaderBytes <= count; at++) {
    if (bytes[at + headerAt.magic] !== 2) continue
    const length = readInt32(bytes, at + headerAt.length)
    if (length <= 0 || at + length > count || bytes[at] !== 0) continue
    batch.reset(bytes, at, count)
    if (batch.next() && batch.baseOffset >= minOffset && batch.crcValid()) return true
  }
  return false
}
