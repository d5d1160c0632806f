// Texts as bytes; compiled unchanged by functions.test.ts.

const MINUS = 45
const POINT = 46
const ZERO = 48

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= ZERO + 9

/** The decimal number at the start of the bytes; NaN where there is none. */
export function parseNumber(bytes: Uint8Array): number {
  let at = 0
  const isNegative = bytes[at] === MINUS
  if (isNegative) at++
  if (!isDigit(bytes[at])) return Number.NaN
  let value = 0
  while (isDigit(bytes[at])) value = value * 10 + (bytes[at++] - ZERO)
  if (bytes[at] === POINT) {
    let scale = 0.1
    for (at++; isDigit(bytes[at]); at++) {
      value += (bytes[at] - ZERO) * scale
      scale /= 10
    }
  }
  return isNegative ? -value : value
}

/** Levenshtein's distance, one row at a time. */
export function editDistance(a: Uint8Array, b: Uint8Array): number {
  let previous = new Uint32Array(b.length + 1)
  let current = new Uint32Array(b.length + 1)
  for (let j = 0; j <= b.length; j++) previous[j] = j
  for (let i = 1; i <= a.length; i++) {
    current[0] = i
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      current[j] = Math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
    }
    ;[previous, current] = [current, previous]
  }
  return previous[b.length]
}

/** Runs as pairs of length and value; how many bytes were written. */
export function runLengths(bytes: Uint8Array, packed: Uint8Array): number {
  let at = 0
  for (let i = 0; i < bytes.length; ) {
    let run = 1
    while (run < 255 && i + run < bytes.length && bytes[i + run] === bytes[i]) run++
    packed[at++] = run
    packed[at++] = bytes[i]
    i += run
  }
  return at
}

/** What kinds of bytes there are: digits, letters, spaces, others. */
export function countKinds(bytes: Uint8Array, counts: Float64Array): void {
  for (const byte of bytes) {
    switch (byte) {
      case 32:
      case 9:
      case 10:
      case 13:
        counts[2]++
        break
      default: {
        const lower = byte | 32
        if (isDigit(byte)) counts[0] += 1
        else if (lower >= 97 && lower <= 122) counts[1] += 1
        else counts[3] += 1
      }
    }
  }
}
