// Finds the requests among the records of fetched batches, so that records are read as if nobody
// asked. One for each partition of an agent that yields; most payloads have none, and are passed
// at the speed of a search for bytes.
import { EuphorionError } from '../errors.ts'
import type { LogHeader, StoredRecord } from '../log/log.ts'
import { Bad } from '../record/bad.ts'
import type { Codec } from '../record/codec.ts'
import { parseJson } from '../record/json.ts'
import { attribute, BatchCursor } from '../wire/batch_header.ts'
import { batchRecords, encodeBatch, recordBytes } from '../wire/record_batch.ts'
import type { ReplyValue } from './reply_value.ts'
import {
  type RequestAddress,
  replyToHeader,
  requestHeaders,
  requestOfHeaders,
  requestOfValue,
  wrapperMark,
} from './request_message.ts'

export interface ScanOptions<V> {
  readonly value: Codec<V>
  /** Of values in wrapped requests. */
  readonly wrapped: ReplyValue<V>
  readonly decompressedBytesMax: number
  /** A request, in the order of offsets. */
  readonly found: (record: StoredRecord, address: RequestAddress) => void
}

/**
 * The payload to read: the same, but for batches with wrapped requests, whose values are taken out
 * of their wrapping. Never throws: what is damaged is for the reader to tell.
 */
export function scanRequests<V>(payload: Uint8Array, options: ScanOptions<V>): Uint8Array {
  const isMarked = holdsMark(payload)
  const parts: Uint8Array[] = []
  const batches = new BatchCursor(payload)
  let from = 0
  try {
    while (batches.next()) {
      const records = requestBatch(batches, isMarked, options)
      const unwrapped = records && scanBatch(records, options)
      if (unwrapped === undefined) continue
      parts.push(payload.subarray(from, batches.start), ...unwrapped)
      from = batches.at
    }
  } catch (error) {
    if (!(error instanceof EuphorionError)) throw error
  }
  return from === 0 ? payload : Buffer.concat([...parts, payload.subarray(from)])
}

/** The records of the batch, where there may be requests among them. */
function requestBatch<V>(
  batch: BatchCursor,
  isMarked: boolean,
  { decompressedBytesMax }: ScanOptions<V>,
): StoredRecord[] | undefined {
  if ((batch.attributes & attribute.control) !== 0) return undefined
  if (batch.codec === 0 && !isMarked) return undefined
  if (!holdsMark(recordBytes(batch, decompressedBytesMax))) return undefined
  return batchRecords(batch, decompressedBytesMax)
}

function holdsMark({ buffer, byteOffset, length }: Uint8Array): boolean {
  const bytes = Buffer.from(buffer, byteOffset, length)
  return bytes.includes(replyToHeader, 0, 'latin1') || bytes.includes(wrapperMark, 0, 'latin1')
}

/** The batch anew where values were wrapped: a batch for each record, for offsets have holes. */
function scanBatch<V>(
  records: readonly StoredRecord[],
  options: ScanOptions<V>,
): Uint8Array[] | undefined {
  let hasWrapped = false
  const unwrapped = records.map((record) => {
    const address = requestOfHeaders(record.headers ?? [])
    const wrapped = address === undefined ? requestOfValue(record.value) : undefined
    if (wrapped === undefined) {
      if (address !== undefined) options.found(record, address)
      return record
    }
    hasWrapped = true
    options.found(record, wrapped)
    const headers: LogHeader[] = [...(record.headers ?? []), ...requestHeaders(wrapped, false)]
    return { ...record, value: unwrap(record.value!, options), headers }
  })
  if (!hasWrapped) return undefined
  return unwrapped.map((record) => encodeBatch([record], { baseOffset: record.offset }))
}

/** What does not fit goes on as its JSON: reading it tells why. */
function unwrap<V>(bytes: Uint8Array, { value, wrapped }: ScanOptions<V>): Uint8Array | null {
  const parsed = parseJson(Buffer.from(bytes).toString()) as Record<string, unknown>
  try {
    const decoded = wrapped.decode(parsed, bytes)
    if (!(decoded instanceof Bad)) return value.encode(decoded)
  } catch (error) {
    if (!(error instanceof EuphorionError)) throw error
  }
  return Buffer.from(JSON.stringify(parsed.value))
}
