// Tells a person of records that cannot be read, without a line for each of a million of them.
// Called by the worker, for agents and for aggregations.
import type { Clock } from '../clock.ts'
import type { BadRecord } from '../ingest/dead_letter.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Logger } from '../logger.ts'

/** So many are logged at once, and again after each pause. */
const BURST = 10
const PAUSE_MS = 10_000

export class RejectLog {
  readonly #logger: Logger
  readonly #clock: Clock
  #left = BURST
  #refilledAt: number
  #unsaid = 0

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
    this.#refilledAt = clock.monotonic()
  }

  add({ topic, partition, offset, reason }: BadRecord, policy: BadRecordPolicy): void {
    const now = this.#clock.monotonic()
    if (now - this.#refilledAt >= PAUSE_MS) {
      this.#left = BURST
      this.#refilledAt = now
    }
    if (this.#left === 0) {
      this.#unsaid++
      return
    }
    this.#left--
    const more = this.#unsaid === 0 ? {} : { notLoggedBefore: this.#unsaid }
    this.#unsaid = 0
    const facts = { topic, partition, offset, reason, policy, ...more }
    this.#logger.warn(facts, 'a record cannot be read')
  }
}
