// An independent, slow and simple reader of RecordBatch v2 bytes: what tests compare the library's
// own encoders with. Checks the frame and the CRC of every batch it reads.
import assert from 'node:assert/strict'
import type { StoredRecord } from '../../src/log/log.ts'

export interface DecodedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Kafka's number of the codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec: number
  readonly count: number
  /** Marks the end of a transaction, and has no records for anybody. */
  readonly isControl: boolean
  /** Empty for a compressed batch when no `inflate` was given. */
  readonly records: readonly StoredRecord[]
}

/** Turns the records of a compressed batch into plain bytes. */
export type Inflate = (codec: number, bytes: Uint8Array) => Uint8Array

/** Every batch of `bytes`; fails on half a batch, a wrong CRC or a count that does not add up. */
export function decodeBatches(bytes: Uint8Array, inflate?: Inflate): DecodedBatch[] {
  const copy = Buffer.from(bytes)
  const batches: DecodedBatch[] = []
  let at = 0
  while (at < copy.length) {
    assert.ok(copy.length - at >= 61, `half a batch header at ${at}`)
    const end = at + 12 + copy.readInt32BE(at + 8)
    assert.ok(end <= copy.length, `half a batch at ${at}`)
    batches.push(decodeBatch(copy.subarray(at, end), inflate))
    at = end
  }
  return batches
}

function decodeBatch(batch: Buffer, inflate?: Inflate): DecodedBatch {
  assert.equal(batch[16], 2, 'magic')
  assert.equal(crc32c(batch.subarray(21)), batch.readUInt32BE(17), 'CRC of the batch')
  const baseOffset = Number(batch.readBigInt64BE(0))
  const codec = batch.readInt16BE(21) & 7
  const isControl = (batch.readInt16BE(21) & 0x20) !== 0
  const lastOffset = baseOffset + batch.readInt32BE(23)
  const baseTimestamp = Number(batch.readBigInt64BE(27))
  const maxTimestamp = Number(batch.readBigInt64BE(35))
  const count = batch.readInt32BE(57)
  const head = { baseOffset, lastOffset, codec, count, isControl }
  if (isControl || (codec !== 0 && !inflate)) return { ...head, records: [] }
  const body = codec === 0 ? batch.subarray(61) : inflate!(codec, batch.subarray(61))
  const records = decodeRecords(new Cursor(Buffer.from(body)), count, baseOffset, baseTimestamp)
  if (records.length > 0) {
    assert.equal(Math.max(...records.map((record) => record.timestamp)), maxTimestamp)
    assert.ok(records[records.length - 1].offset <= lastOffset)
  }
  return { ...head, records }
}

function decodeRecords(cursor: Cursor, count: number, baseOffset: number, baseTimestamp: number) {
  const records: StoredRecord[] = []
  for (let index = 0; index < count; index++) {
    const length = cursor.varint()
    const end = cursor.at + length
    cursor.at++
    const timestamp = baseTimestamp + cursor.varint()
    const offset = baseOffset + cursor.varint()
    const key = cursor.bytes()
    const value = cursor.bytes()
    const headers = Array.from({ length: cursor.varint() }, () => ({
      key: cursor.bytes()!.toString('utf8'),
      value: cursor.bytes(),
    }))
    assert.equal(cursor.at, end, `length of record ${index}`)
    records.push({ offset, timestamp, key, value, headers })
  }
  assert.equal(cursor.at, cursor.buffer.length, 'bytes after the last record')
  return records
}

class Cursor {
  readonly buffer: Buffer
  at = 0

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  varint(): number {
    let raw = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.buffer[this.at++]
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return Number((raw >> 1n) ^ -(raw & 1n))
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    this.at += length
    return this.buffer.subarray(this.at - length, this.at)
  }
}

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index
  for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >>> 1) ^ 0x82f63b78 : entry >>> 1
  return entry
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
