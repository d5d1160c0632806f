// LZ4 frames, as Kafka's producers write them: independent or linked blocks, stored blocks, frames
// one after the other. Checksums are passed over, since the RecordBatch has its own.
import { copyLiterals, copyMatch } from './copy'

const MAGIC: u32 = 0x184d2204
const SKIPPABLE: u32 = 0x184d2a50
const CORRUPT: i32 = -1
const TOO_SMALL: i32 = -2

/** Bytes written, or CORRUPT, or TOO_SMALL. Any input is safe. */
export function lz4Decode(
  source: usize, sourceLength: u32, target: usize, targetCapacity: u32,
): i32 {
  const sourceEnd = source + <usize>sourceLength
  const targetEnd = target + <usize>targetCapacity
  let out = target
  while (source < sourceEnd) {
    if (sourceEnd - source < 8) return CORRUPT
    const magic = load<u32>(source)
    if ((magic & 0xfffffff0) == SKIPPABLE) {
      const bytes = <usize>load<u32>(source, 4)
      if (bytes > sourceEnd - source - 8) return CORRUPT
      source += 8 + bytes
      continue
    }
    if (magic != MAGIC) return CORRUPT
    const flags: u32 = load<u8>(source, 4)
    if (flags >> 6 != 1) return CORRUPT
    // Magic, flags, block size, [content size], [dictionary], header checksum.
    source += <usize>(7 + (flags & 8) + ((flags & 1) << 2))
    const frame = out
    while (true) {
      if (source > sourceEnd || sourceEnd - source < 4) return CORRUPT
      const word = load<u32>(source)
      source += 4
      if (word == 0) break
      const bytes = <usize>(word & 0x7fffffff)
      if (bytes > sourceEnd - source) return CORRUPT
      if (word >> 31) {
        if (bytes > targetEnd - out) return TOO_SMALL
        memory.copy(out, source, bytes)
        out += bytes
      } else {
        const first = flags & 0x20 ? out : frame
        const written = decodeBlock(source, source + bytes, out, targetEnd, first)
        if (written < 0) return written
        out += <usize>written
      }
      source += bytes
      if (flags & 0x10) source += 4
    }
    if (flags & 4) source += 4
    if (source > sourceEnd) return CORRUPT
  }
  return <i32>(out - target)
}

/** `low` is the oldest byte that a match may repeat. */
function decodeBlock(p: usize, end: usize, target: usize, targetEnd: usize, low: usize): i32 {
  let out = target
  while (p < end) {
    const token: u32 = load<u8>(p++)
    let literals = <usize>(token >> 4)
    if (literals == 15) {
      let more: u32
      do {
        if (p >= end) return CORRUPT
        more = load<u8>(p++)
        literals += more
      } while (more == 255)
    }
    if (literals > end - p) return CORRUPT
    if (literals > targetEnd - out) return TOO_SMALL
    copyLiterals(out, p, literals, targetEnd)
    out += literals
    p += literals
    // The last sequence has no match.
    if (p == end) return <i32>(out - target)
    if (end - p < 2) return CORRUPT
    const distance = <usize>load<u16>(p)
    p += 2
    if (distance == 0 || distance > out - low) return CORRUPT
    let length = <usize>(token & 15) + 4
    if (length == 19) {
      let more: u32
      do {
        if (p >= end) return CORRUPT
        more = load<u8>(p++)
        length += more
      } while (more == 255)
    }
    if (length > targetEnd - out) return TOO_SMALL
    copyMatch(out, distance, length, targetEnd)
    out += length
  }
  // A block ends with literals; an empty one is none.
  return CORRUPT
}
