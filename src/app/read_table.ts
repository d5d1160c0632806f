// Reads the table of an aggregation, from a running engine's stores or from those on disk.
import type { AggregationDefinition, KeyCodec, TableReader } from '../ingest/aggregation.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import type { StateLayout } from '../kernel/state.ts'
import type { TablePart } from '../table/cell.ts'
import { openTable } from '../table/table.ts'
import type { PartitionTask } from './partition_task.ts'

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

/** The stores of a table, on those partitions that are open now. */
export function tableParts(
  tasks: Iterable<PartitionTask>,
  { topic, plan }: AggregationDefinition,
): ReadonlyMap<number, TablePart> {
  const parts = new Map<number, TablePart>()
  for (const { intake, store, lanes } of tasks) {
    const lane = lanes.find(({ aggregation }) => aggregation.plan.name === plan.name)
    if (intake.topic !== topic || store === undefined || lane === undefined) continue
    parts.set(intake.partition, { store, number: lane.table })
  }
  return parts
}
