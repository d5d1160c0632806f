// Tells a person of records that cannot be read, or that agents fail on, without a line for each of
// a million of them. Called by the worker, for agents and for aggregations.
import type { Clock } from '../clock.ts'
import type { BadRecord } from '../ingest/dead_letter.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Logger } from '../logger.ts'
import type { FailedEvent } from '../stream/agent_definition.ts'

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
    this.#say({ topic, partition, offset, reason, policy }, 'a record cannot be read')
  }

  /** An agent has failed on it. */
  failed({ cause, message: _, ...facts }: FailedEvent): void {
    this.#say({ ...facts, err: cause }, 'an agent failed on an event')
  }

  #say(facts: object, message: string): void {
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
    this.#logger.warn({ ...facts, ...more }, message)
  }
}
