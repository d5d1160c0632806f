// Values inside the JSON of a reply or of a wrapped request: by their declared type where there is
// one, bytes of other codecs as base64. Made for each agent.
import { EuphorionError } from '../errors.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, type CodecLike, codecOf, json, text } from '../record/codec.ts'
import { decodeJson, encodeJson } from '../record/json.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'

export interface ReplyValue<T> {
  /** The value's JSON. Throws RECORD_INVALID. */
  encode(value: T): string
  /** Of the member `value` of a JSON object, which is given parsed and as it is. */
  decode(parsed: Readonly<Record<string, unknown>>, bytes: Uint8Array): T | Bad
}

const anyJson: Codec<unknown> = json()

export function replyValue<T>(type: CodecLike<T> = json<T>()): ReplyValue<T> {
  if ('schema' in type) return valueOfSchema<T>(type.schema)
  if ((type as Codec<unknown>) === anyJson || (type as unknown) === text()) return plain<T>(type)
  return base64<T>(codecOf(type))
}

/** What is JSON as it is. */
function plain<T>(codec: Codec<T>): ReplyValue<T> {
  return {
    encode(value) {
      if (value === undefined) return 'null'
      const bytes = codec.encode(value)
      if ((codec as unknown) === text()) return JSON.stringify(value)
      return Buffer.from(bytes!).toString()
    },
    decode: ({ value }) => value as T,
  }
}

function valueOfSchema<T>(schema: FieldSchema): ReplyValue<T> {
  const around: RecordSchema = { type: 'record', name: 'Reply', fields: [['value', schema]] }
  return {
    encode: (value) => Buffer.from(encodeJson(schema, value)).toString(),
    decode(_parsed, bytes) {
      const decoded = decodeJson(around, bytes)
      return decoded instanceof Bad ? decoded : (decoded as { value: T }).value
    },
  }
}

function base64<T>(codec: Codec<T>): ReplyValue<T> {
  return {
    encode(value) {
      const bytes = codec.encode(value)
      return bytes === null ? 'null' : `"${Buffer.from(bytes).toString('base64')}"`
    },
    decode: ({ value }) =>
      codec.decode(typeof value === 'string' ? Buffer.from(value, 'base64') : null),
  }
}

/** Throws RECORD_INVALID for what is not of the agent's type. */
export function takeReply<T>(value: T | Bad, agent: string): T {
  if (!(value instanceof Bad)) return value
  const message = `the reply of agent ${agent} is not of its type: ${value.reason}`
  throw new EuphorionError('RECORD_INVALID', message)
}
