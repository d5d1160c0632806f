// Time and randomness as arguments: the real ones here, seeded or hand-moved ones in tests. No
// other file may ask the system for the time or for a random number (held by test/tidy.test.ts).

/** Wall-clock milliseconds since the epoch, monotonic milliseconds, and timers. */
export interface Clock {
  now(): number
  monotonic(): number
  /** Calls once after `ms`; the returned function cancels. The timer keeps the process alive. */
  after(ms: number, call: () => void): () => void
}

/** Numbers in [0, 1). */
export type Random = () => number

/** setTimeout() fires at once for more: 24.8 days. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, call) {
    let timer: NodeJS.Timeout
    const wait = (left: number): void => {
      const now = Math.min(left, TIMEOUT_MS_MAX)
      timer = setTimeout(left > now ? () => wait(left - now) : call, now)
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
}

export const systemRandom: Random = () => Math.random()

/** Resolves after `ms`, and as soon as the signal aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal?.addEventListener('abort', done)
  })
}

/** A repeatable stream of numbers from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** In an order by chance. */
export function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value)
}
