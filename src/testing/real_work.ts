// What a process waits for outside of virtual time: files, sockets, timers of Node, other threads.
// Virtual time stands still for it, as long as one would wait. Owned by a test driver's clock.
import { systemClock } from '../clock.ts'

/** Between two looks. */
const LOOK_MS = 1

export class RealWork {
  /** How long it is waited for; what is still there then (a server, a pool) stays, and is not. */
  patienceMs: number
  /** Resources that keep the process alive, and are there to stay. */
  #staying: number
  #waitedMs = 0

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs
    this.#staying = count(process.getActiveResourcesInfo())
  }

  /** Whether something of `active` may come to an end. */
  isUnderWay(active: readonly string[]): boolean {
    const now = count(active)
    if (now > this.#staying && this.#waitedMs < this.patienceMs) return true
    this.#staying = now
    this.#waitedMs = 0
    return false
  }

  /** A moment of real time. */
  async wait(): Promise<void> {
    const beganMs = systemClock.monotonic()
    await new Promise<void>((resolve) => void systemClock.after(LOOK_MS, resolve))
    this.#waitedMs += systemClock.monotonic() - beganMs
  }
}

function count(active: readonly string[]): number {
  let others = 0
  for (const each of active) if (each !== 'Immediate') others++
  return others
}
