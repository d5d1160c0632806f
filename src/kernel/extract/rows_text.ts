// The strings that an extraction found: one text, of which spans are read. Used by ExtractedRows
// and by the code that makes events of rows.
import { decodeWtf8 } from '../../record/wtf8.ts'

/** From so many characters on V8 makes a substring a view, which keeps the whole text alive. */
export const viewedFrom = 13
/** In a span's length: a byte of the string is above 0x7f. */
const NON_ASCII = 0x80000000
/** Length of a span that stands for null. */
export const noText = 0xffffffff
const replaced = '\ufffd'

/** What toString() calls, without its choice of an encoding: 50 ns a string. */
interface Slices extends Buffer {
  latin1Slice(from: number, to: number): string
  utf8Slice(from: number, to: number): string
}

export class RowsText {
  readonly #bytes: Slices

  /** Of bytes that nobody writes to any more; a Buffer already. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes as unknown as Slices
  }

  /** Bytes. */
  get length(): number {
    return this.#bytes.length
  }

  /** A character a byte: what is ASCII of it is right. */
  latin1(from: number, to: number): string {
    return this.#bytes.latin1Slice(from, to)
  }

  /** The string of a span. */
  read(at: number, length: number): string {
    return length < NON_ASCII
      ? this.#bytes.latin1Slice(at, at + length)
      : this.#unicode(at, at + length - NON_ASCII)
  }

  #unicode(from: number, to: number): string {
    const read = this.#bytes.utf8Slice(from, to)
    return read.includes(replaced) ? decodeWtf8(this.#bytes.subarray(from, to)) : read
  }
}
