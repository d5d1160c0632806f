// Lets the event loop turn although a function's loop never waits: promises alone do not. Asked by
// an agent's partition for each event.
import type { Clock } from '../clock.ts'

/** Events between two looks at the clock. */
const LOOK_EVENTS = 64
/** Time without a turn of the event loop after which one is given. */
const TURN_MS = 5

export class Turns {
  readonly #clock: Clock
  #sinceLook = 0
  #turnedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#turnedAt = clock.monotonic()
  }

  /** Hot. Whether what is asked for has to wait for a turn. */
  isDue(isBatch: boolean): boolean {
    this.#sinceLook += isBatch ? LOOK_EVENTS : 1
    return this.#sinceLook >= LOOK_EVENTS && this.#look()
  }

  /** Calls it after a turn of the event loop. */
  next(call: () => void): void {
    setImmediate(() => {
      this.#turnedAt = this.#clock.monotonic()
      call()
    })
  }

  #look(): boolean {
    this.#sinceLook = 0
    return this.#clock.monotonic() - this.#turnedAt >= TURN_MS
  }
}
