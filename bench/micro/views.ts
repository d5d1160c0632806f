// Page views in memory, as fetches bring them, and lanes that count them. Used by the parts that
// work on batches.
import assert from 'node:assert/strict'
import type { SharedMemory } from '../../src/batch/memory.ts'
import { BatchTemplates, Region, type SharedBatch } from '../../src/batch/region.ts'
import { systemClock } from '../../src/clock.ts'
import type { Executor } from '../../src/kernel/executor.ts'
import type { BatchRef, LaneKernel, LaneOptions } from '../../src/kernel/lane.ts'
import type { AggregationPlan } from '../../src/kernel/plan.ts'
import { WasmLane } from '../../src/kernel/wasm_lane.ts'
import { resolveSettings } from '../../src/settings.ts'
import { aggregationOf } from '../../src/tune/bench_run.ts'
import type { Workload } from '../../src/tune/bench_spec.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import { writeInt64 } from '../../src/wire/batch_header.ts'

const MIB = 1 << 20
/** Of what a batch may decompress to. */
export const inflatedBytesMax = 64 * MIB
const ARENA_BYTES_MAX = 64 * MIB

/** One RecordBatch of a partition. */
export interface ViewBatch {
  readonly partition: number
  readonly bytes: Uint8Array
  readonly firstOffset: number
  readonly records: number
}

/** All of them, at their offsets. */
export function viewBatches(options: PageViewOptions): readonly ViewBatch[] {
  const views = new PageViews(options)
  const offsets = new Map<number, number>()
  const batches: ViewBatch[] = []
  for (let batch = views.nextBatch(); batch !== undefined; batch = views.nextBatch()) {
    const { partition, records } = batch
    const bytes = batch.bytes.slice()
    const firstOffset = offsets.get(partition) ?? 0
    writeInt64(bytes, 0, firstOffset)
    offsets.set(partition, firstOffset + records)
    batches.push({ partition, bytes, firstOffset, records })
  }
  return batches
}

/** Puts a batch where kernels read it. */
export function placed(
  memory: SharedMemory,
  { partition, bytes, firstOffset, records }: ViewBatch,
): SharedBatch {
  const region = new Region(memory, bytes.length)
  region.target().set(bytes)
  const facts = { topic: 'views', partition, firstOffset, nextOffset: firstOffset + records }
  const counts = { recordCount: records, fetchedAtMs: 0 }
  return region.finish(new BatchTemplates(), { ...facts, ...counts }, bytes.length)
}

/** What W1, W2 and W3 declare. */
export function planOf(workload: Workload): AggregationPlan {
  const settings = resolveSettings({})
  return aggregationOf({ workload, topic: 'views', events: 0, settings }).plan
}

/** Counts records by their keys, for ever; values are not read. */
export const byKey: AggregationPlan = {
  name: 'views',
  value: undefined,
  columns: [],
  where: undefined,
  key: { from: 'record' },
  time: { from: 'record' },
  window: undefined,
  aggregates: [{ name: 'views', fn: 'count', column: -1 }],
  maxFutureMs: 3_600_000,
}

/** Of lanes of either kind. */
export function laneOptions(plan: AggregationPlan): LaneOptions {
  return { plan, table: 1, onBadRecord: 'skip', collectLate: false, clock: systemClock }
}

export function wasmLane(
  memory: SharedMemory,
  executor: Executor,
  plan: AggregationPlan,
  checkCrcs = true,
): WasmLane {
  const bounds = { checkCrcs, arenaBytesMax: ARENA_BYTES_MAX, inflatedBytesMax }
  return new WasmLane({ ...laneOptions(plan), ...bounds, memory, executor })
}

/** Makes room where a table is full. */
export async function consumeAll(lane: LaneKernel, batches: readonly BatchRef[]): Promise<void> {
  for (const batch of batches) {
    for (let status = await lane.consume(batch); status !== 'done'; ) {
      assert.equal(status, 'full')
      assert(await lane.grow(), 'no memory left')
      status = await lane.consume(batch)
    }
  }
}
