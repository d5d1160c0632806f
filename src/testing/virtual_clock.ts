// Time that passes only when nothing else can happen: timers fire in their order, and after each
// one everything that can go on without another timer does. Moved by the simulation's loop, and by
// the test driver.
import type { Clock } from '../clock.ts'
import { deferred } from '../deferred.ts'
import type { RealWork } from './real_work.ts'

interface Timer {
  readonly atMs: number
  /** Timers of the same time fire in the order in which they were set. */
  readonly number: number
  call: (() => void) | undefined
}

/** Turns of the event loop without a timer: more of them in a row is a loop that never ends. */
const TURNS_MAX = 100_000
/** Cancelled timers that are kept until they are the next; more than there are others, they go. */
const CANCELLED_MAX = 1000

export interface VirtualClockOptions {
  /** What is due at once is called in the next turn of the event loop, also without run(). */
  readonly isLive?: boolean
  /** What else has to come to an end before time goes on. */
  readonly realWork?: RealWork
}

/** While one clock runs, others wait: each looks at what is left to do in the whole process. */
let running: Promise<void> | undefined

export class VirtualClock implements Clock {
  readonly #startMs: number
  readonly #isLive: boolean
  readonly #realWork: RealWork | undefined
  #elapsedMs = 0
  #set = 0
  /** A binary heap, the next timer first. */
  #timers: Timer[] = []
  /** Of `#timers`. */
  #cancelled = 0
  /** Timers that have fired. */
  steps = 0

  /** `startMs` is the wall clock's time at the beginning. */
  constructor(startMs = 1_700_000_000_000, options: VirtualClockOptions = {}) {
    this.#startMs = startMs
    this.#isLive = options.isLive === true
    this.#realWork = options.realWork
  }

  now(): number {
    return this.#startMs + Math.floor(this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(ms: number, call: () => void): () => void {
    if (this.#isLive && ms <= 0) {
      const immediate = setImmediate(call)
      return () => clearImmediate(immediate)
    }
    const timer: Timer = { atMs: this.#elapsedMs + Math.max(0, ms), number: this.#set++, call }
    this.#push(timer)
    return () => {
      if (timer.call === undefined) return
      timer.call = undefined
      this.#cancelled++
      this.#forgetCancelled()
    }
  }

  /** Runs until `isOver` says so, or until `endMs` of monotonic(); false where no timer is left. */
  run(isOver: () => boolean, endMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    return alone(() => this.#run(isOver, endMs))
  }

  /** Until nothing can go on any more without a timer. */
  async drain(): Promise<void> {
    await alone(() =>
      this.#whenDrained(
        () => false,
        () => true,
      ),
    )
  }

  /** Hot: without a promise for each step. */
  #run(isOver: () => boolean, endMs: number): Promise<boolean> {
    return this.#whenDrained(isOver, () => {
      if (isOver()) return true
      const timer = this.#pop(endMs)
      if (timer === undefined) {
        const isLeft = this.#timers.length > 0
        if (isLeft || Number.isFinite(endMs)) this.#elapsedMs = Math.max(this.#elapsedMs, endMs)
        return isLeft
      }
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.atMs)
      this.steps++
      const { call } = timer
      timer.call = undefined
      call?.()
      return undefined
    })
  }

  /**
   * Calls `step` whenever neither a promise nor an immediate is left that could go on by itself,
   * until it gives something. Real work is waited for unless `isOver`.
   */
  #whenDrained<T>(isOver: () => boolean, step: () => T | undefined): Promise<T> {
    const realWork = this.#realWork
    const { promise, resolve, reject } = deferred<T>()
    let turns = 0
    const look = (): void => {
      try {
        const active = process.getActiveResourcesInfo()
        if (active.includes('Immediate')) {
          if (++turns > TURNS_MAX) throw new Error(`${TURNS_MAX} turns, and still something to do`)
          setImmediate(look)
          return
        }
        turns = 0
        if (realWork?.isUnderWay(active) && !isOver()) {
          realWork.wait().then(look, reject)
          return
        }
        const result = step()
        if (result === undefined) setImmediate(look)
        else resolve(result)
      } catch (error) {
        reject(error)
      }
    }
    setImmediate(look)
    return promise
  }

  #pop(endMs: number): Timer | undefined {
    for (;;) {
      const first = this.#timers[0]
      if (first === undefined || (first.call !== undefined && first.atMs > endMs)) return undefined
      this.#removeFirst()
      if (first.call !== undefined) return first
      this.#cancelled--
    }
  }

  #forgetCancelled(): void {
    if (this.#cancelled <= Math.max(CANCELLED_MAX, this.#timers.length / 2)) return
    this.#cancelled = 0
    // in the order of their times an array is a heap
    const left = this.#timers.filter(({ call }) => call !== undefined)
    this.#timers = left.sort((a, b) => (isBefore(a, b) ? -1 : 1))
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

async function alone<T>(run: () => Promise<T>): Promise<T> {
  while (running !== undefined) await running
  const { promise, resolve } = deferred()
  running = promise
  try {
    return await run()
  } finally {
    running = undefined
    resolve()
  }
}
