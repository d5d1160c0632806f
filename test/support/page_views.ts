// The page-view workload as records and plans, and its expected results by the naive reference.
import type { AggregationPlan } from '../../src/kernel/plan.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import { pageViewSchema } from './documents.ts'
import { type NaiveResult, naive } from './naive.ts'
import { count, hopping, tumbling } from './plans.ts'

const byUrl: AggregationPlan = {
  name: 'page-views',
  value: pageViewSchema,
  columns: [
    { path: ['url'], type: 'string' },
    { path: ['ms'], type: 'float64' },
    { path: ['ts'], type: 'timestamp' },
  ],
  where: undefined,
  key: { from: 'columns', columns: [0] },
  time: { from: 'column', column: 2 },
  window: undefined,
  aggregates: [count],
  maxFutureMs: 60_000,
}

/** The workloads: count in tumbling windows; count, sum, min, max in hopping ones; total count. */
export const pageViewPlans = {
  w1: { ...byUrl, window: tumbling(10_000, 5000) },
  w2: {
    ...byUrl,
    window: hopping(60_000, 10_000, 5000),
    aggregates: [
      count,
      { name: 'total', fn: 'sum', column: 1 },
      { name: 'fastest', fn: 'min', column: 1 },
      { name: 'slowest', fn: 'max', column: 1 },
    ],
  },
  w3: byUrl,
} as const satisfies Record<string, AggregationPlan>

/** The records of one partition, made from the events and not from the batches. */
export function* pageViewRecords(
  options: PageViewOptions,
  partition: number,
): Generator<StoredRecord> {
  const views = new PageViews(options)
  let offset = 0
  for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent()) {
    const key = new Uint8Array(Buffer.from(view.url))
    if (partitionOfKey(key, options.partitions ?? 4) !== partition) continue
    const value = new Uint8Array(Buffer.from(JSON.stringify(view)))
    yield { offset: offset++, timestamp: view.ts, key, value }
  }
}

/** About 10 µs an event. */
export function expectedPageViews(options: PageViewOptions, plan: AggregationPlan): NaiveResult {
  const partitions = Array.from({ length: options.partitions ?? 4 }, (_, partition) =>
    pageViewRecords(options, partition),
  )
  return naive(plan, partitions, Number.MAX_SAFE_INTEGER)
}
