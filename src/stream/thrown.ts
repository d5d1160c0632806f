// What a function of the user's has thrown in an operator, with the event that it had: where the
// loop gets the error, that one is in hand, and supervision sees to it. Thrown by operators, caught
// by loops.
import type { Claim } from './event_pull.ts'

export class Thrown {
  readonly #error: unknown
  readonly #claim: Claim

  constructor(error: unknown, claim: Claim) {
    this.#error = error
    this.#claim = claim
  }

  /** What the loop throws, before it gives back what was kept. */
  static unwrap(error: unknown): unknown {
    if (!(error instanceof Thrown)) return error
    error.#claim.hand()
    return error.#error
  }
}

export async function atEvent<T>(claim: Claim, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Thrown(error, claim)
  }
}
