// Zigzag variable-length integers as RecordBatch v2 uses them. Read and written in place by the
// batch encoder and decoder: no object and no view per number.
import { EuphorionError } from '../errors.ts'

/** Bytes that `value` takes as a zigzag varint; `value` is an integer within ±2^52. */
export function varintSize(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let size = 1
  while (rest >= 0x80) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

/** Writes `value` (an integer within ±2^52) at `at`; returns the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest >= 0x80000000) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/**
 * Reads forwards through bytes. `at` is moved behind what was read; running over `end` is
 * BATCH_CORRUPT.
 */
export class VarintReader {
  bytes: Uint8Array
  at: number
  end: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** A zigzag varint or varlong; exact within ±2^52. */
  read(): number {
    const bytes = this.bytes
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      if (this.at >= this.end) throw tornBatch(this.at)
      const byte = bytes[this.at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 128
    }
    throw tornBatch(this.at)
  }

  /** Moves over `count` bytes and returns where they began. */
  skip(count: number): number {
    const from = this.at
    if (count < 0 || from + count > this.end) throw tornBatch(from)
    this.at = from + count
    return from
  }
}

function tornBatch(at: number): EuphorionError {
  return new EuphorionError(
    'BATCH_CORRUPT',
    `a record runs over the end of its batch at byte ${at}`,
  )
}
