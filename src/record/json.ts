// JSON to events and back: what agents, senders and the reference kernel use. What is bad here is
// bad for the kernels too, with the same reason, field by field in declared order.
import { EuphorionError } from '../errors.ts'
import { Bad, invalidJson, invalidUtf8 } from './bad.ts'
import { convertOfValue } from './convert.ts'
import { decodeExact, needsExact } from './json_exact.ts'
import { InvalidEvent, writeOf } from './json_write.ts'
import type { FieldSchema } from './schema.ts'

/** Decodes one value: the event, or the shared object of the reason. */
export type JsonDecoder = (bytes: Uint8Array) => unknown

// A byte order mark is kept, and is then no JSON.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes, or the reason why they are none. */
export function decodeUtf8(bytes: Uint8Array): string | Bad {
  try {
    return utf8.decode(bytes)
  } catch {
    return invalidUtf8
  }
}

/** What JSON.parse gives; fatal UTF-8, and a byte order mark is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return invalidJson
  }
}

/**
 * Whether JSON.parse may have rounded a number of the text: one of 16 or more digits, or with an
 * exponent. Fewer digits without one name a double of their own, which is an integer only if they
 * do.
 */
function mayLoseDigits(text: string): boolean {
  let run = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if ((code >= 48 && code <= 57) || code === 46) {
      if (++run === 16) return true
    } else {
      if (run > 0 && (code | 32) === 101) return true
      run = 0
    }
  }
  return false
}

function makeDecoder(schema: FieldSchema): JsonDecoder {
  const convert = convertOfValue(schema)
  const always = needsExact(schema, 'decimal')
  const sometimes = needsExact(schema, 'int64')
  return (bytes) => {
    const text = decodeUtf8(bytes)
    if (text instanceof Bad) return text
    const parsed = parseJson(text)
    if (parsed instanceof Bad) return parsed
    if (always || (sometimes && mayLoseDigits(text))) return decodeExact(schema, text)
    return convert(parsed)
  }
}

const decoders = new WeakMap<FieldSchema, JsonDecoder>()

/** The decoder of a schema, made at the first call. */
export function jsonDecoder(schema: FieldSchema): JsonDecoder {
  let decode = decoders.get(schema)
  if (decode === undefined) {
    decode = makeDecoder(schema)
    decoders.set(schema, decode)
  }
  return decode
}

/**
 * The event of JSON bytes: a plain object with the declared fields only, in declared order. Bad
 * bytes give a `Bad` with the reason; of several faults the first field's in declared order counts.
 */
export function decodeJson(schema: FieldSchema, bytes: Uint8Array): unknown {
  return jsonDecoder(schema)(bytes)
}

/**
 * The JSON bytes of an event: declared fields only, in declared order. Throws RECORD_INVALID with
 * the path of the first field that does not fit: `Reading.value: expected a number, got 'x'`.
 */
export function encodeJson(schema: FieldSchema, event: unknown): Uint8Array {
  try {
    return Buffer.from(writeOf(schema)(event), 'utf8')
  } catch (error) {
    if (!(error instanceof InvalidEvent)) throw error
    const name = schema.type === 'record' ? schema.name : schema.type
    throw new EuphorionError('RECORD_INVALID', `${name}${error.path}: ${error.message}`)
  }
}
