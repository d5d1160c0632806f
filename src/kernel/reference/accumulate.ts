// Adds the columns of one record to the state of its cell. The oracle of assembly/aggregate.ts:
// the same additions in the same order, so that the bytes of the states are equal.
import { addDouble, addInteger } from '../aggregates.ts'
import type { StateField, StateLayout } from '../state.ts'

/** Value of a column of one record; null where the field is null or missing. */
export type ColumnValue = string | number | bigint | boolean | null

function increment(view: DataView, at: number): void {
  const low = view.getUint32(at, true) + 1
  view.setUint32(at, low >>> 0, true)
  if (low > 0xffffffff) view.setUint32(at + 4, view.getUint32(at + 4, true) + 1, true)
}

function keepInteger(view: DataView, at: number, value: bigint, max: boolean): void {
  const best = view.getBigInt64(at, true)
  const none = view.getBigUint64(at + 8, true) === 0n
  if (none || (max ? value > best : value < best)) view.setBigInt64(at, value, true)
  increment(view, at + 8)
}

/** -0 is smaller than 0, so that the result does not depend on who came first. */
function keepFloat(view: DataView, at: number, value: number, max: boolean): void {
  const best = view.getFloat64(at, true)
  const next = Number.isNaN(best) ? value : max ? Math.max(best, value) : Math.min(best, value)
  view.setFloat64(at, next, true)
}

function accumulateField(field: StateField, view: DataView, at: number, value: ColumnValue): void {
  const { kind } = field
  if (kind === 'count') increment(view, at)
  else if (kind === 'minFloat' || kind === 'maxFloat')
    keepFloat(view, at, value as number, kind === 'maxFloat')
  else if (kind === 'minInteger' || kind === 'maxInteger')
    keepInteger(view, at, value as bigint, kind === 'maxInteger')
  else {
    if (kind === 'sumFloat' || kind === 'meanFloat') addDouble(view, at, value as number, 0)
    else addInteger(view, at, value as number | bigint)
    if (kind === 'meanFloat' || kind === 'meanInteger') increment(view, at + 16)
  }
}

/** Adds one record. Null values are left out; count counts every record. */
export function accumulate(
  layout: StateLayout,
  view: DataView,
  at: number,
  values: readonly ColumnValue[],
): void {
  for (const field of layout.fields) {
    const value = field.column < 0 ? 0 : values[field.column]
    if (value !== null) accumulateField(field, view, at + field.offset, value)
  }
}
