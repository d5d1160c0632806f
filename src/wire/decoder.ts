// Reads the primitive types of Kafka's protocol. Whatever the bytes are, it neither reads over the
// end nor allocates more than they can hold: a length is checked against what is left before
// anything is made. Used by the requests of src/wire/requests.
import { EuphorionError } from '../errors.ts'

export class Decoder {
  readonly bytes: Buffer
  at: number
  readonly end: number
  /** Compact encodings and tagged fields from here on. */
  flexible = false

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return this.bytes.readInt8(this.#move(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#move(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#move(4))
  }

  /** Exact within ±2^53. */
  int64(): number {
    const at = this.#move(8)
    return this.bytes.readInt32BE(at) * 4294967296 + this.bytes.readUInt32BE(at + 4)
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#move(1)]
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw malformed(this.at, 'a varint has more than five bytes')
  }

  /** 16 bytes of their own. */
  uuid(): Buffer {
    const at = this.#move(16)
    return Buffer.from(this.bytes.subarray(at, at + 16))
  }

  string(): string {
    const value = this.nullableString()
    if (value === null) throw malformed(this.at, 'a string is null')
    return value
  }

  nullableString(): string | null {
    const length = this.flexible ? this.uvarint() - 1 : this.int16()
    if (length < 0) return null
    const at = this.#move(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  /** A view. */
  nullableBytes(): Buffer | null {
    const length = this.flexible ? this.uvarint() - 1 : this.int32()
    if (length < 0) return null
    const at = this.#move(length)
    return this.bytes.subarray(at, at + length)
  }

  /** A view; empty for null. */
  bytesOrEmpty(): Buffer {
    return this.nullableBytes() ?? this.bytes.subarray(this.at, this.at)
  }

  /** Length of an array; -1 for null. Each element takes at least one byte. */
  arrayLength(): number {
    const length = this.flexible ? this.uvarint() - 1 : this.int32()
    if (length > this.left)
      throw malformed(this.at, `an array of ${length} elements in ${this.left} bytes`)
    return length < 0 ? -1 : length
  }

  nullableArray<T>(element: () => T): T[] | null {
    const length = this.arrayLength()
    if (length < 0) return null
    const values: T[] = []
    for (let i = 0; i < length; i++) values.push(element())
    return values
  }

  /** Empty for null. */
  array<T>(element: () => T): T[] {
    return this.nullableArray(element) ?? []
  }

  /** A structure whose tagged fields say nothing to us. */
  structure<T>(fields: () => T): T {
    const value = fields()
    this.tags()
    return value
  }

  /** An array of such structures; empty for null. */
  structures<T>(fields: () => T): T[] {
    return this.array(() => this.structure(fields))
  }

  /**
   * The end of a structure. In flexible versions each tagged field is given to `field`, whose
   * decoder ends with the field; others know none.
   */
  tags(field?: (tag: number, value: Decoder) => void): void {
    if (!this.flexible) return
    const count = this.uvarint()
    for (let i = 0; i < count; i++) {
      const tag = this.uvarint()
      const size = this.uvarint()
      const at = this.#move(size)
      if (field === undefined) continue
      const value = new Decoder(this.bytes, at, at + size)
      value.flexible = true
      field(tag, value)
    }
  }

  skip(count: number): void {
    this.#move(count)
  }

  #move(count: number): number {
    const at = this.at
    if (count < 0 || count > this.end - at)
      throw malformed(at, `${count} bytes are wanted and ${this.end - at} are left`)
    this.at = at + count
    return at
  }
}

function malformed(at: number, reason: string): EuphorionError {
  return new EuphorionError(
    'PROTOCOL_VIOLATED',
    `an answer cannot be read at byte ${at}: ${reason}`,
  )
}
