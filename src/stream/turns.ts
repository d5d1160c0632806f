// Lets the event loop turn although functions' loops never wait: promises alone do not. One for all
// agents of the process, which share its event loop: one by one they would have it for as many
// times as long. Asked by agents' partitions before what takes more than a moment.
import type { Clock } from '../clock.ts'

/** Events between two looks at the clock. */
const LOOK_EVENTS = 64
/** Time without a turn of the event loop after which one is given. */
const TURN_MS = 5

const turnsOf = new WeakMap<Clock, Turns>()

export class Turns {
  readonly #clock: Clock
  #sinceLook = 0
  #turnedAt: number
  #waiting: (() => void)[] = []

  /** Those of everybody with that clock. */
  static of(clock: Clock): Turns {
    let turns = turnsOf.get(clock)
    if (turns === undefined) turnsOf.set(clock, (turns = new Turns(clock)))
    return turns
  }

  private constructor(clock: Clock) {
    this.#clock = clock
    this.#turnedAt = clock.monotonic()
  }

  /** So many events are handed out without a question. */
  count(events: number): void {
    this.#sinceLook += events
  }

  /** Hot. Whether what is asked for has to wait for a turn. */
  isDue(isBatch: boolean): boolean {
    this.#sinceLook += isBatch ? LOOK_EVENTS : 1
    return this.#sinceLook >= LOOK_EVENTS && this.#look()
  }

  /** Calls it after a turn of the event loop, with all others that wait. */
  next(call: () => void): void {
    if (this.#waiting.push(call) > 1) return
    setImmediate(() => {
      const waiting = this.#waiting
      this.#waiting = []
      this.#turnedAt = this.#clock.monotonic()
      for (const each of waiting) each()
    })
  }

  #look(): boolean {
    this.#sinceLook = 0
    return this.#clock.monotonic() - this.#turnedAt >= TURN_MS
  }
}
