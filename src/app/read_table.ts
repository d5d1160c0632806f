// Reads the table of an aggregation from stores on disk. Called by stored_table.ts.
import type { KeyCodec, TableReader } from '../ingest/aggregation.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import type { StateLayout } from '../kernel/state.ts'
import type { TablePart } from '../table/cell.ts'
import { openTable } from '../table/table.ts'

export interface ReadableTable {
  readonly name: string
  readonly layout: StateLayout
  readonly window: WindowPlan | undefined
  readonly keys: KeyCodec
}

/** `parts` are the partitions that are here. */
export function readTable(
  { name, layout, window, keys }: ReadableTable,
  parts: ReadonlyMap<number, TablePart>,
): TableReader {
  const { encode: encodeKey, decode: decodeKey } = keys
  const table = openTable<unknown>({ name, parts, layout, window, encodeKey, decodeKey })
  return table as unknown as TableReader
}
