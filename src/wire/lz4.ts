// Decodes LZ4 frames (the form of Kafka's RecordBatch v2) in plain TypeScript: bounded, and without
// a package. Block and content checksums are skipped, the batch's CRC32C covers the same bytes.
import { EuphorionError } from '../errors.ts'
import { GrowingBytes } from './growing_bytes.ts'

const frameMagic = 0x184d2204
const flagBlockChecksum = 0x10
const flagContentSize = 0x08
const flagContentChecksum = 0x04
const flagDictionary = 0x01

/** All frames of `input`. Damage is BATCH_CORRUPT, more than `maxBytes` RECORD_TOO_LARGE. */
export function lz4DecodeFrame(input: Uint8Array, maxBytes: number): Uint8Array {
  const output = new GrowingBytes(input.length * 4, maxBytes)
  let at = 0
  do at = decodeFrame(input, at, output)
  while (at < input.length)
  return output.finish()
}

function decodeFrame(input: Uint8Array, start: number, output: GrowingBytes): number {
  if (start + 7 > input.length || readUint32(input, start) !== frameMagic)
    throw damaged('no frame begins here')
  const flags = input[start + 4]
  if (flags >>> 6 !== 1 || (flags & flagDictionary) !== 0) throw damaged('unknown kind of frame')
  let at = start + 7 + ((flags & flagContentSize) !== 0 ? 8 : 0)
  for (;;) {
    if (at + 4 > input.length) throw damaged('the frame is cut off')
    const size = readUint32(input, at)
    at += 4
    if (size === 0) break
    const length = size & 0x7fffffff
    if (at + length > input.length) throw damaged('a block is cut off')
    if (size >= 0x80000000) output.append(input, at, at + length)
    else decodeBlock(input, at, at + length, output)
    at += length + ((flags & flagBlockChecksum) !== 0 ? 4 : 0)
  }
  return at + ((flags & flagContentChecksum) !== 0 ? 4 : 0)
}

function decodeBlock(input: Uint8Array, start: number, end: number, output: GrowingBytes): void {
  let at = start
  while (at < end) {
    const token = input[at++]
    let literals = token >>> 4
    if (literals === 15) {
      let more: number
      do {
        if (at >= end) throw damaged('a length is cut off')
        literals += more = input[at++]
      } while (more === 255)
    }
    if (at + literals > end) throw damaged('literals are cut off')
    output.append(input, at, at + literals)
    at += literals
    if (at === end) return
    if (at + 2 > end) throw damaged('a match is cut off')
    const distance = input[at] | (input[at + 1] << 8)
    at += 2
    let length = (token & 15) + 4
    if (length === 19) {
      let more: number
      do {
        if (at >= end) throw damaged('a length is cut off')
        length += more = input[at++]
      } while (more === 255)
    }
    output.repeat(distance, length)
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

function damaged(why: string): EuphorionError {
  return new EuphorionError('BATCH_CORRUPT', `lz4: ${why}`)
}
