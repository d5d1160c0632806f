// Empties the batches of aborted transactions in fetched bytes (read_committed), as the rules of
// KIP-98 say. An emptied batch keeps its offsets, so that whoever reads moves past it.
import {
  attribute,
  BatchCursor,
  batchHeaderBytes,
  batchPrefixBytes,
  headerAt,
  writeInt16,
  writeInt32,
} from '../../wire/batch_header.ts'
import { crc32c } from '../../wire/crc32c.ts'
import type { AbortedTransaction } from '../../wire/requests/fetch.ts'
import { VarintReader } from '../../wire/varint.ts'

const abortMarker = 0

/** Works in place on the whole batches of bytes[0 … length); returns the bytes that are left. */
export function emptyAborted(
  bytes: Uint8Array,
  length: number,
  aborted: readonly AbortedTransaction[],
): number {
  if (aborted.length === 0) return length
  const toCome = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset)
  const producers = new Set<number>()
  const batches = new BatchCursor(bytes, 0, length)
  let kept = 0
  while (batches.next()) {
    while (toCome.length > 0 && toCome[toCome.length - 1].firstOffset <= batches.lastOffset)
      producers.add(toCome.pop()!.producerId)
    const { attributes, producerId, start, size } = batches
    const isControl = (attributes & attribute.control) !== 0
    const isTransactional = (attributes & attribute.transactional) !== 0
    if (isControl && producers.has(producerId) && markerOf(batches) === abortMarker)
      producers.delete(producerId)
    if (kept !== start) bytes.copyWithin(kept, start, start + size)
    if (!isControl && isTransactional && producers.has(producerId)) {
      emptyBatch(bytes, kept, attributes)
      kept += batchHeaderBytes
    } else kept += size
  }
  return kept
}

/** Type of a control batch: 0 abort, 1 commit. Its key is version and type, two bytes each. */
function markerOf(batch: BatchCursor): number {
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
