// Values of agents' tables: how the cache keeps them. A value that nobody can change is kept as it
// is; of any other its bytes are kept, so that whoever reads gets an object of his own, and what is
// in memory and what is stored can never differ. Made once a table, by whoever declares it.
import { EuphorionError } from '../errors.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, type CodecLike, codecOf, text } from '../record/codec.ts'
import type { FieldSchema } from '../record/schema.ts'

export type Kept = string | number | bigint | boolean | Uint8Array

export interface ValueForm<V> {
  /** Throws RECORD_INVALID for a value that does not fit, APP_INVALID for a promise. */
  keep(value: V): Kept
  /** The value of whoever asks; nobody else has it. */
  show(kept: Kept): V
  encode(kept: Kept): Uint8Array
  /** Bytes of the store, which become the cache's. Throws STORE_FAILED. */
  load(bytes: Uint8Array): Kept
}

export function valueForm<V>(table: string, type: CodecLike<V>): ValueForm<V> {
  const codec = codecOf(type)
  const schema = 'schema' in type ? type.schema : undefined
  if ((codec as unknown) === text()) return scalarForm(table, codec, 'string')
  if (schema !== undefined && isScalar(schema)) return scalarForm(table, codec, schema.type)
  return bytesForm(table, codec, schema !== undefined && schema.type !== 'bytes')
}

/** Types whose values cannot be changed in place. */
function isScalar({ type }: FieldSchema): boolean {
  return !['bytes', 'date', 'array', 'map', 'union', 'record'].includes(type)
}

function scalarForm<V>(table: string, codec: Codec<V>, type: FieldSchema['type']): ValueForm<V> {
  const encode = (kept: Kept) => encoded(table, codec, kept as V)
  const load = (bytes: Uint8Array) => decoded(table, codec, bytes) as Kept
  /** What reading it back gives. */
  const canonical = (value: V): Kept => load(encode(value as Kept))
  const show = (kept: Kept) => kept as V
  switch (type) {
    case 'integer':
      // + 0: there is one zero
      return {
        keep: (value) => (Number.isSafeInteger(value) ? (value as number) + 0 : canonical(value)),
        show,
        encode,
        load,
      }
    case 'float64':
      return {
        keep: (value) => (Number.isFinite(value) ? (value as number) + 0 : canonical(value)),
        show,
        encode,
        load,
      }
    default:
      return { keep: canonical, show, encode, load }
  }
}

/** `isOurs`: bytes that the codec gives and takes are nobody else's. */
function bytesForm<V>(table: string, codec: Codec<V>, isOurs: boolean): ValueForm<V> {
  return {
    keep(value) {
      if (isPromise(value)) {
        const message = 'the value is a promise: the function of update() is synchronous'
        throw new EuphorionError('APP_INVALID', message, { place: { table } })
      }
      const bytes = encoded(table, codec, value)
      return isOurs ? bytes : new Uint8Array(bytes)
    },
    show(kept) {
      const bytes = kept as Uint8Array
      return decoded(table, codec, isOurs ? bytes : new Uint8Array(bytes))
    },
    encode: (kept) => kept as Uint8Array,
    load: (bytes) => bytes,
  }
}

function isPromise(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return typeof (value as { then?: unknown }).then === 'function'
}

function encoded<V>(table: string, codec: Codec<V>, value: V): Uint8Array {
  const bytes = codec.encode(value)
  if (bytes !== null) return bytes
  const message = 'null is no value of a table: delete the key'
  throw new EuphorionError('RECORD_INVALID', message, { place: { table } })
}

function decoded<V>(table: string, codec: Codec<V>, bytes: Uint8Array): V {
  const value = codec.decode(bytes)
  if (!(value instanceof Bad)) return value
  throw new EuphorionError('STORE_FAILED', `a stored value is no ${codec.name}: ${value.reason}`, {
    place: { table },
  })
}
