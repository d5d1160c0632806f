// What the tables of an app must hold: the reference kernel over all records that a partition ever
// got, in one go. Compared with stores and changelogs at the end of a simulation.

import { eachRow } from '../batch/rows.ts'
import type { Clock } from '../clock.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { LaneCounters } from '../kernel/lane.ts'
import { ReferenceLane } from '../kernel/reference/lane.ts'
import type { SimulatedPartition } from './simulated_partition.ts'

export interface ModelTable {
  /** Values by keys (in latin1, without the table's number). */
  readonly rows: ReadonlyMap<string, Buffer>
  readonly counters: LaneCounters
}

/** Bytes of a table's number at the beginning of a key. */
const NUMBER_BYTES = 2

export async function modelOf(
  { plan, onBadRecord }: AggregationDefinition,
  partition: SimulatedPartition,
  clock: Clock,
): Promise<ModelTable> {
  const options = { plan, table: 1, onBadRecord, collectLate: false, clock }
  const lane = new ReferenceLane(options, { drainBytes: 1 << 26, rejectsBytes: 1 << 26 })
  await lane.consume({ payload: partition.history(), address: 0 })
  await lane.drain()
  const rows = new Map<string, Buffer>()
  const drained = lane.rows()
  eachRow(drained, (_op, keyStart, keyEnd, valueEnd) => {
    const key = Buffer.from(drained.subarray(keyStart + NUMBER_BYTES, keyEnd)).toString('latin1')
    rows.set(key, Buffer.from(drained.subarray(keyEnd, valueEnd)))
  })
  return { rows, counters: lane.counters() }
}
