// The sparse index of a segment: for about every 64 KiB the offset and file position of a batch.
// Kept in memory; its file saves the scan of the segment when the log is opened.
import { crc32c } from '../../wire/crc32c.ts'

const magic = 0x58495545
const version = 1
const headerBytes = 64
const intervalBytes = 64 * 1024

/** What an index file says about its segment. */
export interface SegmentFacts {
  baseOffset: number
  /** Offset behind the last record. */
  nextOffset: number
  /** Bytes of the segment that the index covers. */
  size: number
  /** Largest record timestamp, -Infinity when empty. */
  maxTimestamp: number
  /** Wall clock of the last append, ms. */
  lastAppendMs: number
}

export class SegmentIndex {
  /** Pairs of offset (relative to the segment) and position, both ascending. */
  #entries = new Uint32Array(32)
  #count = 0

  /** Notes a batch; positions are given in ascending order. */
  add(relativeOffset: number, position: number): void {
    const last = this.#count === 0 ? -1 : this.#entries[(this.#count - 1) * 2 + 1]
    if (last >= 0 && position - last < intervalBytes) return
    if (this.#count * 2 === this.#entries.length) {
      const grown = new Uint32Array(this.#entries.length * 2)
      grown.set(this.#entries)
      this.#entries = grown
    }
    this.#entries[this.#count * 2] = relativeOffset
    this.#entries[this.#count * 2 + 1] = position
    this.#count++
  }

  /** Position of a batch that begins at or before the offset; 0 when none is known. */
  find(relativeOffset: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle * 2] <= relativeOffset) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.#entries[(low - 1) * 2 + 1]
  }

  /** The bytes of the index file, for the part of the segment that the facts cover. */
  encode(facts: SegmentFacts): Uint8Array {
    let count = this.#count
    while (count > 0 && this.#entries[count * 2 - 1] >= facts.size) count--
    const bytes = new Uint8Array(headerBytes + count * 8)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, magic, true)
    view.setUint32(4, version, true)
    view.setFloat64(8, facts.baseOffset, true)
    view.setFloat64(16, facts.nextOffset, true)
    view.setFloat64(24, facts.size, true)
    view.setFloat64(32, facts.maxTimestamp, true)
    view.setFloat64(40, facts.lastAppendMs, true)
    view.setUint32(48, count, true)
    for (let i = 0; i < count * 2; i++) view.setUint32(headerBytes + i * 4, this.#entries[i], true)
    view.setUint32(60, crc32c(bytes), true)
    return bytes
  }

  /** Index and facts of an index file, or undefined when it is damaged or of another version. */
  static decode(bytes: Uint8Array): { index: SegmentIndex; facts: SegmentFacts } | undefined {
    if (bytes.length < headerBytes) return undefined
    const copy = new Uint8Array(bytes)
    const view = new DataView(copy.buffer)
    const stored = view.getUint32(60, true)
    view.setUint32(60, 0, true)
    const count = view.getUint32(48, true)
    if (view.getUint32(0, true) !== magic || view.getUint32(4, true) !== version) return undefined
    if (copy.length !== headerBytes + count * 8 || crc32c(copy) !== stored) return undefined
    const index = new SegmentIndex()
    index.#entries = new Uint32Array(Math.max(count * 2, 32))
    index.#count = count
    for (let i = 0; i < count * 2; i++)
      index.#entries[i] = view.getUint32(headerBytes + i * 4, true)
    return {
      index,
      facts: {
        baseOffset: view.getFloat64(8, true),
        nextOffset: view.getFloat64(16, true),
        size: view.getFloat64(24, true),
        maxTimestamp: view.getFloat64(32, true),
        lastAppendMs: view.getFloat64(40, true),
      },
    }
  }
}
