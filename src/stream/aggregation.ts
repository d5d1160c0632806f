// The declared aggregation: a chain of where, keyBy, time and window that ends in aggregate, and
// the plan that it makes. App creates it (`app.stream(topic)`) and takes what it declares.
import { EuphorionError } from '../errors.ts'
import type { AggregationPlan, WindowPlan } from '../kernel/plan.ts'
import type { FieldMap, KindOf } from '../record/fields.ts'
import type { AggregateMap, Results } from './aggregates.ts'
import { type CellKeys, cellKeys } from './cell_keys.ts'
import {
  and,
  type ColumnsOf,
  type ColumnValues,
  type Condition,
  columnsOf,
  type FieldsOfType,
} from './columns.ts'
import { checkPartitioning, type Parts, planOf, type StreamSource, topField } from './plan.ts'

type Flat<T> = { [Name in keyof T]: T[Name] }

/** A row of results: the key, with windows the window's bounds in ms, and the aggregates. */
export type Row<Key, Out, Windowed extends boolean> = Flat<
  (Windowed extends true ? { key: Key; start: number; end: number } : { key: Key }) & Out
>

type FieldValue<Fields extends FieldMap, Name extends keyof Fields> =
  KindOf<Fields[Name]> extends infer Kind extends keyof ColumnValues ? ColumnValues[Kind] : never

/** The key of one field is its value; of several, an object of them. */
export type KeyOf<
  Fields extends FieldMap,
  Names extends readonly (keyof Fields)[],
> = Names extends readonly [infer Only extends keyof Fields]
  ? FieldValue<Fields, Only>
  : { [Name in Names[number]]: FieldValue<Fields, Name> }

/**
 * What `aggregate` returns is the app's to say: an interface that extends this one and whose
 * `handle` is made of `this['key']`, `this['row']` and `this['windowed']`.
 */
export interface HandleOf {
  readonly key: unknown
  readonly row: unknown
  readonly windowed: boolean
  readonly handle: unknown
}

type Handle<Of extends HandleOf, Key, Row, Windowed> = (Of & {
  readonly key: Key
  readonly row: Row
  readonly windowed: Windowed
})['handle']

/** What a program has declared; the app keeps it until it starts. */
export interface DeclaredAggregation {
  readonly topic: string
  readonly plan: AggregationPlan
  readonly keys: CellKeys
}

type Register = (declared: DeclaredAggregation) => unknown

/** Names of the fields that can make a key. */
type KeyName<Fields extends FieldMap> = FieldsOfType<Fields, keyof ColumnValues>

/**
 * The beginning of a declared aggregation over a topic whose values have `Fields`. `register` is
 * called once for each aggregation and gives what `aggregate` returns.
 */
export function declareStream<Fields extends FieldMap, Key, Of extends HandleOf>(
  source: StreamSource<Key>,
  register: Register,
): DeclaredStream<Fields, NonNullable<Key>, false, Of> {
  const parts = { where: undefined, keyBy: undefined, time: undefined, window: undefined }
  return new DeclaredStream(source as StreamSource<unknown>, register, parts)
}

/** An aggregation in the making. Never changed: every method returns another one. */
export class DeclaredStream<
  Fields extends FieldMap,
  Key,
  Windowed extends boolean,
  Of extends HandleOf,
> {
  readonly #source: StreamSource<unknown>
  readonly #register: Register
  readonly #parts: Parts

  constructor(source: StreamSource<unknown>, register: Register, parts: Parts) {
    this.#source = source
    this.#register = register
    this.#parts = parts
  }

  /** Only records for which the condition holds. Several calls: all of them. */
  where(
    condition: (columns: ColumnsOf<Fields>) => Condition,
  ): DeclaredStream<Fields, Key, Windowed, Of> {
    const added = condition(this.#columns())
    const where = this.#parts.where === undefined ? added : and(this.#parts.where, added)
    return this.#with({ where })
  }

  /**
   * One result for each value of the field or the fields; without it, for each key of the topic's
   * records. Throws PARTITIONING_UNKNOWN unless the topic is keyed by (some of) these fields or has
   * one partition.
   */
  keyBy<const Names extends readonly [KeyName<Fields>, ...KeyName<Fields>[]]>(
    ...names: Names
  ): DeclaredStream<Fields, KeyOf<Fields, Names>, Windowed, Of> {
    for (const name of names) topField(this.#source, name, 'keyBy')
    if (names.length === 0 || new Set(names).size < names.length)
      throw new EuphorionError(
        'APP_INVALID',
        `keyBy(${names.join(', ')}): give one or several different fields`,
      )
    checkPartitioning(this.#source, names)
    return this.#with({ keyBy: names })
  }

  /** Takes the time of a record from this field. Default: the record's own timestamp. */
  time(
    field: FieldsOfType<Fields, 'timestamp' | 'integer'>,
  ): DeclaredStream<Fields, Key, Windowed, Of> {
    const { type } = topField(this.#source, field, 'time')
    if (type !== 'timestamp' && type !== 'integer')
      throw new EuphorionError('APP_INVALID', `time('${field}'): is of type ${type}, no timestamp`)
    return this.#with({ time: field })
  }

  /** Results for each window; without it, one for ever. */
  window(plan: WindowPlan): DeclaredStream<Fields, Key, true, Of> {
    return this.#with({ window: plan })
  }

  /**
   * Ends the declaration: the table of results is called `name`, its rows have the key, the bounds
   * of the window and one field for each aggregate. Throws APP_INVALID for a name that a table or a
   * field of a row cannot have.
   */
  aggregate<Out extends AggregateMap>(
    name: string,
    aggregates: (columns: ColumnsOf<Fields>) => Out,
  ): Handle<Of, Key, Row<Key, Results<Out>, Windowed>, Windowed> {
    const plan = planOf(this.#source, this.#parts, name, aggregates(this.#columns()))
    const keys = cellKeys(plan, this.#source.key)
    const handle = this.#register({ topic: this.#source.name, plan, keys })
    return handle as Handle<Of, Key, Row<Key, Results<Out>, Windowed>, Windowed>
  }

  #with<K, W extends boolean>(change: Partial<Parts>): DeclaredStream<Fields, K, W, Of> {
    return new DeclaredStream(this.#source, this.#register, { ...this.#parts, ...change })
  }

  #columns(): ColumnsOf<Fields> {
    const { value } = this.#source
    return (value === undefined ? {} : columnsOf(value)) as ColumnsOf<Fields>
  }
}
