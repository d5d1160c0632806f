// Packs messages of kafkajs into RecordBatch v2 bytes, as if they had come so. Called by the
// consumer for each fetch; no object is made per record (but for records with headers).
import type { KafkaMessage } from 'kafkajs'
import { batchHeaderBytes } from '../../wire/batch_header.ts'
import { BatchWriter } from '../../wire/batch_writer.ts'
import type { LogHeader } from '../log.ts'

/** Length, attributes, timestamp and offset deltas, lengths of key and value, number of headers. */
const recordOverheadMax = 41
const offsetDeltaMax = 0x7fffffff
const noHeaders: readonly LogHeader[] = []
/** A buffer that a large record has made grow is not kept. */
const keptBytesMax = 4 * 1024 * 1024

export class Packer {
  #writer = new BatchWriter()
  /** Index behind the last message that was packed. */
  next = 0

  /**
   * Packs messages[from …) into one batch at the beginning of `target`, as many as fit, and returns
   * its bytes; 0 when not even the first fits. A batch with the last message ends at `lastOffset`,
   * which is behind that message where Kafka left out others (compaction, marks of transactions).
   */
  pack(
    messages: readonly KafkaMessage[],
    from: number,
    lastOffset: number,
    target: Uint8Array,
  ): number {
    if (this.#writer.size > keptBytesMax) this.#writer = new BatchWriter()
    const writer = this.#writer
    writer.reset()
    const baseOffset = Number(messages[from].offset)
    let delta = 0
    let index = from
    for (; index < messages.length; index++) {
      const message = messages[index]
      const next = Number(message.offset) - baseOffset
      if (writer.size + recordBound(message) > target.length || next > offsetDeltaMax) break
      delta = next
      const headers = hasHeaders(message) ? headersOf(message) : noHeaders
      writer.appendWithDelta(delta, message.key, message.value, Number(message.timestamp), headers)
    }
    this.next = index
    if (index === from) return 0
    if (index === messages.length && lastOffset - baseOffset <= offsetDeltaMax)
      delta = Math.max(delta, lastOffset - baseOffset)
    const batch = writer.finish({ baseOffset }, delta)
    target.set(batch)
    return batch.length
  }

  /** Bytes of a target in which the message fits alone. */
  static bytesFor(message: KafkaMessage): number {
    return batchHeaderBytes + recordBound(message)
  }
}

/** At least the bytes that the record takes. */
function recordBound(message: KafkaMessage): number {
  let bytes = recordOverheadMax + (message.key?.length ?? 0) + (message.value?.length ?? 0)
  if (hasHeaders(message))
    for (const { key, value } of headersOf(message))
      bytes += 10 + Buffer.byteLength(key) + (value?.length ?? 0)
  return bytes
}

function hasHeaders(message: KafkaMessage): boolean {
  for (const _ in message.headers) return true
  return false
}

/**
 * kafkajs keeps headers as an object; several of one name are an array there, with what Object's
 * prototype has by that name ('constructor') before them.
 */
export function headersOf(message: Pick<KafkaMessage, 'headers'>): LogHeader[] {
  const headers: LogHeader[] = []
  for (const [key, values] of Object.entries(message.headers ?? {}))
    for (const value of Array.isArray(values) ? values : [values])
      if (typeof value === 'string') headers.push({ key, value: Buffer.from(value) })
      else if (value === undefined || value === null || value instanceof Uint8Array)
        headers.push({ key, value: value ?? null })
  return headers
}
