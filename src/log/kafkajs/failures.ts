// What went wrong in kafkajs, as an error with a code. Called wherever the driver talks to a
// broker.
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../../errors.ts'
import { unknownTopic } from '../failures.ts'

/**
 * The parts of kafkajs's errors that say what happened; `type` is Kafka's own name of the error.
 */
interface Fault {
  readonly name?: string
  readonly type?: string
  readonly message?: string
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

const codesByType: Readonly<Record<string, ErrorCode>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'TOPIC_UNKNOWN',
  INVALID_TOPIC_EXCEPTION: 'TOPIC_INVALID',
  MESSAGE_TOO_LARGE: 'RECORD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'RECORD_TOO_LARGE',
  INVALID_TIMESTAMP: 'RECORD_INVALID',
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  INVALID_CONFIG: 'SETTING_INVALID',
  INVALID_PARTITIONS: 'SETTING_INVALID',
}

const connectionNames = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSBrokerNotFound',
])

/** The error itself and what caused it, outermost first. */
function chain(error: unknown): Fault[] {
  const faults: Fault[] = []
  let next: unknown = error
  while (next !== undefined && next !== null && faults.length < 10) {
    const fault = next as Fault
    faults.push(fault)
    next = fault.cause ?? fault.errors?.[0]
  }
  return faults
}

/** Kafka's own name of the error, where there is one. */
export function kafkaErrorType(error: unknown): string | undefined {
  return chain(error).find((fault) => fault.type !== undefined && fault.type !== 'UNKNOWN')?.type
}

/** The connection ended while the answer was awaited: whether the broker did it is not known. */
export function isConnectionCut(error: unknown): boolean {
  return chain(error).some((fault) => fault.name === 'KafkaJSConnectionClosedError')
}

/** `brokers` are named when they cannot be reached. An EuphorionError stays as it is. */
export function asLogError(
  error: unknown,
  brokers: string,
  place: ErrorPlace = {},
): EuphorionError {
  if (error instanceof EuphorionError) return error
  const faults = chain(error)
  const message = faults[0]?.message ?? String(error)
  const code = codesByType[kafkaErrorType(error) ?? '']
  if (code === 'TOPIC_UNKNOWN') return unknownTopic(place, error)
  if (code) return new EuphorionError(code, message, { cause: error, place })
  if (faults.some((fault) => connectionNames.has(fault.name ?? '')))
    return new EuphorionError('BROKER_UNREACHABLE', `no answer from ${brokers}: ${message}`, {
      cause: error,
      place,
    })
  return new EuphorionError('LOG_FAILED', `Kafka at ${brokers}: ${message}`, {
    cause: error,
    place,
  })
}
