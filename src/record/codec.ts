// Codecs: bytes of keys and values to what the program sees, and back. Topics and tables hold one
// for the key and one for the value.
import { inspect } from 'node:util'
import { EuphorionError } from '../errors.ts'
import { Bad, nullValue, wrongType } from './bad.ts'
import type { Field, FieldKind } from './fields.ts'
import { decodeUtf8, encodeJson, jsonDecoder, parseJson } from './json.ts'
import type { FieldSchema } from './schema.ts'

/**
 * `encode` throws RECORD_INVALID for a value that does not fit; `decode` never throws, bad bytes
 * give a `Bad` with the reason. Null bytes (a tombstone, a record without key) are `null-value`
 * unless null is a value of the type.
 */
export interface Codec<T> {
  readonly name: string
  encode(value: T): Uint8Array | null
  decode(bytes: Uint8Array | null): T | Bad
}

/** What may stand for the type of a key or a value: a codec, a record or a field type. */
export type CodecLike<T> = Codec<T> | Field<T, FieldKind>

/** The type of the values of a codec, a record or a field type. */
export type ValueOf<C> =
  C extends Codec<infer T> ? T : C extends Field<infer T, FieldKind> ? T : never

function refuse(codec: string, expected: string, value: unknown): never {
  const shown = inspect(value, { depth: 0, maxStringLength: 60, breakLength: Infinity })
  throw new EuphorionError('RECORD_INVALID', `${codec}: expected ${expected}, got ${shown}`)
}

/** What bytes have to be so that a codec can decode them. */
export interface BytesCheck {
  /** UTF-8. */
  readonly isText: boolean
  /** Not null. */
  readonly isNeeded: boolean
}

const rawCodec: Codec<Uint8Array | null> = {
  name: 'raw',
  encode: (value) =>
    value === null || value instanceof Uint8Array
      ? value
      : refuse('raw', 'a Uint8Array or null', value),
  decode: (bytes) => bytes,
}

const bytesCodec: Codec<Uint8Array> = {
  name: 'bytes',
  encode: (value) => (value instanceof Uint8Array ? value : refuse('bytes', 'a Uint8Array', value)),
  decode: (bytes) => bytes ?? nullValue,
}

const textCodec: Codec<string> = {
  name: 'text',
  encode(value) {
    if (typeof value !== 'string') return refuse('text', 'a string', value)
    if (/\p{Surrogate}/u.test(value))
      return refuse('text', 'a string without lone surrogates', value)
    return Buffer.from(value, 'utf8')
  },
  decode: (bytes) => (bytes === null ? nullValue : decodeUtf8(bytes)),
}

function encodeAnyJson(value: unknown): Uint8Array {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new EuphorionError('RECORD_INVALID', `json: ${message}`, { cause })
  }
  return text === undefined ? refuse('json', 'a JSON value', value) : Buffer.from(text, 'utf8')
}

function decodeAnyJson(bytes: Uint8Array | null): unknown {
  if (bytes === null) return nullValue
  const text = decodeUtf8(bytes)
  return text instanceof Bad ? text : parseJson(text)
}

const jsonCodec: Codec<unknown> = { name: 'json', encode: encodeAnyJson, decode: decodeAnyJson }

/** Bytes as they are, null too. */
export const raw = (): Codec<Uint8Array | null> => rawCodec

/** UTF-8 text; the same as `string()`. */
export const text = (): Codec<string> => textCodec

/**
 * Any JSON value. Nothing is checked: `json<T>()` is a promise of the program's, not of the
 * codec's.
 */
export const json = <T = unknown>(): Codec<T> => jsonCodec as Codec<T>

const checks = new WeakMap<object, BytesCheck>([
  [rawCodec, { isText: false, isNeeded: false }],
  [bytesCodec, { isText: false, isNeeded: true }],
  [textCodec, { isText: true, isNeeded: true }],
])

/** Undefined for codecs of which only decode() knows which bytes are good. */
export function bytesCheckOf(codec: Codec<unknown>): BytesCheck | undefined {
  return checks.get(codec)
}

function nullableCodec(codec: Codec<unknown>): Codec<unknown> {
  const nullable: Codec<unknown> = {
    name: codec.name,
    encode: (value) => (value === null ? null : codec.encode(value)),
    decode: (bytes) => (bytes === null ? null : codec.decode(bytes)),
  }
  const check = checks.get(codec)
  if (check !== undefined) checks.set(nullable, { ...check, isNeeded: false })
  return nullable
}

/** One of these texts, as text: a key of it is where the same text is as a key of `string()`. */
function literalCodec(values: readonly string[]): Codec<string> {
  return {
    name: 'literal',
    encode: (value) =>
      values.includes(value)
        ? Buffer.from(value, 'utf8')
        : refuse('literal', values.map((each) => JSON.stringify(each)).join(' or '), value),
    decode(bytes) {
      const text = bytes === null ? nullValue : decodeUtf8(bytes)
      return text instanceof Bad || values.includes(text) ? text : wrongType
    },
  }
}

function schemaCodec(schema: FieldSchema): Codec<unknown> {
  if (schema.type === 'string') return textCodec as Codec<unknown>
  if (schema.type === 'bytes') return bytesCodec as Codec<unknown>
  if (schema.type === 'literal' && schema.values.every((value) => typeof value === 'string'))
    return literalCodec(schema.values) as Codec<unknown>
  const decode = jsonDecoder(schema)
  return {
    name: schema.type === 'record' ? schema.name : schema.type,
    encode: (value) => encodeJson(schema, value),
    decode: (bytes) => (bytes === null ? nullValue : decode(bytes)),
  }
}

/**
 * The codec of a key or a value. A field type is written as follows: `string()` and a `literal()`
 * of texts as UTF-8, `bytes()` as they are, every other type, also a number, as its JSON text
 * (`integer()` 42 is the two bytes `42`); with `nullable(…)`, null is written as null bytes, and
 * the JSON text `null` is read too.
 */
export function codecOf<T>(type: CodecLike<T>): Codec<T> {
  if ('encode' in type) return type
  const codec = schemaCodec(type.schema)
  return (type.schema.nullable ? nullableCodec(codec) : codec) as Codec<T>
}
