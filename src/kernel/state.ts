// The bytes of a cell's state: the aggregates of a plan one after the other, little-endian, each a
// multiple of 8 bytes. Shared with assembly/aggregate.ts; merge and finish are in aggregates.ts.
//
//   count                 u64
//   sum, float columns    f64 high, f64 low      (double-double, normalised: high = fl(high + low))
//   sum, integer columns  i128: u64 low, i64 high  (integer, timestamp, int64)
//   min, max              f64; NaN while no value  (float64, float32, integer, timestamp)
//   min, max of int64     i64, u64 number of values seen
//   mean                  as sum, then u64 number of values
import type { AggregatePlan, AggregationPlan, ColumnType } from './plan.ts'

export type StateKind =
  | 'count'
  | 'sumFloat'
  | 'sumInteger'
  | 'minFloat'
  | 'maxFloat'
  | 'minInteger'
  | 'maxInteger'
  | 'meanFloat'
  | 'meanInteger'

/** Bytes and kernel code of each kind. */
export const stateKinds: Readonly<Record<StateKind, { bytes: number; code: number }>> = {
  count: { bytes: 8, code: 1 },
  sumFloat: { bytes: 16, code: 2 },
  sumInteger: { bytes: 16, code: 3 },
  minFloat: { bytes: 8, code: 4 },
  maxFloat: { bytes: 8, code: 5 },
  minInteger: { bytes: 16, code: 6 },
  maxInteger: { bytes: 16, code: 7 },
  meanFloat: { bytes: 24, code: 8 },
  meanInteger: { bytes: 24, code: 9 },
}

export interface StateField {
  readonly name: string
  readonly kind: StateKind
  /** Type of the column, undefined for count. */
  readonly type: ColumnType | undefined
  readonly column: number
  /** Byte offset in the state. */
  readonly offset: number
}

export interface StateLayout {
  readonly fields: readonly StateField[]
  readonly bytes: number
}

function kindOf(aggregate: AggregatePlan, type: ColumnType | undefined): StateKind {
  if (aggregate.fn === 'count') return 'count'
  const whole = type === 'integer' || type === 'timestamp' || type === 'int64'
  if (aggregate.fn === 'sum') return whole ? 'sumInteger' : 'sumFloat'
  if (aggregate.fn === 'mean') return whole ? 'meanInteger' : 'meanFloat'
  const exact = type === 'int64'
  if (aggregate.fn === 'min') return exact ? 'minInteger' : 'minFloat'
  return exact ? 'maxInteger' : 'maxFloat'
}

/** Where each aggregate of the plan lies in a cell's state. */
export function stateLayout(plan: AggregationPlan): StateLayout {
  let offset = 0
  const fields = plan.aggregates.map((aggregate): StateField => {
    const type = aggregate.column < 0 ? undefined : plan.columns[aggregate.column].type
    const kind = kindOf(aggregate, type)
    const field = { name: aggregate.name, kind, type, column: aggregate.column, offset }
    offset += stateKinds[kind].bytes
    return field
  })
  return { fields, bytes: offset }
}

/** The state of a cell that has seen nothing. */
export function emptyState(layout: StateLayout): Uint8Array {
  const state = new DataView(new ArrayBuffer(layout.bytes))
  for (const field of layout.fields) {
    if (field.kind === 'minFloat' || field.kind === 'maxFloat')
      state.setFloat64(field.offset, Number.NaN, true)
  }
  return new Uint8Array(state.buffer)
}
