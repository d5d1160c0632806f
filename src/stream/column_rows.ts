// Columns as rows for the sender: a record is one index of them all. Made by Topic.sendMany().
import { EuphorionError } from '../errors.ts'
import type { Rows } from '../ingest/rows.ts'
import type { FieldMap } from '../record/fields.ts'
import { compileColumns, type FieldColumns, type RecordWriter } from '../record/json_compile.ts'
import type { RecordSchema } from '../record/schema.ts'
import { eventWriter, isWritten } from './message_rows.ts'
import { type RowTopic, TopicRow } from './topic_row.ts'

type NumberColumn =
  | readonly number[]
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array

/** What may hold a column of such values. */
export type ColumnOf<T> =
  | readonly T[]
  | ([NonNullable<T>] extends [number]
      ? NumberColumn
      : [NonNullable<T>] extends [bigint]
        ? BigInt64Array
        : never)

/** Values as columns by the names of the fields, where they are records; or whole, as an array. */
export type ValueColumns<V, Fields extends FieldMap = FieldMap> =
  | readonly V[]
  | ([keyof Fields] extends [never]
      ? never
      : [V] extends [object]
        ? { readonly [Name in keyof V]: ColumnOf<V[Name]> }
        : never)

/**
 * Messages as columns of one length. `{ value: { user: [...], ms: new Float64Array(…) } }`; a
 * column of an optional field may be left out, or hold undefined.
 */
export interface MessageColumns<K, V, Fields extends FieldMap = FieldMap> {
  readonly value: ValueColumns<V, Fields>
  /** Default: the field of keyedBy where it is there, else null. */
  readonly key?: ColumnOf<K | null>
  /** Whole ms since the epoch, one for all or one each. Default: now. */
  readonly timestamp?: number | NumberColumn
  /** One for all or one each. Default: by the key. */
  readonly partition?: number | NumberColumn
}

type Column = ArrayLike<unknown>

const writers = new WeakMap<RecordSchema, RecordWriter<FieldColumns>>()

function columnWriter(schema: RecordSchema): RecordWriter<FieldColumns> {
  let writer = writers.get(schema)
  if (writer === undefined) writers.set(schema, (writer = compileColumns(schema)))
  return writer
}

export class ColumnRows<K, V> extends TopicRow<K, V> implements Rows {
  readonly count: number
  readonly #topic: RowTopic<K, V>
  readonly #fields: FieldColumns
  readonly #write: RecordWriter<FieldColumns> | undefined
  /** Where values are no records, or are given whole. */
  readonly #values: readonly V[] | undefined
  readonly #writeEvent: RecordWriter<unknown> | undefined
  readonly #key: Column | undefined
  readonly #keyField: Column | undefined
  readonly #timestamp: number | Column
  readonly #partition: number | Column | undefined

  /** Throws RECORD_INVALID unless the columns are those of the topic, and of one length. */
  constructor(topic: RowTopic<K, V>, given: MessageColumns<K, V>, nowMs: number) {
    super(topic)
    const { value, key, timestamp = nowMs, partition } = given as MessageColumns<unknown, unknown>
    const lengths = new Lengths(topic.name)
    this.#topic = topic
    const { schema, options } = topic
    if (Array.isArray(value)) {
      this.#values = lengths.checked('value', value) as unknown as readonly V[]
      this.#writeEvent = schema && eventWriter(schema)
      this.#fields = []
    } else if (schema === undefined || typeof value !== 'object' || value === null)
      throw lengths.invalid('value: expected an array, because the values are no records')
    else {
      this.#fields = fieldColumns(schema, { ...value }, lengths)
      this.#write = columnWriter(schema)
    }
    this.#key = key === undefined ? undefined : lengths.checked('key', key)
    const keyAt = schema?.fields.findIndex(([name]) => name === options.keyedBy) ?? -1
    if (this.#key === undefined && keyAt >= 0) this.#keyField = this.#fields[keyAt]
    this.#timestamp = lengths.oneOrEach('timestamp', timestamp)
    this.#partition =
      partition === undefined ? undefined : lengths.oneOrEach('partition', partition)
    this.count = lengths.count ?? 0
  }

  encode(index: number): void {
    if (this.#values !== undefined) this.#encodeWhole(this.#values[index], index)
    else this.#encodeColumns(index)
    const timestamp = this.#timestamp
    this.putTimestamp(typeof timestamp === 'number' ? timestamp : (timestamp[index] as number))
    const partition = this.#partition
    this.partition =
      typeof partition === 'object' ? (partition[index] as number) : (partition as number)
  }

  #encodeColumns(index: number): void {
    if (isWritten(this.#write!, this.scratch, this.#fields, index)) this.putScratch()
    else this.putValue(this.#eventAt(index))
    if (this.#key !== undefined) this.putKey((this.#key[index] ?? null) as K | null)
    else if (this.#keyField !== undefined) this.putKeyField(this.#keyField[index])
    else this.putKey(null)
  }

  #encodeWhole(value: V, index: number): void {
    const write = this.#writeEvent
    if (write !== undefined && isWritten(write, this.scratch, value, index)) this.putScratch()
    else this.putValue(value)
    const { keyedBy } = this.#topic.options
    if (this.#key !== undefined) this.putKey((this.#key[index] ?? null) as K | null)
    else if (keyedBy === undefined) this.putKey(null)
    else this.putKeyField((value as Record<string, unknown> | null)?.[keyedBy])
  }

  /** The record as an object, for the codec to say what is wrong with it. */
  #eventAt(index: number): V {
    const entries = this.#topic.schema!.fields.map(
      ([name], field) => [name, this.#fields[field]?.[index]] as const,
    )
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as V
  }
}

function fieldColumns(
  schema: RecordSchema,
  given: Record<string, unknown>,
  lengths: Lengths,
): FieldColumns {
  const names = new Set(schema.fields.map(([name]) => name))
  const other = Object.keys(given).find((name) => !names.has(name))
  if (other !== undefined) throw lengths.invalid(`${schema.name} has no field ${other}`)
  return schema.fields.map(([name, field]) => {
    const column = Object.hasOwn(given, name) ? given[name] : undefined
    if (column !== undefined) return lengths.checked(`${schema.name}.${name}`, column)
    if (field.optional) return undefined
    throw lengths.invalid(`${schema.name}.${name}: there is no such column`)
  })
}

/** Sees to it that all columns are as long as the first. */
class Lengths {
  count: number | undefined
  readonly #topic: string

  constructor(topic: string) {
    this.#topic = topic
  }

  checked(name: string, column: unknown): Column {
    const isColumn = Array.isArray(column) || (ArrayBuffer.isView(column) && 'length' in column)
    if (!isColumn) throw this.invalid(`${name}: expected an array or a typed array`)
    const { length } = column as Column
    this.count ??= length
    if (length !== this.count)
      throw this.invalid(`${name} has ${length} rows, the column before it has ${this.count}`)
    return column as Column
  }

  oneOrEach(name: string, given: unknown): number | Column {
    return typeof given === 'number' ? given : this.checked(name, given)
  }

  invalid(message: string): EuphorionError {
    return new EuphorionError('RECORD_INVALID', message, { place: { topic: this.#topic } })
  }
}
