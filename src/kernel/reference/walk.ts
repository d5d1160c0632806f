// Walks the records of one RecordBatch: spans and numbers of the record at hand, no object per
// record. For the reference lane.
import { EuphorionError } from '../../errors.ts'
import { attribute, type BatchCursor } from '../../wire/batch_header.ts'
import type { StoredRecord } from '../../wire/record.ts'
import { decodeRecord, recordBytes } from '../../wire/record_batch.ts'
import { VarintReader } from '../../wire/varint.ts'

export class RecordWalker {
  offset = 0
  timestamp = 0
  #reader = new VarintReader(new Uint8Array(0))
  #left = 0
  #baseOffset = 0
  #baseTimestamp = 0
  /** Of a topic that stamps records when they arrive; else NaN. */
  #appendTime = Number.NaN
  #start = 0
  #end = 0
  #keyFrom = 0
  #keyLength = -1
  #valueFrom = 0
  #valueLength = -1

  /** Decompresses the batch; errors: BATCH_CORRUPT, RECORD_TOO_LARGE, CODEC_UNAVAILABLE. */
  begin(batch: BatchCursor, inflatedBytesMax: number): void {
    this.#reader = new VarintReader(recordBytes(batch, inflatedBytesMax))
    this.#left = batch.recordCount
    this.#baseOffset = batch.baseOffset
    this.#baseTimestamp = batch.baseTimestamp
    const stamped = (batch.attributes & attribute.logAppendTime) !== 0
    this.#appendTime = stamped ? batch.maxTimestamp : Number.NaN
  }

  /** Moves to the next record; damage is BATCH_CORRUPT. */
  next(): boolean {
    const reader = this.#reader
    if (this.#left-- <= 0) {
      if (reader.at !== reader.end) throw this.#corrupt()
      return false
    }
    const length = reader.read()
    this.#start = reader.skip(length)
    this.#end = reader.at
    reader.at = this.#start + 1
    const timestamp = this.#baseTimestamp + reader.read()
    this.timestamp = Number.isNaN(this.#appendTime) ? timestamp : this.#appendTime
    this.offset = this.#baseOffset + reader.read()
    this.#keyLength = reader.read()
    this.#keyFrom = reader.skip(Math.max(0, this.#keyLength))
    this.#valueLength = reader.read()
    this.#valueFrom = reader.skip(Math.max(0, this.#valueLength))
    if (reader.at > this.#end) throw this.#corrupt()
    reader.at = this.#end
    return true
  }

  /** Views of the batch's bytes. */
  get key(): Uint8Array | null {
    if (this.#keyLength < 0) return null
    return this.#reader.bytes.subarray(this.#keyFrom, this.#keyFrom + this.#keyLength)
  }

  get value(): Uint8Array | null {
    if (this.#valueLength < 0) return null
    return this.#reader.bytes.subarray(this.#valueFrom, this.#valueFrom + this.#valueLength)
  }

  /** Bytes of the record at hand. */
  get size(): number {
    return this.#end - this.#start
  }

  /** The whole record in bytes of its own. */
  copy(): StoredRecord {
    const { bytes } = this.#reader
    const record = decodeRecord(bytes, this.#start, this.#baseOffset, this.#baseTimestamp)
    return { ...record, timestamp: this.timestamp }
  }

  #corrupt(): EuphorionError {
    return new EuphorionError('BATCH_CORRUPT', `the record at byte ${this.#start} is damaged`)
  }
}
