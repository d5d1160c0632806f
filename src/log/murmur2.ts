// Murmur2 as Kafka's Java client computes it, so that keys land in the partitions where every other
// client looks for them.

/** 32-bit hash, signed like Java's. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  const multiplier = 0x5bd1e995
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let at = 0; at < whole; at += 4) {
    let word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    word = Math.imul(word, multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  const left = length - whole
  if (left === 3) hash ^= bytes[whole + 2] << 16
  if (left >= 2) hash ^= bytes[whole + 1] << 8
  if (left >= 1) hash = Math.imul(hash ^ bytes[whole], multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return (hash ^ (hash >>> 15)) | 0
}
