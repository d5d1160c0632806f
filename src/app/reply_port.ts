// How a worker's agents answer: replies are stored as sinks' outputs are, errors at once. Made by
// the worker.
import { type Clock, pause } from '../clock.ts'
import { type ErrorCode, EuphorionError } from '../errors.ts'
import type { LogRecord } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { ReplyPort } from '../stream/replies.ts'
import type { Connection } from './connection.ts'

/** Codes of a topic that cannot be written: one asker's affair, and no failure of the agent. */
const unreachable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TOPIC_UNKNOWN',
  'TOPIC_DELETED',
  'TOPIC_INVALID',
  'ACCESS_DENIED',
  'REQUEST_REFUSED',
  'RECORD_TOO_LARGE',
])
/** A topic that was just made may be unknown to the broker that is asked for it. */
const LOOK_AGAIN_MS = 250
/** Topics that were looked for in vain; the oldest is forgotten. */
const GONE_MAX = 1000

export function replyPort(connection: Connection, clock: Clock, logger: Logger): ReplyPort {
  const gone = new Set<string>()
  const lookAgain = async (topic: string, error: unknown): Promise<void> => {
    const isUnknown = error instanceof EuphorionError && error.code === 'TOPIC_UNKNOWN'
    if (!isUnknown || gone.has(topic)) throw error
    gone.add(topic)
    if (gone.size > GONE_MAX) gone.delete(gone.values().next().value!)
    await pause(clock, LOOK_AGAIN_MS)
  }
  const store = async (topic: string, value: Uint8Array, sender = connection.sender) => {
    const record: LogRecord = { key: null, value, timestamp: clock.now() }
    try {
      if (!connection.knows(topic))
        await connection.partitions(topic).catch((error) => lookAgain(topic, error))
      await connection.store(topic, undefined, record, sender)
      gone.delete(topic)
    } catch (error) {
      if (!(error instanceof EuphorionError) || !unreachable.has(error.code)) throw error
      logger.debug({ topic, err: error }, 'a reply reaches nobody')
    }
  }
  return {
    send: (topic, reply) => store(topic, reply),
    sendError: (topic, reply) => {
      store(topic, reply, connection.atOnce).catch((error: unknown) =>
        logger.warn({ topic, err: error }, 'an asker does not hear of a failure'),
      )
    },
  }
}
