// Copies of the decompressors. They write sixteen bytes at a time where the target has room for it,
// never past its end; reads may go up to 16 bytes past the source.

/** Copies bytes that do not overlap. */
// @ts-ignore: decorator
@inline
export function copyLiterals(target: usize, source: usize, length: usize, targetEnd: usize): void {
  if (length <= 32 && targetEnd - target >= 32) {
    v128.store(target, v128.load(source))
    if (length > 16) v128.store(target, v128.load(source, 16), 16)
  } else {
    memory.copy(target, source, length)
  }
}

/** Repeats what stands `distance` bytes before `target`; the two may overlap. */
// @ts-ignore: decorator
@inline
export function copyMatch(target: usize, distance: usize, length: usize, targetEnd: usize): void {
  if (distance >= 16 && targetEnd - target >= length + 16) {
    const end = target + length
    do {
      v128.store(target, v128.load(target - distance))
      target += 16
    } while (target < end)
  } else {
    copyOverlap(target, distance, length, targetEnd)
  }
}

function copyOverlap(target: usize, distance: usize, length: usize, targetEnd: usize): void {
  const end = target + length
  if (distance < 16 && length > 32) {
    // A short pattern: byte by byte until a whole number of patterns is 16 bytes or more.
    const period = distance * ((15 + distance) / distance)
    for (const stop = target + period; target < stop; target++) {
      store<u8>(target, load<u8>(target - distance))
    }
    distance = period
  }
  if (distance >= 16) {
    for (; target + 16 <= end; target += 16) v128.store(target, v128.load(target - distance))
  }
  for (; target < end; target++) store<u8>(target, load<u8>(target - distance))
}

/** Copies bytes that do not overlap, mostly few; never writes past `targetEnd`. */
// @ts-ignore: decorator
@inline
export function copyShort(target: usize, source: usize, length: usize, targetEnd: usize): void {
  if (length <= 128 && targetEnd - target >= length + 16) {
    const end = target + length
    for (; target < end; target += 16, source += 16) v128.store(target, v128.load(source))
  } else {
    memory.copy(target, source, length)
  }
}
