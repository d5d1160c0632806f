// Values of agents' tables: how memory keeps them, so that whoever reads one has an object of his
// own, and what is in memory and what is stored can never differ. Made once a table, by whoever
// declares it.
//
//   text, numbers, booleans     as they are: nobody can change them
//   records of these            as a copy; each reader gets one (copy_compile.ts)
//   everything else             its bytes; each reader has them decoded
import { EuphorionError } from '../errors.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, type CodecLike, codecOf, text } from '../record/codec.ts'
import { type CopyEvent, compileCopy } from '../record/copy_compile.ts'
import { JsonBytes } from '../record/json_bytes.ts'
import { compileEvents } from '../record/json_compile.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'

export type Kept = string | number | bigint | boolean | object

export interface ValueForm<V> {
  /** Throws RECORD_INVALID for a value that does not fit, APP_INVALID for a promise. */
  keep(value: V): Kept
  /** The value of whoever asks; nobody else has it. */
  show(kept: Kept): V
  /** Appends its bytes. */
  write(to: JsonBytes, kept: Kept): void
  /** Bytes of the store, which are not written to any more. Throws STORE_FAILED. */
  load(bytes: Uint8Array): Kept
}

export function valueForm<V>(table: string, type: CodecLike<V>): ValueForm<V> {
  const values = { table, codec: codecOf(type) }
  const schema = 'schema' in type ? type.schema : undefined
  if ((values.codec as unknown) === text()) return scalarForm(values, 'string')
  if (schema === undefined) return bytesForm(values, false)
  if (isScalar(schema)) return scalarForm(values, schema.type)
  const copy = schema.type === 'record' ? compileCopy(schema) : undefined
  if (copy !== undefined) return recordForm(values, schema as RecordSchema, copy)
  return bytesForm(values, schema.type !== 'bytes')
}

/** Values of one table. */
interface Values<V> {
  readonly table: string
  readonly codec: Codec<V>
}

/** Types whose values cannot be changed in place. */
function isScalar({ type }: FieldSchema): boolean {
  return !['bytes', 'date', 'array', 'map', 'union', 'record'].includes(type)
}

function scalarForm<V>(values: Values<V>, type: FieldSchema['type']): ValueForm<V> {
  const load = (bytes: Uint8Array) => decoded(values, bytes) as Kept
  /** What reading it back gives. */
  const canonical = (value: V): Kept => load(encoded(values, value))
  const show = (kept: Kept) => kept as V
  const write = (to: JsonBytes, kept: Kept) => to.raw(encoded(values, kept as V))
  if (type === 'integer') {
    return {
      // + 0: there is one zero
      keep: (value) => (Number.isSafeInteger(value) ? (value as number) + 0 : canonical(value)),
      show,
      write: (to, kept) => to.integer(kept as number),
      load,
    }
  }
  if (type === 'float64') {
    return {
      keep: (value) => (Number.isFinite(value) ? (value as number) + 0 : canonical(value)),
      show,
      write,
      load,
    }
  }
  return { keep: canonical, show, write, load }
}

function recordForm<V>(values: Values<V>, schema: RecordSchema, copy: CopyEvent): ValueForm<V> {
  const writer = compileEvents(schema)
  const scratch = new JsonBytes()
  const load = (bytes: Uint8Array) => decoded(values, bytes) as Kept
  return {
    keep: (value) => {
      refusePromise(values, value)
      return copy(value) ?? load(encoded(values, value))
    },
    show: (kept) => copy(kept) as V,
    write(to, kept) {
      scratch.at = 0
      if (writer(scratch, kept, 0)) to.raw(scratch.bytes.subarray(0, scratch.at))
      else to.raw(encoded(values, kept as V))
    },
    load,
  }
}

/** `isOurs`: bytes that the codec gives and takes are nobody else's. */
function bytesForm<V>(values: Values<V>, isOurs: boolean): ValueForm<V> {
  const own = (bytes: Uint8Array) => (isOurs ? bytes : new Uint8Array(bytes))
  return {
    keep(value) {
      refusePromise(values, value)
      return own(encoded(values, value))
    },
    show: (kept) => decoded(values, own(kept as Uint8Array)),
    write: (to, kept) => to.raw(kept as Uint8Array),
    load: (bytes) => bytes,
  }
}

/** A function that is asynchronous would store what a promise looks like. */
function refusePromise({ table }: Values<unknown>, value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (typeof (value as { then?: unknown }).then !== 'function') return
  const message = 'the value is a promise: the function of update() is synchronous'
  throw new EuphorionError('APP_INVALID', message, { place: { table } })
}

function encoded<V>({ table, codec }: Values<V>, value: V): Uint8Array {
  const bytes = codec.encode(value)
  if (bytes !== null) return bytes
  const message = 'null is no value of a table: delete the key'
  throw new EuphorionError('RECORD_INVALID', message, { place: { table } })
}

function decoded<V>({ table, codec }: Values<V>, bytes: Uint8Array): V {
  const value = codec.decode(bytes)
  if (!(value instanceof Bad)) return value
  throw new EuphorionError('STORE_FAILED', `a stored value is no ${codec.name}: ${value.reason}`, {
    place: { table },
  })
}
