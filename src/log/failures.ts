// Errors that every driver of Kafka throws alike.
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../errors.ts'
import type { PartitionOffsets, TopicPartition } from './log.ts'

export function unknownTopic(place: ErrorPlace, cause?: unknown): EuphorionError {
  const what =
    place.partition === undefined
      ? `topic '${place.topic}' does not exist`
      : `topic '${place.topic}' has no partition ${place.partition}`
  return new EuphorionError('TOPIC_UNKNOWN', what, { cause, place })
}

/** The topic is gone from under its reader. */
export function topicDeleted(place: ErrorPlace): EuphorionError {
  const message = `topic ${place.topic} was deleted while it was read`
  return new EuphorionError('TOPIC_DELETED', message, { place })
}

const refusedAlone: ReadonlySet<ErrorCode> = new Set([
  'RECORD_TOO_LARGE',
  'RECORD_INVALID',
  'TOPIC_UNKNOWN',
])

/** An append was refused for what it is: the rest of its transaction is as good as before. */
export function isRefusedAlone(error: unknown): boolean {
  return error instanceof EuphorionError && refusedAlone.has(error.code)
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

/** Of what a group can bear only without members. */
export function hasMembers(groupId: string, cause?: unknown): EuphorionError {
  const message = `the group ${groupId} has members: its workers must be stopped first`
  return new EuphorionError('LOG_FAILED', message, { cause })
}

/** Of what needs `capabilities.transactions`. */
export function noTransactions(driver: string): EuphorionError {
  const message = `the driver ${driver} has no transactions: tables cannot be kept in the log`
  return new EuphorionError('CAPABILITY_MISSING', message)
}
