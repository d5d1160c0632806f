// Records of one partition that its agent does not process and that go to the dead letters: their
// offsets are not acknowledged before they are with the sender. Owned by agent_partition.ts.
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'

export class RefusedRecords {
  readonly #deadLetters: DeadLetters
  /** By their offsets. */
  readonly #waiting: BadRecord[] = []

  constructor(deadLetters: DeadLetters) {
    this.#deadLetters = deadLetters
  }

  /** Smallest offset of those that are not with the sender; Infinity where there is none. */
  first(): number {
    return this.#waiting.length > 0 ? this.#waiting[0].offset : Number.POSITIVE_INFINITY
  }

  add(bad: BadRecord): void {
    this.#waiting.push(bad)
  }

  /** Rejects with why the first of them could not be stored; it stays here. */
  async send(): Promise<void> {
    for (; this.#waiting.length > 0; this.#waiting.shift())
      await this.#deadLetters.add(this.#waiting[0])
  }
}
