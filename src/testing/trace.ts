// What happened in a simulation: the last lines, for a person, and a checksum of all of them. Owned
// by Simulation.
import { crc32c } from '../wire/crc32c.ts'
import type { VirtualClock } from './virtual_clock.ts'

const LINES_MAX = 20_000

export class Trace {
  readonly #clock: VirtualClock
  readonly #lines: string[] = []
  #checksum = 0

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  add(text: string): void {
    const line = `${(this.#clock.monotonic() / 1000).toFixed(3)} ${text}`
    this.#checksum = crc32c(Buffer.from(`${this.#checksum} ${this.#clock.steps} ${line}`))
    this.#lines.push(line)
    if (this.#lines.length > LINES_MAX) this.#lines.shift()
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  get fingerprint(): string {
    return this.#checksum.toString(16).padStart(8, '0')
  }
}
