// Makes the plan of a declared aggregation, and refuses what cannot be planned. Called by
// aggregation.ts.
import { EuphorionError } from '../errors.ts'
import type {
  AggregatePlan,
  AggregationPlan,
  Column,
  KeySource,
  TimeSource,
  WindowPlan,
} from '../kernel/plan.ts'
import type { Codec } from '../record/codec.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'
import type { AggregateMap } from './aggregates.ts'
import { type AnyColumn, type Condition, columnTypeOf, predicateOf } from './columns.ts'

/** The topic as the declaration needs it. */
export interface StreamSource<Key> {
  readonly name: string
  readonly key: Codec<Key>
  /** Undefined where values are no records: then only counting by the record's key is possible. */
  readonly value: RecordSchema | undefined
  /** Fields of the value that the record's key is made of. */
  readonly keyedBy?: readonly string[]
  /** Declared number of partitions, if the program declares it. */
  readonly partitions?: number
  readonly maxFutureMs: number
}

/** What the methods of the chain have gathered. */
export interface Parts {
  readonly where: Condition | undefined
  readonly keyBy: readonly string[] | undefined
  readonly time: string | undefined
  readonly window: WindowPlan | undefined
}

/** A field of the record itself; throws APP_INVALID where columns cannot hold it. */
export function topField(source: StreamSource<unknown>, name: string, user: string): Column {
  const fields = source.value?.fields ?? []
  const type = columnTypeOf(fields.find(([field]) => field === name)?.[1])
  if (type === undefined) {
    const usable = fields.filter(([, schema]) => columnTypeOf(schema) !== undefined)
    const names = usable.map(([field]) => field).join(', ') || 'none'
    throw new EuphorionError(
      'APP_INVALID',
      `${user}('${name}'): no such field of ${source.name} that a column can hold; there are: ${names}`,
    )
  }
  return { path: [name], type }
}

/**
 * Equal keys must be in one partition: they are if what the topic is keyed by is part of the key.
 */
export function checkPartitioning(source: StreamSource<unknown>, names: readonly string[]): void {
  if (source.partitions === 1) return
  const keyedBy = source.keyedBy ?? []
  if (keyedBy.length > 0 && keyedBy.every((field) => names.includes(field))) return
  const known =
    keyedBy.length > 0 ? `it is keyed by ${keyedBy.join(', ')}` : 'its partitioning is not declared'
  throw new EuphorionError(
    'PARTITIONING_UNKNOWN',
    `keyBy(${names.join(', ')}) on topic ${source.name}: ${known}`,
    { place: { topic: source.name } },
  )
}

/** The plan of what was declared. */
export function planOf(
  source: StreamSource<unknown>,
  parts: Parts,
  name: string,
  out: AggregateMap,
): AggregationPlan {
  checkNames(name, out)
  const columns = new ColumnList(source)
  const key = parts.keyBy?.map((field) => columns.indexOf(topField(source, field, 'keyBy')))
  const time: TimeSource =
    parts.time === undefined
      ? { from: 'record' }
      : { from: 'column', column: columns.indexOf(topField(source, parts.time, 'time')) }
  const where =
    parts.where && predicateOf(parts.where, (column: AnyColumn) => columns.indexOf(column))
  const aggregates = Object.entries(out).map(([field, { fn, column }]): AggregatePlan => {
    return { name: field, fn, column: column === undefined ? -1 : columns.indexOf(column) }
  })
  return {
    name,
    value: source.value && requiredRecord(source.value),
    columns: columns.all,
    where,
    key: key === undefined ? recordKey(source) : { from: 'columns', columns: key },
    time,
    window: parts.window,
    aggregates,
    maxFutureMs: source.maxFutureMs,
  }
}

/**
 * Cells are told apart by their bytes, and that is what equal keys of these types have in common;
 * as JSON, 7 and 7.0 are two texts, and any bytes may come.
 */
function recordKey({ name: topic, key }: StreamSource<unknown>): KeySource {
  if (key.name === 'text') return { from: 'record', isText: true }
  if (key.name === 'raw' || key.name === 'bytes') return { from: 'record' }
  const types = 'or give the topic a key of type string(), bytes() or raw()'
  const message = `the records' keys are of type ${key.name}: aggregate by a field, ${types}`
  throw new EuphorionError('APP_INVALID', message, { place: { topic } })
}

/** Aggregations count no null values, also where agents may see them. */
function requiredRecord({ type, name, fields }: RecordSchema): RecordSchema {
  return { type, name, fields }
}

const TABLE_NAME = /^[A-Za-z0-9._-]{1,200}$/

function checkNames(name: string, out: AggregateMap): void {
  if (!TABLE_NAME.test(name))
    throw new EuphorionError(
      'APP_INVALID',
      `aggregate('${name}'): a name has 1 to 200 of the characters a-z A-Z 0-9 . _ -`,
    )
  const fields = Object.keys(out)
  const reserved = fields.find((field) => ['key', 'start', 'end', '__proto__'].includes(field))
  if (reserved !== undefined)
    throw new EuphorionError('APP_INVALID', `${name}.${reserved}: this name of a field is reserved`)
  if (fields.length === 0)
    throw new EuphorionError('APP_INVALID', `aggregate('${name}'): give at least one aggregate`)
}

/** The columns that a plan reads, each once. */
class ColumnList {
  readonly all: Column[] = []
  readonly #schema: RecordSchema | undefined
  readonly #places = new Map<string, number>()

  constructor(source: StreamSource<unknown>) {
    this.#schema = source.value
  }

  indexOf({ path, type }: AnyColumn): number {
    const id = JSON.stringify(path)
    let place = this.#places.get(id)
    if (place === undefined) {
      this.#check(path, type)
      place = this.all.push({ path, type }) - 1
      this.#places.set(id, place)
    }
    return place
  }

  /** A reference may come from another stream's `v`. */
  #check(path: readonly string[], type: string): void {
    let schema: FieldSchema | undefined = this.#schema
    for (const name of path)
      schema =
        schema?.type === 'record' ? schema.fields.find(([field]) => field === name)?.[1] : undefined
    if (schema?.type !== type)
      throw new EuphorionError(
        'APP_INVALID',
        `${path.join('.')}: the topic's record has no such field of type ${type}`,
      )
  }
}
