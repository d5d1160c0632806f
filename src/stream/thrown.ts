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

/** Not async: most functions of operators give their answer at once. */
export function atEvent<T>(claim: Claim, work: () => T | Promise<T>): T | Promise<T> {
  try {
    const answer = work()
    return answer instanceof Promise ? rethrown(claim, answer) : answer
  } catch (error) {
    throw new Thrown(error, claim)
  }
}

async function rethrown<T>(claim: Claim, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw new Thrown(error, claim)
  }
}
