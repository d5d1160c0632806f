// Encoders of LZ4 frames and raw Snappy that use every form of the formats, also those that real
// encoders seldom write: long-way lengths, overlapping and far matches, linked and stored blocks.

/** A run of literals, then a match (none at the end). */
export interface Sequence {
  readonly literals: Uint8Array
  readonly distance: number
  readonly length: number
}

/** Greedy matches of four bytes or more, `reach` bytes back at most, that begin in [start, end). */
export function sequences(data: Buffer, start: number, end: number, reach: number): Sequence[] {
  const out: Sequence[] = []
  const seen = new Map<number, number>()
  for (let i = Math.max(0, start - reach); i < Math.min(start, end - 3); i++)
    seen.set(data.readUInt32LE(i), i)
  let anchor = start
  let at = start
  // LZ4 wants the last five bytes to be literals.
  while (at + 12 <= end) {
    const word = data.readUInt32LE(at)
    const match = seen.get(word)
    seen.set(word, at)
    if (match === undefined || at - match > reach) {
      at++
      continue
    }
    let length = 4
    while (at + length < end - 5 && data[match + length] === data[at + length]) length++
    out.push({ literals: data.subarray(anchor, at), distance: at - match, length })
    at += length
    anchor = at
  }
  out.push({ literals: data.subarray(anchor, end), distance: 0, length: 0 })
  return out
}

function extended(nibble: number): number[] {
  const bytes: number[] = []
  let rest = nibble - 15
  for (; rest >= 255; rest -= 255) bytes.push(255)
  bytes.push(rest)
  return bytes
}

function lz4Block(list: readonly Sequence[]): Buffer {
  const parts: Uint8Array[] = []
  for (const { literals, distance, length } of list) {
    const match = length === 0 ? 0 : length - 4
    parts.push(Buffer.from([(Math.min(literals.length, 15) << 4) | Math.min(match, 15)]))
    if (literals.length >= 15) parts.push(Buffer.from(extended(literals.length)))
    parts.push(literals)
    if (length === 0) continue
    parts.push(Buffer.from([distance & 255, distance >> 8]))
    if (match >= 15) parts.push(Buffer.from(extended(match)))
  }
  return Buffer.concat(parts)
}

export interface Lz4Options {
  readonly blockBytes: number
  readonly linked: boolean
  readonly blockChecksum: boolean
  readonly contentChecksum: boolean
  readonly contentSize: boolean
  /** Stores every other block as it is. */
  readonly stored: boolean
}

/** A frame; its checksums are zeros. */
export function lz4Frame(data: Buffer, options: Lz4Options): Buffer {
  const flags =
    0x40 |
    (options.linked ? 0 : 0x20) |
    (options.blockChecksum ? 0x10 : 0) |
    (options.contentSize ? 8 : 0) |
    (options.contentChecksum ? 4 : 0)
  const size = Buffer.alloc(options.contentSize ? 8 : 0)
  if (options.contentSize) size.writeUInt32LE(data.length)
  const parts: Uint8Array[] = [
    Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x70]),
    size,
    Buffer.alloc(1),
  ]
  for (let at = 0, block = 0; at < data.length; at += options.blockBytes, block++) {
    const end = Math.min(at + options.blockBytes, data.length)
    const stored = options.stored && block % 2 === 1
    const from = options.linked ? 0 : at
    const reach = options.linked ? 65535 : 0
    const body = stored
      ? data.subarray(at, end)
      : lz4Block(sequences(data.subarray(from), at - from, end - from, reach || end - at))
    const header = Buffer.alloc(4)
    header.writeUInt32LE((body.length | (stored ? 0x80000000 : 0)) >>> 0)
    parts.push(header, body, Buffer.alloc(options.blockChecksum ? 4 : 0))
  }
  parts.push(Buffer.alloc(4), Buffer.alloc(options.contentChecksum ? 4 : 0))
  return Buffer.concat(parts)
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]
}

function snappyLiteral(literals: Uint8Array, how: number): Uint8Array[] {
  const last = literals.length - 1
  if (last < 0) return []
  let bytes = last < 60 ? 0 : last < 1 << 8 ? 1 : last < 1 << 16 ? 2 : 3
  if (bytes > 0) bytes = Math.max(bytes, (how % 4) + 1)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(last)
  const tag = bytes === 0 ? last << 2 : (59 + bytes) << 2
  return [Buffer.from([tag]), length.subarray(0, bytes), literals]
}

function snappyCopy(distance: number, length: number, how: number): Uint8Array {
  if (length >= 4 && length <= 11 && distance < 2048 && how % 3 === 0)
    return Buffer.from([1 | ((length - 4) << 2) | ((distance >> 8) << 5), distance & 255])
  const far = distance > 65535 || how % 3 === 1
  const copy = Buffer.alloc(far ? 5 : 3)
  copy[0] = ((length - 1) << 2) | (far ? 3 : 2)
  if (far) copy.writeUInt32LE(distance, 1)
  else copy.writeUInt16LE(distance, 1)
  return copy
}

/** Raw Snappy; `how` varies the forms of lengths and distances. */
export function snappyRaw(data: Buffer, how: number): Buffer {
  const parts: Uint8Array[] = [Buffer.from(varint(data.length))]
  for (const { literals, distance, length } of sequences(data, 0, data.length, 1 << 20)) {
    parts.push(...snappyLiteral(literals, how))
    for (let rest = length; rest > 0; how++) {
      const part = Math.min(rest, how % 5 === 0 ? 7 : 64)
      parts.push(snappyCopy(distance, part, how))
      rest -= part
    }
  }
  return Buffer.concat(parts)
}

/** Chunks as Kafka's Java producer writes them. */
export function xerial(chunks: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
  ]
  for (const chunk of chunks) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(chunk.length)
    parts.push(length, chunk)
  }
  return Buffer.concat(parts)
}
