// Integers: primes, divisors, random numbers, checksums, puzzles; compiled unchanged by
// functions.test.ts.

/** How many primes are below n. */
export function countPrimes(n: number): number {
  const composite = new Uint8Array(n + 1)
  let count = 0
  for (let i = 2; i < n; i++) {
    if (composite[i]) continue
    count++
    for (let k = i * i; k < n; k += i) composite[k] = 1
  }
  return count
}

export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return Math.abs(a)
}

/** Marsaglia's generator: fills the array with numbers from 0 to 1; the state for the next call. */
export function xorshift(seed: number, numbers: Float64Array): number {
  let x = seed | 0
  for (let i = 0; i < numbers.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    numbers[i] = (x >>> 0) / 4294967296
  }
  return x
}

/** A linear congruential generator beyond 32 bits. */
export function congruential(seed: number, count: number): number {
  let state = seed
  let sum = 0
  for (let i = 0; i < count; i++) {
    state = (state * 1664525 + 1013904223) % 4294967296
    sum += state / 4294967296
  }
  return sum
}

const crcTable = new Uint32Array(256)
for (let n = 0; n < 256; n++) {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  crcTable[n] = c
}

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** FNV-1a. */
export function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** In how many ways n queens do not threaten each other. */
export function queens(n: number): number {
  return place(n, 0, 0, 0, 0)
}

function place(n: number, row: number, columns: number, left: number, right: number): number {
  if (row === n) return 1
  let count = 0
  for (let free = ~(columns | left | right) & ((1 << n) - 1); free !== 0; free &= free - 1) {
    const bit = free & -free
    count += place(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >>> 1)
  }
  return count
}

/** The longest chain of the 3n + 1 problem below a limit. */
export function longestCollatz(limit: number): number {
  let best = 0
  let longest = 0
  for (let start = 1; start < limit; start++) {
    let n = start
    let length = 1
    while (n !== 1) {
      n = n % 2 === 0 ? n / 2 : 3 * n + 1
      length++
    }
    if (length > longest) {
      longest = length
      best = start
    }
  }
  return best
}

export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2)
}

export function factorial(n: number): number {
  let product = 1
  for (let i = 2; i <= n; i++) product *= i
  return product
}
