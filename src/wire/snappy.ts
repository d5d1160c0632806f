// Snappy as Kafka clients produce it: raw blocks (librdkafka and others) and the xerial framing of
// the Java client around them. Decoding is plain TypeScript; encoding takes a block encoder.
import { EuphorionError } from '../errors.ts'
import { readInt32, writeInt32 } from './batch_header.ts'
import { GrowingBytes } from './growing_bytes.ts'

const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const xerialHeaderBytes = 16
/** Uncompressed bytes of a xerial block, as the Java client cuts them. */
const xerialBlockBytes = 32 * 1024

/** Decodes both forms. Damage is BATCH_CORRUPT, more than `maxBytes` RECORD_TOO_LARGE. */
export function snappyDecode(input: Uint8Array, maxBytes: number): Uint8Array {
  if (!isXerial(input)) {
    const output = new GrowingBytes(Math.min(input.length * 4, maxBytes), maxBytes)
    decodeBlock(input, 0, input.length, output)
    return output.finish()
  }
  const output = new GrowingBytes(input.length * 4, maxBytes)
  let at = xerialHeaderBytes
  while (at < input.length) {
    if (at + 4 > input.length) throw damaged('a block is cut off')
    const length = readInt32(input, at)
    at += 4
    if (length < 0 || at + length > input.length) throw damaged('a block is cut off')
    decodeBlock(input, at, at + length, output)
    at += length
  }
  return output.finish()
}

/** The xerial framing of `input`, block by block through `encodeBlock` (raw snappy). */
export function xerialEncode(
  input: Uint8Array,
  encodeBlock: (block: Uint8Array) => Uint8Array,
): Uint8Array {
  const blocks: Uint8Array[] = []
  let size = xerialHeaderBytes
  for (let at = 0; at < input.length; at += xerialBlockBytes) {
    const block = encodeBlock(input.subarray(at, at + xerialBlockBytes))
    blocks.push(block)
    size += 4 + block.length
  }
  const output = new Uint8Array(size)
  output.set(xerialMagic)
  writeInt32(output, 8, 1)
  writeInt32(output, 12, 1)
  let at = xerialHeaderBytes
  for (const block of blocks) {
    writeInt32(output, at, block.length)
    output.set(block, at + 4)
    at += 4 + block.length
  }
  return output
}

function isXerial(input: Uint8Array): boolean {
  return input.length >= xerialHeaderBytes && xerialMagic.every((byte, i) => input[i] === byte)
}

function decodeBlock(input: Uint8Array, start: number, end: number, output: GrowingBytes): void {
  let at = start
  let expected = 0
  for (let shift = 0; ; shift += 7) {
    if (at >= end || shift > 28) throw damaged('the length of a block is cut off')
    const byte = input[at++]
    expected += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  output.reserve(expected)
  const goal = output.at + expected
  while (at < end) {
    const tag = input[at++]
    const extra = extraBytes(tag)
    if (at + extra > end) throw damaged('an element is cut off')
    const tail = readLittleEndian(input, at, extra)
    at += extra
    if ((tag & 3) === 0) {
      const length = (extra === 0 ? tag >>> 2 : tail) + 1
      if (at + length > end) throw damaged('literals are cut off')
      if (output.at + length > goal) throw damaged('a block is longer than it says')
      output.append(input, at, at + length)
      at += length
      continue
    }
    const short = (tag & 3) === 1
    const length = short ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    if (output.at + length > goal) throw damaged('a block is longer than it says')
    output.repeat(short ? ((tag >>> 5) << 8) | tail : tail, length)
  }
  if (output.at !== goal) throw damaged('a block is shorter than it says')
}

/** Bytes of length or distance that follow the tag. */
function extraBytes(tag: number): number {
  const kind = tag & 3
  if (kind === 0) return tag >>> 2 < 60 ? 0 : (tag >>> 2) - 59
  return kind === 3 ? 4 : kind
}

function readLittleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i]
  return value
}

function damaged(why: string): EuphorionError {
  return new EuphorionError('BATCH_CORRUPT', `snappy: ${why}`)
}
