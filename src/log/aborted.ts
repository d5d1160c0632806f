// Empties the batches of aborted transactions in fetched bytes (read_committed), as the rules of
// KIP-98 say, for the drivers that hand over stored bytes. An emptied batch keeps its offsets, so
// that whoever reads moves past it.
import {
  attribute,
  BatchCursor,
  batchHeaderBytes,
  batchPrefixBytes,
  headerAt,
  writeInt16,
  writeInt32,
} from '../wire/batch_header.ts'
import { crc32c } from '../wire/crc32c.ts'
import type { AbortedTransaction } from '../wire/requests/fetch.ts'
import { VarintReader } from '../wire/varint.ts'

/** Types of control batches. */
export const abortMarker = 0
export const commitMarker = 1

/** Works in place on the whole batches of bytes[0 … length); returns the bytes that are left. */
export function emptyAborted(
  bytes: Uint8Array,
  length: number,
  aborted: readonly AbortedTransaction[],
): number {
  if (aborted.length === 0) return length
  const toCome = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset)
  const producers = new Set<number>()
  return emptyBatches(bytes, length, (batch) => {
    while (toCome.length > 0 && toCome[toCome.length - 1].firstOffset <= batch.lastOffset)
      producers.add(toCome.pop()!.producerId)
    if (!producers.has(batch.producerId)) return false
    const isControl = (batch.attributes & attribute.control) !== 0
    if (isControl && markerOf(batch) === abortMarker) producers.delete(batch.producerId)
    return !isControl
  })
}

/**
 * Empties the transactional batches that `isAborted` names, in place; it is asked of every batch.
 * Returns the bytes that are left.
 */
export function emptyBatches(
  bytes: Uint8Array,
  length: number,
  isAborted: (batch: BatchCursor) => boolean,
): number {
  const batches = new BatchCursor(bytes, 0, length)
  let kept = 0
  while (batches.next()) {
    const { attributes, start, size } = batches
    const empty = isAborted(batches) && (attributes & attribute.transactional) !== 0
    if (kept !== start) bytes.copyWithin(kept, start, start + size)
    if (empty) emptyBatch(bytes, kept, attributes)
    kept += empty ? batchHeaderBytes : size
  }
  return kept
}

/** Type of a control batch. Its key is version and type, two bytes each. */
export function markerOf(batch: BatchCursor): number {
  const from = new VarintReader(batch.bytes, batch.start + batchHeaderBytes, batch.at)
  from.read()
  from.skip(1)
  from.read()
  from.read()
  const key = from.skip(from.read())
  return (batch.bytes[key + 2] << 8) | batch.bytes[key + 3]
}

function emptyBatch(bytes: Uint8Array, at: number, attributes: number): void {
  writeInt32(bytes, at + headerAt.length, batchHeaderBytes - batchPrefixBytes)
  writeInt16(bytes, at + headerAt.attributes, attributes & ~attribute.codecMask)
  writeInt32(bytes, at + headerAt.recordCount, 0)
  const checked = bytes.subarray(at + headerAt.attributes, at + batchHeaderBytes)
  writeInt32(bytes, at + headerAt.crc, crc32c(checked))
}
