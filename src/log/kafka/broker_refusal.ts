// An error code in an answer, thrown: the error for a person, with what Cluster.retry needs to know.
import { type ErrorPlace, EuphorionError } from '../../errors.ts'
import { brokerError, brokerFailure, type LookUp } from '../../wire/broker_error.ts'

export class BrokerRefusal extends EuphorionError {
  /** The same request can succeed later; for a person it may be final all the same. */
  readonly passing: boolean
  readonly lookUp: LookUp

  private constructor(failure: EuphorionError, errorCode: number) {
    super(failure.code, failure.message, { place: failure.place })
    const facts = brokerError(errorCode)!
    this.passing = facts.retriable
    this.lookUp = facts.lookUp
  }

  /** Throws unless the code is 0. The arguments are those of brokerFailure. */
  static check(errorCode: number, what: string, place?: ErrorPlace, said?: string | null): void {
    const failure = brokerFailure(errorCode, what, place, said)
    if (failure !== undefined) throw new BrokerRefusal(failure, errorCode)
  }
}
