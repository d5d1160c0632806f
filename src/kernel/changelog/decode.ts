// RecordBatches of a changelog as packed rows, in plain TypeScript: backend js, and the oracle of
// the kernel (assembly/changelog_decode.ts).
import { KEY_TABLE_BYTES } from '../../batch/keys.ts'
import { ROW_DELETE, ROW_HEADER_BYTES, ROW_PUT } from '../../batch/rows.ts'
import { attribute, BatchCursor } from '../../wire/batch_header.ts'
import { damagedBatch, recordBytes, verifyCrc } from '../../wire/record_batch.ts'
import { VarintReader } from '../../wire/varint.ts'
import { CHANGELOG_TABLE } from './encode.ts'
import {
  type ChangelogDecoder,
  type ChangelogKernelOptions,
  CUT_KEY,
  type DecodedRows,
} from './kernels.ts'

const KEY_BYTES_MAX = 0xffff

export class ReferenceDecoder implements ChangelogDecoder {
  readonly #table: number
  readonly #options: ChangelogKernelOptions
  /** Kept from call to call. */
  #rows = new Uint8Array(0)
  #at = 0
  #records = 0
  #cut: Uint8Array | undefined

  constructor(table: number, options: ChangelogKernelOptions) {
    this.#table = table
    this.#options = options
  }

  async decode(batches: Uint8Array, from: number): Promise<DecodedRows> {
    this.#at = 0
    this.#records = 0
    this.#cut = undefined
    let nextOffset = from
    const batch = new BatchCursor(batches)
    while (batch.next()) {
      if (batch.lastOffset < nextOffset) continue
      if (this.#options.checkCrcs) verifyCrc(batch)
      if ((batch.attributes & attribute.control) === 0) this.#decodeBatch(batch, nextOffset)
      nextOffset = batch.lastOffset + 1
    }
    if (batch.at !== batches.length) {
      batch.start = batch.at
      throw damagedBatch(batch, 'it is cut off')
    }
    const rows = this.#rows.subarray(0, this.#at)
    return { rows, records: this.#records, cut: this.#cut, nextOffset }
  }

  close(): void {
    this.#rows = new Uint8Array(0)
  }

  #decodeBatch(batch: BatchCursor, from: number): void {
    const reader = new VarintReader(recordBytes(batch, this.#options.inflatedBytesMax))
    const { baseOffset, recordCount } = batch
    for (let i = 0; i < recordCount; i++) {
      const length = reader.read()
      const end = reader.at + length
      reader.skip(1)
      reader.read()
      const offset = baseOffset + reader.read()
      const keyLength = reader.read()
      const key = reader.skip(Math.max(0, keyLength))
      const valueLength = reader.read()
      const value = reader.skip(Math.max(0, valueLength))
      if (reader.at > end || end > reader.end) throw damagedBatch(batch, `record ${i} is damaged`)
      reader.at = end
      if (offset < from) continue
      if (!this.#take(reader.bytes, key, keyLength, value, valueLength))
        throw damagedBatch(batch, 'it has records that are not of a changelog')
    }
    if (reader.at !== reader.end) throw damagedBatch(batch, 'bytes follow the last record')
  }

  /** False where it is no record of a changelog. */
  #take(
    source: Uint8Array,
    key: number,
    keyLength: number,
    value: number,
    valueLength: number,
  ): boolean {
    if (keyLength < KEY_TABLE_BYTES || keyLength > KEY_BYTES_MAX) return false
    const table = (source[key] << 8) | source[key + 1]
    if (table === 0) {
      const isCut = CUT_KEY.length === keyLength && CUT_KEY.every((b, i) => b === source[key + i])
      if (isCut && valueLength >= 0) this.#cut = source.slice(value, value + valueLength)
      return true
    }
    if (table !== CHANGELOG_TABLE) return false
    const length = Math.max(0, valueLength)
    const row = this.#at
    const keyAt = row + ROW_HEADER_BYTES
    this.#fit(keyAt + keyLength + length)
    const rows = this.#rows
    rows[row] = valueLength < 0 ? ROW_DELETE : ROW_PUT
    rows[row + 1] = 0
    rows[row + 2] = keyLength
    rows[row + 3] = keyLength >>> 8
    rows[row + 4] = length
    rows[row + 5] = length >>> 8
    rows[row + 6] = length >>> 16
    rows[row + 7] = length >>> 24
    rows.set(source.subarray(key, key + keyLength), keyAt)
    rows[keyAt] = this.#table >>> 8
    rows[keyAt + 1] = this.#table
    rows.set(source.subarray(value, value + length), keyAt + keyLength)
    this.#at = keyAt + keyLength + length
    this.#records++
    return true
  }

  #fit(bytes: number): void {
    if (bytes <= this.#rows.length) return
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#rows.length, 64 * 1024))
    larger.set(this.#rows.subarray(0, this.#at))
    this.#rows = larger
  }
}
