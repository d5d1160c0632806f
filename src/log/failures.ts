// Errors that every driver of Kafka throws alike.
import { type ErrorPlace, EuphorionError } from '../errors.ts'
import type { PartitionOffsets, TopicPartition } from './log.ts'

export function unknownTopic(place: ErrorPlace, cause?: unknown): EuphorionError {
  const what =
    place.partition === undefined
      ? `topic '${place.topic}' does not exist`
      : `topic '${place.topic}' has no partition ${place.partition}`
  return new EuphorionError('TOPIC_UNKNOWN', what, { cause, place })
}

/** A position where the log has nothing (any more). */
export function outOfRange(
  lane: TopicPartition,
  offset: number,
  range?: PartitionOffsets,
): EuphorionError {
  const { topic, partition } = lane
  const has = range ? `, the log has ${range.earliest} to ${range.latest}` : ''
  return new EuphorionError('OFFSET_OUT_OF_RANGE', `position ${offset} is outside the log${has}`, {
    place: { topic, partition, offset },
  })
}

/** Of what needs `capabilities.transactions`. */
export function noTransactions(driver: string): EuphorionError {
  const message = `the driver ${driver} has no transactions: tables cannot be kept in the log`
  return new EuphorionError('CAPABILITY_MISSING', message)
}
