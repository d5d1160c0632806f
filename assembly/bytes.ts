// Bytes in memory: comparison and hashing, eight at a time. Reads may go up to seven bytes past the
// end (what lies there is masked away); memory always has that much slack.

/** Are `length` bytes at both addresses the same? */
export function equalBytes(left: usize, right: usize, length: u32): bool {
  let rest = length
  while (rest >= 8) {
    if (load<u64>(left) != load<u64>(right)) return false
    left += 8
    right += 8
    rest -= 8
  }
  if (rest == 0) return true
  return (load<u64>(left) ^ load<u64>(right)) << ((8 - <u64>rest) << 3) == 0
}

/** 32 bits mixed from the bytes and `seed` (two multiplications for every eight bytes). */
export function hashBytes(at: usize, length: u32, seed: u64): u32 {
  let hash = seed ^ (<u64>length * 0x9e3779b97f4a7c15)
  let rest = length
  while (rest >= 8) {
    hash = (hash ^ load<u64>(at)) * 0xff51afd7ed558ccd
    hash ^= hash >> 32
    at += 8
    rest -= 8
  }
  if (rest != 0) {
    hash = (hash ^ (load<u64>(at) << ((8 - <u64>rest) << 3))) * 0xff51afd7ed558ccd
    hash ^= hash >> 32
  }
  hash *= 0xc4ceb9fe1a85ec53
  return <u32>(hash >> 32)
}
