// Output of the decoders: a buffer that doubles up to a hard bound. The decoders write into `bytes`
// themselves after `reserve`.
import { EuphorionError } from '../errors.ts'

export class GrowingBytes {
  bytes: Uint8Array
  at = 0
  readonly #max: number

  constructor(initialBytes: number, maxBytes: number) {
    this.bytes = new Uint8Array(Math.min(initialBytes, maxBytes))
    this.#max = maxBytes
  }

  /** Makes room for `count` more bytes; RECORD_TOO_LARGE beyond the bound. */
  reserve(count: number): void {
    const needed = this.at + count
    if (needed <= this.bytes.length) return
    if (needed > this.#max)
      throw new EuphorionError(
        'RECORD_TOO_LARGE',
        `a batch decompresses to more than ${this.#max} bytes`,
      )
    const grown = new Uint8Array(Math.min(Math.max(this.bytes.length * 2, needed), this.#max))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  /** Appends bytes[from … to). */
  append(source: Uint8Array, from: number, to: number): void {
    const count = to - from
    this.reserve(count)
    if (count <= 64) for (let i = 0; i < count; i++) this.bytes[this.at + i] = source[from + i]
    else this.bytes.set(source.subarray(from, to), this.at)
    this.at += count
  }

  /**
   * Appends `count` bytes that begin `distance` before the end; they may overlap what is appended.
   */
  repeat(distance: number, count: number): void {
    if (distance <= 0 || distance > this.at)
      throw new EuphorionError('BATCH_CORRUPT', 'a match begins before the output')
    this.reserve(count)
    const { bytes, at } = this
    if (distance >= count && count > 64) bytes.copyWithin(at, at - distance, at - distance + count)
    else for (let i = 0; i < count; i++) bytes[at + i] = bytes[at + i - distance]
    this.at = at + count
  }

  /** What was appended. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }
}
