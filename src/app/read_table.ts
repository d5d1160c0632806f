// Reads the table of a declared aggregation, from a running engine's stores or from those on disk.
import type { AggregationDefinition, TableReader } from '../ingest/aggregation.ts'
import { stateLayout } from '../kernel/state.ts'
import type { TablePart } from '../table/cell.ts'
import { openTable } from '../table/table.ts'

/** `parts` are the partitions that are here. */
export function readTable(
  { plan, keys }: AggregationDefinition,
  parts: ReadonlyMap<number, TablePart>,
): TableReader {
  const table = openTable<unknown>({
    name: plan.name,
    parts,
    layout: stateLayout(plan),
    window: plan.window,
    encodeKey: keys.encode,
    decodeKey: keys.decode,
  })
  return table as unknown as TableReader
}
