// Time that passes only when nothing else can happen: timers fire in their order, and after each
// one everything that can go on without another timer does. Moved by the simulation's loop.
import type { Clock } from '../clock.ts'

interface Timer {
  readonly atMs: number
  /** Timers of the same time fire in the order in which they were set. */
  readonly number: number
  call: (() => void) | undefined
}

/** Immediates that follow upon immediates: more of them in a row is a loop that never ends. */
const TURNS_MAX = 100_000

export class VirtualClock implements Clock {
  readonly #startMs: number
  #elapsedMs = 0
  #set = 0
  /** A binary heap, the next timer first. */
  readonly #timers: Timer[] = []
  /** Timers that have fired. */
  steps = 0

  /** `startMs` is the wall clock's time at the beginning. */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
  }

  now(): number {
    return this.#startMs + Math.floor(this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(ms: number, call: () => void): () => void {
    const timer: Timer = { atMs: this.#elapsedMs + Math.max(0, ms), number: this.#set++, call }
    this.#push(timer)
    return () => {
      timer.call = undefined
    }
  }

  /** Runs until `isOver` says so, or until `endMs` of monotonic(); false where no timer is left. */
  async run(isOver: () => boolean, endMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    await drained()
    while (!isOver()) {
      const timer = this.#pop(endMs)
      if (timer === undefined) {
        if (this.#timers.length === 0) return false
        this.#elapsedMs = endMs
        return true
      }
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.atMs)
      this.steps++
      timer.call?.()
      await drained()
    }
    return true
  }

  #pop(endMs: number): Timer | undefined {
    for (;;) {
      const first = this.#timers[0]
      if (first === undefined || (first.call !== undefined && first.atMs > endMs)) return undefined
      this.#removeFirst()
      if (first.call !== undefined) return first
    }
  }

  #push(timer: Timer): void {
    const timers = this.#timers
    let at = timers.length
    timers.push(timer)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(timers[parent], timer)) break
      timers[at] = timers[parent]
      at = parent
    }
    timers[at] = timer
  }

  #removeFirst(): void {
    const timers = this.#timers
    const last = timers.pop()!
    if (timers.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= timers.length) break
      if (child + 1 < timers.length && isBefore(timers[child + 1], timers[child])) child++
      if (isBefore(last, timers[child])) break
      timers[at] = timers[child]
      at = child
    }
    timers[at] = last
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
}

/** Resolves when neither a promise nor an immediate is left that could go on by itself. */
async function drained(): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (!process.getActiveResourcesInfo().includes('Immediate')) return
  }
  throw new Error(`${TURNS_MAX} turns of the event loop, and still something to do at once`)
}
