// Writes the primitive types of Kafka's protocol into a growing buffer. One encoder writes both
// encodings of a request: in flexible versions (KIP-482) strings, bytes and arrays are compact and
// structures end in tagged fields. Used by the requests of src/wire/requests.

import assert from 'node:assert/strict'

const initialBytesDefault = 256
/** From here on bytes are referred to instead of copied. */
const referredBytesMin = 4096

export class Encoder {
  #bytes: Buffer
  #at = 0
  /** What was referred to, and where in `#bytes` it belongs. */
  #referred: { readonly at: number; readonly value: Uint8Array }[] = []
  #referredBytes = 0
  /** Compact encodings and tagged fields from here on. */
  flexible = false

  constructor(initialBytes = initialBytesDefault) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written. */
  get size(): number {
    return this.#at + this.#referredBytes
  }

  /** What was written; a view, valid until the next write. */
  finish(): Buffer {
    return this.#referred.length === 0
      ? this.#bytes.subarray(0, this.#at)
      : Buffer.concat(this.pieces())
  }

  /** What was written, in pieces: long bytes as they were given. Valid until the next write. */
  pieces(): Uint8Array[] {
    const pieces: Uint8Array[] = []
    let from = 0
    for (const { at, value } of this.#referred) {
      if (at > from) pieces.push(this.#bytes.subarray(from, at))
      pieces.push(value)
      from = at
    }
    if (this.#at > from) pieces.push(this.#bytes.subarray(from, this.#at))
    return pieces
  }

  /** Begins anew in the same buffer. */
  reset(): void {
    this.#at = 0
    this.#referred = []
    this.#referredBytes = 0
    this.flexible = false
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    this.#reserve(1)
    this.#at = this.#bytes.writeInt8(value, this.#at)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#at = this.#bytes.writeInt16BE(value, this.#at)
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#at = this.#bytes.writeInt32BE(value, this.#at)
  }

  /** An integer within ±2^53. */
  int64(value: number): void {
    this.#reserve(8)
    const high = Math.floor(value / 4294967296)
    this.#bytes.writeInt32BE(high, this.#at)
    this.#bytes.writeUInt32BE(value - high * 4294967296, this.#at + 4)
    this.#at += 8
  }

  /** An unsigned varint, as compact lengths and tags are. */
  uvarint(value: number): void {
    this.#reserve(5)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#at++] = rest
  }

  /** 16 bytes. */
  uuid(value: Uint8Array): void {
    this.raw(value)
  }

  string(value: string): void {
    const bytes = Buffer.byteLength(value)
    if (this.flexible) this.uvarint(bytes + 1)
    else this.int16(bytes)
    this.#reserve(bytes)
    this.#at += this.#bytes.write(value, this.#at)
  }

  nullableString(value: string | null): void {
    if (value !== null) this.string(value)
    else if (this.flexible) this.uvarint(0)
    else this.int16(-1)
  }

  /** null is written as null. */
  bytes(value: Uint8Array | null): void {
    this.bytesLength(value === null ? -1 : value.length)
    if (value !== null) this.raw(value)
  }

  /** The length of bytes, -1 for null; they follow raw. */
  bytesLength(length: number): void {
    if (this.flexible) this.uvarint(length + 1)
    else this.int32(length)
  }

  /**
   * Bytes as they are, without a length. From 4 KiB on they are not copied, and must stay as they
   * are until they have been sent.
   */
  raw(value: Uint8Array): void {
    if (value.length >= referredBytesMin) {
      this.#referred.push({ at: this.#at, value })
      this.#referredBytes += value.length
      return
    }
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** The length of an array, -1 for null; its elements follow. */
  arrayLength(length: number): void {
    if (this.flexible) this.uvarint(length + 1)
    else this.int32(length)
  }

  array<T>(values: readonly T[] | null, element: (value: T) => void): void {
    this.arrayLength(values === null ? -1 : values.length)
    if (values !== null) for (const value of values) element(value)
  }

  /** An array of structures, each with its end; null is written as null. */
  structures<T>(values: readonly T[] | null, fields: (value: T) => void): void {
    this.arrayLength(values === null ? -1 : values.length)
    if (values === null) return
    for (const value of values) {
      fields(value)
      this.end()
    }
  }

  /** The end of a structure: no tagged fields in flexible versions, nothing in others. */
  end(): void {
    if (this.flexible) this.uvarint(0)
  }

  /** Overwrites four bytes written before; `at` is before all bytes of 4 KiB and more. */
  int32At(at: number, value: number): void {
    assert(at + 4 <= (this.#referred[0]?.at ?? this.#at))
    this.#bytes.writeInt32BE(value, at)
  }

  #reserve(count: number): void {
    const needed = this.#at + count
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}
