// Walks the records of fetched batches one at a time, in place. One per partition of an agent;
// nothing is allocated per record but the views of key and value.
import type { BadRecord } from '../ingest/dead_letter.ts'
import type { LogHeader } from '../log/log.ts'
import { attribute, BatchCursor } from '../wire/batch_header.ts'
import { damagedBatch, decodeRecord, recordBytes, verifyCrc } from '../wire/record_batch.ts'
import { VarintReader } from '../wire/varint.ts'

const noHeaders: readonly LogHeader[] = []
const noBytes = new Uint8Array(0)

export interface ReaderOptions {
  /** Most bytes that a compressed batch may unfold to. */
  readonly decompressedBytesMax: number
  readonly checkCrcs: boolean
}

export class AgentReader {
  readonly #batches = new BatchCursor(noBytes)
  readonly #records = new VarintReader(noBytes)
  readonly #options: ReaderOptions
  /** Records of the batch that are still to be read. */
  #left = 0
  #baseOffset = 0
  #baseTimestamp = 0
  #appendTime: number | undefined
  #bodyAt = 0
  #bodyEnd = 0
  #headerCount = 0
  #keyAt = 0
  #keyLength = -1
  #valueAt = 0
  #valueLength = -1

  /** Every record below was read, or there is none. Records below the start are passed over. */
  position: number
  /** Of the current record; -1 before the first. */
  offset = -1
  /** ms since the epoch. */
  timestamp = 0

  constructor(startOffset: number, options: ReaderOptions) {
    this.position = startOffset
    this.#options = options
  }

  /** Every record below that offset was read by somebody else. */
  passOver(offset: number): void {
    this.position = Math.max(this.position, offset)
    if (this.#left > 0 && this.#batches.lastOffset < offset) this.#left = 0
  }

  /** The next payload, or none; the one before is dropped. */
  reset(payload: Uint8Array = noBytes): void {
    this.#batches.reset(payload, 0, payload.length)
    this.#left = 0
  }

  /**
   * Moves to the next record; false at the payload's end. Throws BATCH_CORRUPT, CODEC_UNAVAILABLE.
   */
  next(): boolean {
    for (;;) {
      while (this.#left === 0) if (!this.#nextBatch()) return false
      this.#left--
      this.#readRecord()
      const isLast = this.#left === 0
      const isNew = this.offset >= this.position
      // The batch's end may lie behind its last record: compaction leaves such holes.
      if (isLast) this.position = Math.max(this.position, this.#batches.lastOffset + 1)
      else if (isNew) this.position = this.offset + 1
      if (isNew) return true
    }
  }

  /** A view into the payload, to be used before the next call of next(). */
  get key(): Uint8Array | null {
    return this.#view(this.#keyAt, this.#keyLength)
  }

  /** A view into the payload, to be used before the next call of next(). */
  get value(): Uint8Array | null {
    return this.#view(this.#valueAt, this.#valueLength)
  }

  /** Bytes of the current record. */
  get size(): number {
    return this.#bodyEnd - this.#bodyAt
  }

  /** Copies. */
  headers(): readonly LogHeader[] {
    if (this.#headerCount === 0) return noHeaders
    return this.#record().headers ?? noHeaders
  }

  /** The current record in bytes of its own. */
  copy(topic: string, partition: number, reason: string): BadRecord {
    const { key, value, headers } = this.#record()
    const { offset, timestamp } = this
    return { topic, partition, offset, timestamp, key, value, headers, reason }
  }

  #record() {
    const { bytes } = this.#records
    return decodeRecord(bytes, this.#bodyAt, this.#baseOffset, this.#baseTimestamp)
  }

  #nextBatch(): boolean {
    const batches = this.#batches
    if (!batches.next()) return false
    const isControl = (batches.attributes & attribute.control) !== 0
    if (isControl || batches.recordCount === 0 || batches.lastOffset < this.position) {
      this.position = Math.max(this.position, batches.lastOffset + 1)
      return true
    }
    if (this.#options.checkCrcs) verifyCrc(batches)
    const bytes = recordBytes(batches, this.#options.decompressedBytesMax)
    this.#records.bytes = bytes
    this.#records.at = 0
    this.#records.end = bytes.length
    this.#left = batches.recordCount
    this.#baseOffset = batches.baseOffset
    this.#baseTimestamp = batches.baseTimestamp
    const isAppendTime = (batches.attributes & attribute.logAppendTime) !== 0
    this.#appendTime = isAppendTime ? batches.maxTimestamp : undefined
    return true
  }

  #readRecord(): void {
    const reader = this.#records
    const length = reader.read()
    this.#bodyAt = reader.skip(length)
    const end = reader.at
    this.#bodyEnd = end
    reader.at = this.#bodyAt + 1
    const timestamp = this.#baseTimestamp + reader.read()
    this.timestamp = this.#appendTime ?? timestamp
    this.offset = this.#baseOffset + reader.read()
    this.#keyLength = reader.read()
    this.#keyAt = this.#keyLength < 0 ? 0 : reader.skip(this.#keyLength)
    this.#valueLength = reader.read()
    this.#valueAt = this.#valueLength < 0 ? 0 : reader.skip(this.#valueLength)
    this.#passHeaders()
    const isWhole = reader.at === end && (this.#left > 0 || end === reader.end)
    if (!isWhole) throw damagedBatch(this.#batches, `the record at ${this.#bodyAt} is damaged`)
  }

  #passHeaders(): void {
    const reader = this.#records
    const count = reader.read()
    this.#headerCount = count
    // a count below 0 is damage that skip() tells
    reader.skip(Math.min(count, 0))
    for (let left = count; left > 0; left--) {
      reader.skip(reader.read())
      const length = reader.read()
      if (length > 0) reader.skip(length)
    }
  }

  #view(at: number, length: number): Uint8Array | null {
    return length < 0 ? null : this.#records.bytes.subarray(at, at + length)
  }
}
