// Plans of aggregations over the record of every type, and runs of them compared with the naive
// reference. For the contract of kernels.
import assert from 'node:assert/strict'
import type { LaneOptions } from '../../src/kernel/lane.ts'
import type { AggregatePlan, AggregationPlan, Column, WindowPlan } from '../../src/kernel/plan.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { batchOf } from './batches.ts'
import { everythingSchema } from './documents.ts'
import { fixedClock, LaneJob, type LaneUnderTest } from './lane_job.ts'
import { differenceOf, type NaiveResult, naive } from './naive.ts'

/** `tight`: as little room for cells, rows and rejects as the kernel can work in. */
export type MakeLane = (options: LaneOptions, room: 'tight' | 'wide') => Promise<LaneUnderTest>

export const NOW_MS = 1_700_000_100_000

/** Columns of everythingSchema by name. */
export const columns = {
  text: { path: ['text'], type: 'string' },
  other: { path: ['other'], type: 'string' },
  whole: { path: ['whole'], type: 'integer' },
  wide: { path: ['wide'], type: 'int64' },
  float: { path: ['float'], type: 'float64' },
  single: { path: ['single'], type: 'float32' },
  flag: { path: ['flag'], type: 'boolean' },
  time: { path: ['time'], type: 'timestamp' },
  maybe: { path: ['maybe'], type: 'integer' },
  bigMaybe: { path: ['bigMaybe'], type: 'int64' },
  city: { path: ['place', 'city'], type: 'string' },
  x: { path: ['place', 'at', 'x'], type: 'float64' },
  zip: { path: ['place', 'zip'], type: 'integer' },
} as const satisfies Record<string, Column>

export type ColumnName = keyof typeof columns
export const columnNames = Object.keys(columns) as ColumnName[]
export const at = (name: ColumnName): number => columnNames.indexOf(name)

export const numericNames: readonly ColumnName[] = [
  'whole',
  'wide',
  'float',
  'single',
  'time',
  'maybe',
  'bigMaybe',
  'x',
  'zip',
]

export const count: AggregatePlan = { name: 'views', fn: 'count', column: -1 }

/** Sum, min, max and mean of the column. */
export function every(name: ColumnName): AggregatePlan[] {
  return (['sum', 'min', 'max', 'mean'] as const).map((fn) => ({
    name: `${fn} of ${name}`,
    fn,
    column: at(name),
  }))
}

export const tumbling = (sizeMs: number, graceMs = 0): WindowPlan =>
  hopping(sizeMs, sizeMs, graceMs)
export const hopping = (sizeMs: number, stepMs: number, graceMs = 0): WindowPlan => ({
  sizeMs,
  stepMs,
  graceMs,
  retentionMs: 0,
})

/** Counts by text over all time unless the parts say otherwise. */
export function planOf(parts: Partial<AggregationPlan> = {}): AggregationPlan {
  return {
    name: 'results',
    value: everythingSchema,
    columns: Object.values(columns),
    where: undefined,
    key: { from: 'columns', columns: [at('text')] },
    time: { from: 'record' },
    window: undefined,
    aggregates: [count],
    maxFutureMs: 60_000,
    ...parts,
  }
}

/** Counts by the record's key at the record's time; values are not read. */
export const byKey = (parts: Partial<AggregationPlan> = {}): AggregationPlan =>
  planOf({ value: undefined, columns: [], key: { from: 'record' }, ...parts })

export const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'))

/** A record of byKey plans. */
export const keyed = (offset: number, timestamp: number, key: string | null): StoredRecord => ({
  offset,
  timestamp,
  key: key === null ? null : utf8(key),
  value: null,
})

export function laneOptions(plan: AggregationPlan, parts: Partial<LaneOptions> = {}): LaneOptions {
  return {
    plan,
    table: 7,
    onBadRecord: 'dead-letter',
    collectLate: true,
    clock: fixedClock(NOW_MS),
    ...parts,
  }
}

/** A job on a new lane at offset 0; closes it afterwards. */
export async function withJob(
  make: MakeLane,
  options: LaneOptions,
  run: (job: LaneJob) => Promise<void>,
  room: 'tight' | 'wide' = 'wide',
): Promise<void> {
  const job = new LaneJob(await make(options, room), options)
  try {
    await run(job)
  } finally {
    await job.close()
  }
}

/** Compares results, counters and rejects of a job that is cut with the naive reference's. */
export function compare(job: LaneJob, records: readonly StoredRecord[]): NaiveResult {
  const expected = naive(job.options.plan, [records], NOW_MS)
  const { rejects, ...counters } = expected.partitions[0]
  assert.deepEqual(
    job.rejects.map(({ offset, reason }) => ({ offset, reason })),
    rejects,
  )
  assert.deepEqual(job.lane.counters(), counters)
  assert.equal(differenceOf(job.results(), expected.rows), undefined)
  return expected
}

/** Feeds the records in batches of `batchRecords`, cuts, and compares with the naive reference. */
export async function checkPlan(
  make: MakeLane,
  plan: AggregationPlan,
  records: readonly StoredRecord[],
  batchRecords = 100,
): Promise<NaiveResult> {
  let result: NaiveResult | undefined
  await withJob(make, laneOptions(plan), async (job) => {
    for (let from = 0; from < records.length; from += batchRecords)
      assert.equal(await job.feed(batchOf(records.slice(from, from + batchRecords))), 'done')
    await job.cut()
    result = compare(job, records)
  })
  return result!
}
