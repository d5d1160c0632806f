// Reads columns from decoded events: for the reference lane, and for batches of agents.
import type { AggregationPlan } from '../plan.ts'
import type { ColumnValue } from './accumulate.ts'

type Read = (event: unknown) => ColumnValue

/** The own property, or undefined; `event` may be undefined or null on the way down a path. */
function member(event: unknown, name: string): unknown {
  if (typeof event !== 'object' || event === null || !Object.hasOwn(event, name)) return undefined
  return (event as Record<string, unknown>)[name]
}

/** null where a field on the path is null or missing. */
export function fieldReader(path: readonly string[]): Read {
  const [first, ...rest] = path
  if (rest.length === 0) return (event) => (member(event, first) ?? null) as ColumnValue
  const inner = fieldReader(rest)
  return (event) => inner(member(event, first))
}

/** Writes the columns of `event` into `values`; null where a field is null or missing. */
export function columnsReader(
  plan: AggregationPlan,
): (event: unknown, values: ColumnValue[]) => void {
  const readers = plan.columns.map((column) => fieldReader(column.path))
  return (event, values) => {
    for (let column = 0; column < readers.length; column++) values[column] = readers[column](event)
  }
}
