// An error code in an answer, thrown: the error for a person, with what Cluster.retry needs,
// and what that knows of other errors.
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../../errors.ts'
import { brokerError, brokerFailure, type LookUp } from '../../wire/broker_error.ts'

export class BrokerRefusal extends EuphorionError {
  /** The same request can succeed later; for a person it may be final all the same. */
  readonly passing: boolean
  readonly lookUp: LookUp
  /** Of brokerCode. */
  readonly errorCode: number

  private constructor(failure: EuphorionError, errorCode: number) {
    super(failure.code, failure.message, { place: failure.place })
    const facts = brokerError(errorCode)!
    this.passing = facts.retriable
    this.lookUp = facts.lookUp
    this.errorCode = errorCode
  }

  /** Throws unless the code is 0. The arguments are those of brokerFailure. */
  static check(errorCode: number, what: string, place?: ErrorPlace, said?: string | null): void {
    const failure = brokerFailure(errorCode, what, place, said)
    if (failure !== undefined) throw new BrokerRefusal(failure, errorCode)
  }
}

/** What may be over after a while. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  'BROKER_UNREACHABLE',
  'LOG_FAILED',
  'PROTOCOL_VIOLATED',
])

/** The same question can be answered later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof BrokerRefusal) return error.passing
  return error instanceof EuphorionError && passingCodes.has(error.code)
}

/** Not where the coordinator itself answered something else. */
export function mayHaveMoved(error: unknown): boolean {
  return !(error instanceof BrokerRefusal) || error.lookUp === 'coordinator'
}
