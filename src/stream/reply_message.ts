// Replies as they are on a reply topic: the JSON that Faust writes, and one of its own for an agent
// that failed. Written by agents, read by who asked.
import { type ErrorPlace, EuphorionError, isErrorCode } from '../errors.ts'
import { decodeUtf8, parseJson } from '../record/json.ts'

/** What came for a request. */
export interface ReplyMessage {
  readonly correlationId: string
  /** What the agent failed of; undefined: there is a value. */
  readonly error: EuphorionError | undefined
  /** The whole of it, parsed and as it was. */
  readonly parsed: Readonly<Record<string, unknown>>
  readonly bytes: Uint8Array
}

/** An error is no place for a page. */
const MESSAGE_MAX = 1000

const ending = '"__faust":{"ns":"@ReqRepResponse"}}'

/** `key` and `value` are JSON. */
export function encodeReply(key: string, value: string, correlationId: string): Uint8Array {
  const id = JSON.stringify(correlationId)
  return Buffer.from(`{"key":${key},"value":${value},"correlation_id":${id},${ending}`)
}

/** Of a request that gets no value. */
export function encodeErrorReply(
  key: string,
  { code, message, place, cause }: EuphorionError,
  correlationId: string,
): Uint8Array {
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  const whole = `${message}${because}`.slice(0, MESSAGE_MAX)
  const { topic, partition, offset } = place
  const where = { topic, partition, offset: offset === undefined ? undefined : Number(offset) }
  const error = JSON.stringify({ code, message: whole, ...where })
  const id = JSON.stringify(correlationId)
  return Buffer.from(`{"key":${key},"value":null,"correlation_id":${id},"error":${error},${ending}`)
}

/** Undefined for what is no reply. */
export function decodeReply(bytes: Uint8Array | null): ReplyMessage | undefined {
  const text = bytes === null ? undefined : decodeUtf8(bytes)
  if (bytes === null || typeof text !== 'string') return undefined
  const parsed = parseJson(text)
  if (!isObject(parsed) || typeof parsed.correlation_id !== 'string') return undefined
  const { correlation_id: correlationId } = parsed
  return { correlationId, error: errorOf(parsed.error), parsed, bytes }
}

function errorOf(error: unknown): EuphorionError | undefined {
  if (!isObject(error)) return undefined
  const { code, message } = error
  const known = typeof code === 'string' && isErrorCode(code) ? code : 'HANDLER_FAILED'
  return new EuphorionError(known, String(message), { place: placeOf(error) })
}

function placeOf(error: Readonly<Record<string, unknown>>): ErrorPlace {
  const { topic, partition, offset } = error
  return {
    ...(typeof topic === 'string' && { topic }),
    ...(typeof partition === 'number' && { partition }),
    ...(typeof offset === 'number' && { offset }),
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
