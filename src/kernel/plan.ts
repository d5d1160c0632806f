// A declared aggregation as plain data: the one description that the TypeScript reference, the
// WebAssembly kernels and the tables read. Made by stream/aggregation.ts from what the user wrote.
import type { RecordSchema } from '../record/schema.ts'

/** Types that a kernel can hold in a column. */
export type ColumnType =
  | 'boolean'
  | 'integer'
  | 'int64'
  | 'float64'
  | 'float32'
  | 'string'
  | 'timestamp'

/** A field that the plan reads. `path` has several names for a field of a nested record. */
export interface Column {
  readonly path: readonly string[]
  readonly type: ColumnType
}

/**
 * `column` is an index into columns. A comparison with a missing or null field is false (and its
 * `not` true). Strings compare by bytes and only for equality.
 */
export type Predicate =
  | { readonly op: 'and' | 'or'; readonly of: readonly Predicate[] }
  | { readonly op: 'not'; readonly of: Predicate }
  | {
      readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'
      readonly column: number
      /** number for integer, float64, float32, timestamp; bigint for int64. */
      readonly value: string | number | bigint | boolean
    }
  | { readonly op: 'present'; readonly column: number }

/**
 * Where the key of a cell comes from: the record's key bytes (of a text: UTF-8, or the record is
 * bad), or columns in order.
 */
export type KeySource =
  | { readonly from: 'record'; readonly isText?: boolean }
  | { readonly from: 'columns'; readonly columns: readonly number[] }

/**
 * Where event time comes from: the record's timestamp, or a column of type timestamp or integer.
 */
export type TimeSource =
  | { readonly from: 'record' }
  | { readonly from: 'column'; readonly column: number }

/**
 * Windows [start, start + sizeMs) at multiples of stepMs (tumbling: step = size; windows may begin
 * before the epoch). A record belongs to a window iff window end + graceMs > stream time.
 */
export interface WindowPlan {
  readonly sizeMs: number
  /** 1 ≤ stepMs ≤ sizeMs. */
  readonly stepMs: number
  readonly graceMs: number
  /** Cells are kept until stream time passes window end + grace + this. */
  readonly retentionMs: number
}

export type AggregateFunction = 'count' | 'sum' | 'min' | 'max' | 'mean'

/** One output field. Missing and null values of the column are not counted in. */
export interface AggregatePlan {
  readonly name: string
  readonly fn: AggregateFunction
  /** Index into columns; -1 for count. */
  readonly column: number
}

export interface AggregationPlan {
  /** Name of the table of results. */
  readonly name: string
  /**
   * Shape of the JSON values; undefined where values are not read (every value, null too, is good).
   */
  readonly value: RecordSchema | undefined
  readonly columns: readonly Column[]
  readonly where: Predicate | undefined
  readonly key: KeySource
  readonly time: TimeSource
  /** Undefined: one cell a key, for ever. */
  readonly window: WindowPlan | undefined
  readonly aggregates: readonly AggregatePlan[]
  /** A record whose time is later than the wall clock by more than this is bad. */
  readonly maxFutureMs: number
}

/**
 * Why a record was not counted. The numbers are shared with assembly/reasons.ts. What the record's
 * schema declares is checked for every declared field, read by the plan or not.
 */
export const reasons = {
  'invalid-json': 1,
  'invalid-utf8': 2,
  'not-an-object': 3,
  'missing-field': 4,
  'wrong-type': 5,
  'null-value': 6,
  'null-key': 7,
  'time-negative': 8,
  'time-in-future': 9,
  'key-too-long': 10,
  late: 20,
} as const

export type Reason = keyof typeof reasons

const reasonNames = new Map<number, Reason>(
  Object.entries(reasons).map(([name, code]) => [code, name as Reason]),
)

export function reasonName(code: number): Reason {
  const name = reasonNames.get(code)
  if (name === undefined) throw new RangeError(`reason ${code}`)
  return name
}
