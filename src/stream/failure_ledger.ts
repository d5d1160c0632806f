// What a worker remembers of events that an agent failed on, for each partition: it outlives the
// partition's being opened again, so that attempts are counted on and what is to be left out stays
// out. Kept by Agent.subscriber(); asked by agent_runs.ts and agent_records.ts.
import type { HandlerFailure } from '../ingest/dead_letter.ts'

/** An event is not handed out any more. */
export interface Verdict {
  readonly policy: 'skip' | 'dead-letter'
  readonly failure: HandlerFailure
}

/** Why a record is left out, for its headers. */
export const FAILED = 'handler-failed'

/** Restarts of one function within a second that are a storm, not supervision. */
const RESTARTS_MAX = 100
const RESTARTS_MS = 1000

export class FailureLedger {
  readonly #attempts = new Map<number, number>()
  readonly #verdicts = new Map<number, Verdict>()
  #restarts = 0
  #countedFromMs = Number.NEGATIVE_INFINITY
  /** Monotonic ms before which no function of the partition begins. */
  notBeforeMs = 0

  /** The last offset that is to be left out; below all where there is none. Hot. */
  lastVerdict = Number.NEGATIVE_INFINITY

  verdict(offset: number): Verdict | undefined {
    return this.#verdicts.get(offset)
  }

  /** These have failed together: the attempt, counted from 1, of the one that was tried most. */
  failed(offsets: readonly number[]): number {
    const attempt = 1 + Math.max(0, ...offsets.map((each) => this.#attempts.get(each) ?? 0))
    // one of them is enough: whoever gets any of the others begins at this one
    this.#attempts.set(offsets[0], attempt)
    return attempt
  }

  /** They are left out when they are read again. */
  judge(offsets: readonly number[], verdict: Verdict): void {
    for (const offset of offsets) this.#verdicts.set(offset, verdict)
    this.lastVerdict = Math.max(...this.#verdicts.keys())
  }

  /** Nothing below is read again. */
  opened(below: number): void {
    this.done(below)
    for (const offset of this.#verdicts.keys()) if (offset < below) this.#verdicts.delete(offset)
    this.lastVerdict = Math.max(...this.#verdicts.keys())
  }

  /** Everything below is acknowledged. */
  done(below: number): void {
    for (const offset of this.#attempts.keys()) if (offset < below) this.#attempts.delete(offset)
  }

  /** A function of `concurrency` begins again. False: too often. */
  mayRestart(nowMs: number, concurrency: number): boolean {
    if (nowMs - this.#countedFromMs >= RESTARTS_MS) {
      this.#countedFromMs = nowMs
      this.#restarts = 0
    }
    this.#restarts++
    return this.#restarts <= RESTARTS_MAX * concurrency
  }
}

/** Of all partitions of an agent. */
export class FailureLedgers {
  readonly #ledgers = new Map<number, FailureLedger>()

  of(partition: number): FailureLedger {
    let ledger = this.#ledgers.get(partition)
    if (ledger === undefined) this.#ledgers.set(partition, (ledger = new FailureLedger()))
    return ledger
  }
}
