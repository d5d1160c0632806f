// A clock that moves only when told. Used by tests of timers, agents and windows.
import type { Clock } from '../../src/clock.ts'

interface Alarm {
  readonly at: number
  readonly call: () => void
}

export class ManualClock implements Clock {
  #now: number
  readonly #start: number
  #alarms: Alarm[] = []

  constructor(now = 0) {
    this.#now = now
    this.#start = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#start
  }

  after(ms: number, call: () => void): () => void {
    const alarm = { at: this.#now + ms, call }
    this.#alarms.push(alarm)
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm)
    }
  }

  /** Alarms that are set. */
  get alarms(): number {
    return this.#alarms.length
  }

  /** Moves time on; after each alarm that is due, lets promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const due = this.#alarms.filter((each) => each.at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#alarms = this.#alarms.filter((each) => each !== due)
      this.#now = Math.max(this.#now, due.at)
      due.call()
      await settle()
    }
    this.#now = end
  }
}

/** Lets every promise that can settle without outside help do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
