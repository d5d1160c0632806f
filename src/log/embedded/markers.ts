// Writes what transactions add to batches: the producer's stamp on data, and the control batches
// that end a transaction in a partition (KIP-98). Used by the transactions of the embedded log.
import {
  attribute,
  BatchCursor,
  batchHeaderBytes,
  headerAt,
  stampProducer,
  writeInt16,
} from '../../wire/batch_header.ts'
import { BatchWriter } from '../../wire/batch_writer.ts'

/** Nothing is sent twice inside one process, so batches of a transaction have no sequence. */
const noSequence = -1
/** The only one that a process of its own has. */
const epoch = 0

/** Makes one whole batch, whose attributes may say so already, data of a producer's transaction. */
export function stampTransaction(bytes: Uint8Array, producerId: number): Uint8Array {
  const batch = new BatchCursor(bytes)
  if (bytes.length >= batchHeaderBytes && batch.next() && batch.at === bytes.length) {
    writeInt16(bytes, headerAt.attributes, batch.attributes | attribute.transactional)
    stampProducer(bytes, producerId, epoch, noSequence)
  }
  return bytes
}

/** An end-of-transaction marker of version 0. */
export function endMarker(producerId: number, marker: number, nowMs: number): Uint8Array {
  const key = new Uint8Array(4)
  writeInt16(key, 2, marker)
  // Version, and the epoch of the coordinator, which has none here.
  const value = new Uint8Array(6)
  const writer = new BatchWriter()
  writer.append(key, value, nowMs)
  return writer
    .finish({
      producerId,
      producerEpoch: epoch,
      baseSequence: noSequence,
      attributes: attribute.transactional | attribute.control,
    })
    .slice()
}
