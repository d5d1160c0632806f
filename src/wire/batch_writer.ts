// Appends records to a growing buffer and finishes it to one RecordBatch v2: no allocation per
// record. Used by the producers, the packing of kafkajs messages and the workload generators.
import { strict as assert } from 'node:assert'
import {
  batchHeaderBytes,
  batchPrefixBytes,
  headerAt,
  writeInt16,
  writeInt32,
  writeInt64,
} from './batch_header.ts'
import { type Compression, codecNumbers, compress } from './compression.ts'
import { crc32c } from './crc32c.ts'
import type { LogHeader } from './record.ts'
import { varintSize, writeVarint } from './varint.ts'

export interface BatchOptions {
  /** Offset of the first record. Default 0 (the log assigns it). */
  readonly baseOffset?: number
  /** Default 'none'. */
  readonly compression?: Compression
  /** Default -1: not idempotent. */
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** Bits of the header beside the codec's. Default none. */
  readonly attributes?: number
}

/** Six varints of at most 5 and one of at most 10 bytes, and the attributes. */
const recordOverheadMax = 41
/** Up to here a loop copies faster than a native call with its view. */
const loopCopyMax = 96

const utf8 = new TextEncoder()

export class BatchWriter {
  #bytes: Uint8Array
  #at = batchHeaderBytes
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0

  /**
   * `initialBytes`: size of the buffer to begin with; it doubles as needed and is kept by reset().
   */
  constructor(initialBytes = 64 * 1024) {
    this.#bytes = new Uint8Array(Math.max(initialBytes, 1024))
  }

  /** Records since the last reset. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the batch so far, header included, uncompressed. */
  get size(): number {
    return this.#at
  }

  /** Begins the next batch in the same buffer. */
  reset(): void {
    this.#at = batchHeaderBytes
    this.#count = 0
  }

  /**
   * Adds a record. The key is key[0 … keyLength), the value likewise, so that a caller can fill the
   * same scratch buffers again and again.
   */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers?: readonly LogHeader[],
    keyLength: number = key === null ? -1 : key.length,
    valueLength: number = value === null ? -1 : value.length,
  ): void {
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.#appendAt(this.#count, key, value, timestamp, headers, keyLength, valueLength)
    this.#count++
  }

  /** As append, but with a given distance from the base offset (compacted batches have gaps). */
  appendWithDelta(
    offsetDelta: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly LogHeader[],
  ): void {
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.#appendAt(
      offsetDelta,
      key,
      value,
      timestamp,
      headers,
      key === null ? -1 : key.length,
      value === null ? -1 : value.length,
    )
    this.#count++
  }

  #appendAt(
    offsetDelta: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly LogHeader[] | undefined,
    keyLength: number,
    valueLength: number,
  ): void {
    const timestampDelta = timestamp - this.#baseTimestamp
    const headerBytes = headers === undefined || headers.length === 0 ? 1 : headersSize(headers)
    const body =
      1 +
      varintSize(timestampDelta) +
      varintSize(offsetDelta) +
      varintSize(keyLength) +
      (keyLength > 0 ? keyLength : 0) +
      varintSize(valueLength) +
      (valueLength > 0 ? valueLength : 0) +
      headerBytes
    if (this.#at + body + recordOverheadMax > this.#bytes.length) this.#grow(body)
    const bytes = this.#bytes
    let at = writeVarint(bytes, this.#at, body)
    bytes[at++] = 0
    at = writeVarint(bytes, at, timestampDelta)
    at = writeVarint(bytes, at, offsetDelta)
    at = writeVarint(bytes, at, keyLength)
    if (keyLength > 0) at = copyInto(bytes, at, key!, keyLength)
    at = writeVarint(bytes, at, valueLength)
    if (valueLength > 0) at = copyInto(bytes, at, value!, valueLength)
    if (headerBytes === 1) bytes[at++] = 0
    else at = writeHeaders(bytes, at, headers!)
    this.#at = at
  }

  #grow(body: number): void {
    const needed = this.#at + body + recordOverheadMax
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, needed))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
  }

  /**
   * The finished batch: a view of the writer's buffer (uncompressed; valid until the next reset) or
   * bytes of its own (compressed). `lastOffsetDelta` is given for compacted batches.
   */
  finish(options: BatchOptions = {}, lastOffsetDelta = this.#count - 1): Uint8Array {
    assert(this.#count > 0, 'a batch has at least one record')
    const codec = codecNumbers[options.compression ?? 'none']
    let batch = this.#bytes.subarray(0, this.#at)
    if (codec !== 0) {
      const packed = compress(options.compression!, batch.subarray(batchHeaderBytes))
      batch = new Uint8Array(batchHeaderBytes + packed.length)
      batch.set(packed, batchHeaderBytes)
    }
    writeInt64(batch, headerAt.baseOffset, options.baseOffset ?? 0)
    writeInt32(batch, headerAt.length, batch.length - batchPrefixBytes)
    writeInt32(batch, headerAt.leaderEpoch, -1)
    batch[headerAt.magic] = 2
    writeInt16(batch, headerAt.attributes, (options.attributes ?? 0) | codec)
    writeInt32(batch, headerAt.lastOffsetDelta, lastOffsetDelta)
    writeInt64(batch, headerAt.baseTimestamp, this.#baseTimestamp)
    writeInt64(batch, headerAt.maxTimestamp, this.#maxTimestamp)
    writeInt64(batch, headerAt.producerId, options.producerId ?? -1)
    writeInt16(batch, headerAt.producerEpoch, options.producerEpoch ?? -1)
    writeInt32(batch, headerAt.baseSequence, options.baseSequence ?? -1)
    writeInt32(batch, headerAt.recordCount, this.#count)
    writeInt32(batch, headerAt.crc, crc32c(batch.subarray(headerAt.attributes)))
    return batch
  }
}

function copyInto(target: Uint8Array, at: number, source: Uint8Array, length: number): number {
  if (length <= loopCopyMax) for (let i = 0; i < length; i++) target[at + i] = source[i]
  else target.set(length === source.length ? source : source.subarray(0, length), at)
  return at + length
}

function headersSize(headers: readonly LogHeader[]): number {
  let size = varintSize(headers.length)
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    size += varintSize(keyBytes) + keyBytes
    size += varintSize(value === null ? -1 : value.length) + (value?.length ?? 0)
  }
  return size
}

function writeHeaders(bytes: Uint8Array, start: number, headers: readonly LogHeader[]): number {
  let at = writeVarint(bytes, start, headers.length)
  for (const { key, value } of headers) {
    const keyBytes = utf8.encode(key)
    at = writeVarint(bytes, at, keyBytes.length)
    bytes.set(keyBytes, at)
    at = writeVarint(bytes, at + keyBytes.length, value === null ? -1 : value.length)
    if (value !== null) {
      bytes.set(value, at)
      at += value.length
    }
  }
  return at
}
