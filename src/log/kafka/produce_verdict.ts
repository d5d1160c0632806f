// What follows from the answer to a batch: the rules of Java's client for an idempotent producer
// that has at most one batch of a partition on its way. Asked by KafkaProducer.
import { brokerCode } from '../../wire/broker_code.ts'
import { brokerError } from '../../wire/broker_error.ts'

/**
 * stored: also where the broker had it already. again: the same bytes, so that the broker can tell
 * whether it has them. renumbered: sent again from number 0 of a raised epoch. refused: final.
 */
export type ProduceVerdict = 'stored' | 'again' | 'renumbered' | 'refused'

const unknownOffset = -1

export function produceVerdict(errorCode: number, logStartOffset: number): ProduceVerdict {
  switch (errorCode) {
    case brokerCode.NONE:
    // Its number is older than those whose offsets the broker remembers.
    case brokerCode.DUPLICATE_SEQUENCE_NUMBER:
      return 'stored'
    // The batch before this one was acknowledged, and is lost: a gap that nothing fills.
    case brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      return 'renumbered'
    // Retention has taken all that the producer wrote. Without the log's start the partition is on
    // its way to another broker, which will say more.
    case brokerCode.UNKNOWN_PRODUCER_ID:
      return logStartOffset === unknownOffset ? 'again' : 'renumbered'
    default:
      return brokerError(errorCode)!.retriable ? 'again' : 'refused'
  }
}
