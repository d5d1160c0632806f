// Key bytes of cells whose key is made of columns: the form that batch/keys.ts describes, in which
// bytes order as values do. Called by tables for queries and for rows of results.
import assert from 'node:assert/strict'
import { decodeWtf8 } from './wtf8.ts'

/** Types that a key can be made of; a subset of ScalarType. */
export type KeyType =
  | 'boolean'
  | 'integer'
  | 'int64'
  | 'float64'
  | 'float32'
  | 'string'
  | 'timestamp'

export type KeyValue = boolean | number | bigint | string

const SIGN = 1n << 63n

/** Bytes of a key of these columns. The values have the types' TypeScript types, NaN excepted. */
export function encodeCellKey(
  types: readonly KeyType[],
  values: readonly KeyValue[],
): Uint8Array<ArrayBuffer> {
  assert.equal(types.length, values.length)
  const composite = types.length > 1
  const out: number[] = []
  for (let at = 0; at < types.length; at++) {
    const value = values[at]
    if (typeof value === 'string') pushString(out, value, composite)
    else if (typeof value === 'boolean') out.push(value ? 1 : 0)
    else pushBits(out, typeof value === 'bigint' ? value ^ SIGN : orderedBits(value))
  }
  return Uint8Array.from(out)
}

/** The values of a key that encodeCellKey or a kernel has made. */
export function decodeCellKey(types: readonly KeyType[], bytes: Uint8Array): KeyValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: KeyValue[] = []
  let at = 0
  for (const type of types) {
    if (type === 'string') {
      const end = types.length > 1 ? stringEnd(bytes, at) : bytes.length
      values.push(decodeWtf8(types.length > 1 ? withoutEscapes(bytes, at, end) : bytes))
      at = types.length > 1 ? end + 2 : end
    } else if (type === 'boolean') {
      values.push(bytes[at] === 1)
      at += 1
    } else {
      const bits = view.getBigUint64(at)
      values.push(type === 'int64' ? BigInt.asIntN(64, bits ^ SIGN) : numberOfBits(bits))
      at += 8
    }
  }
  assert.equal(at, bytes.length, 'a key ends with its last column')
  return values
}

const scratch = new DataView(new ArrayBuffer(8))

function orderedBits(value: number): bigint {
  assert(!Number.isNaN(value), 'NaN is no key')
  scratch.setFloat64(0, value === 0 ? 0 : value)
  const bits = scratch.getBigUint64(0)
  return bits >= SIGN ? BigInt.asUintN(64, ~bits) : bits ^ SIGN
}

function numberOfBits(ordered: bigint): number {
  scratch.setBigUint64(0, ordered >= SIGN ? ordered ^ SIGN : BigInt.asUintN(64, ~ordered))
  return scratch.getFloat64(0)
}

function pushBits(out: number[], bits: bigint): void {
  const unsigned = BigInt.asUintN(64, bits)
  for (let shift = 56n; shift >= 0n; shift -= 8n) out.push(Number((unsigned >> shift) & 0xffn))
}

/** WTF-8: UTF-8, with three bytes for a surrogate that has no partner. */
function pushString(out: number[], text: string, composite: boolean): void {
  for (const character of text) {
    const code = character.codePointAt(0) as number
    if (code === 0 && composite) out.push(0, 0xff)
    else if (code < 0x80) out.push(code)
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000)
      out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else
      out.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 63),
        0x80 | ((code >> 6) & 63),
        0x80 | (code & 63),
      )
  }
  if (composite) out.push(0, 0)
}

/** Place of the 00 00 that ends the string at `start`. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at] !== 0 || bytes[at + 1] !== 0) {
    assert(at < bytes.length, 'a string in a key of several columns is terminated')
    at += bytes[at] === 0 ? 2 : 1
  }
  return at
}

function withoutEscapes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const out: number[] = []
  for (let at = start; at < end; at++) {
    out.push(bytes[at])
    if (bytes[at] === 0) at++
  }
  return Uint8Array.from(out)
}
