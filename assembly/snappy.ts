// Snappy, raw and in the chunks that Kafka's Java producers write (xerial's framing).
import { copyLiterals, copyMatch } from './copy'

/** The bytes 82 S N A P P Y 00, then two versions of four bytes. */
const XERIAL_MAGIC: u64 = 0x00595050414e5382
const XERIAL_BYTES: usize = 16
const CORRUPT: i32 = -1
const TOO_SMALL: i32 = -2

/** Bytes written, or CORRUPT, or TOO_SMALL. Any input is safe. */
export function snappyDecode(
  source: usize, sourceLength: u32, target: usize, targetCapacity: u32,
): i32 {
  const sourceEnd = source + <usize>sourceLength
  const targetEnd = target + <usize>targetCapacity
  if (!isXerial(source, sourceEnd)) return decodeRaw(source, sourceEnd, target, targetEnd)
  let out = target
  while (source < sourceEnd) {
    // Streams may be joined, each with its header.
    if (isXerial(source, sourceEnd)) {
      source += XERIAL_BYTES
      continue
    }
    if (sourceEnd - source < 4) return CORRUPT
    const bytes = <usize>bswap<u32>(load<u32>(source))
    source += 4
    if (bytes > sourceEnd - source) return CORRUPT
    const written = decodeRaw(source, source + bytes, out, targetEnd)
    if (written < 0) return written
    out += <usize>written
    source += bytes
  }
  return <i32>(out - target)
}

function isXerial(p: usize, end: usize): bool {
  return end - p >= XERIAL_BYTES && load<u64>(p) == XERIAL_MAGIC
}

function decodeRaw(p: usize, end: usize, target: usize, targetEnd: usize): i32 {
  let size: u64 = 0
  let shift: u64 = 0
  while (true) {
    if (p >= end || shift > 28) return CORRUPT
    const byte: u32 = load<u8>(p++)
    size |= <u64>(byte & 0x7f) << shift
    if (byte < 0x80) break
    shift += 7
  }
  if (size > 0x7fffffff) return CORRUPT
  if (size > <u64>(targetEnd - target)) return TOO_SMALL
  const outEnd = target + <usize>size
  let out = target
  while (p < end) {
    const tag: u32 = load<u8>(p++)
    let length = <usize>(tag >> 2) + 1
    let distance: usize = 0
    if ((tag & 3) == 0) {
      if (length > 60) {
        const bytes = length - 60
        if (bytes > end - p) return CORRUPT
        length = <usize>(load<u32>(p) & (0xffffffff >> (32 - (<u32>bytes << 3)))) + 1
        p += bytes
        if (length == 0) return CORRUPT
      }
      if (length > end - p || length > outEnd - out) return CORRUPT
      copyLiterals(out, p, length, outEnd)
      p += length
      out += length
      continue
    }
    if ((tag & 3) == 1) {
      if (p >= end) return CORRUPT
      length = <usize>((tag >> 2) & 7) + 4
      distance = <usize>(((tag >> 5) << 8) | load<u8>(p++))
    } else if ((tag & 3) == 2) {
      if (end - p < 2) return CORRUPT
      distance = <usize>load<u16>(p)
      p += 2
    } else {
      if (end - p < 4) return CORRUPT
      distance = <usize>load<u32>(p)
      p += 4
    }
    if (distance == 0 || distance > out - target || length > outEnd - out) return CORRUPT
    copyMatch(out, distance, length, outEnd)
    out += length
  }
  return out == outEnd ? <i32>size : CORRUPT
}
