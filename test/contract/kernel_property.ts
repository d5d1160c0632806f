// The part of the kernels' contract that draws plans, records and histories at random: whatever is
// cut, evicted, lost and fed again, the results are those of the naive reference.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../src/clock.ts'
import type {
  AggregatePlan,
  AggregationPlan,
  Predicate,
  WindowPlan,
} from '../../src/kernel/plan.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { batchOf, concat } from '../support/batches.ts'
import { badDocument, everythingSchema, goodDocument } from '../support/documents.ts'
import type { LaneJob } from '../support/lane_job.ts'
import {
  at,
  type ColumnName,
  columnNames,
  columns,
  compare,
  laneOptions,
  numericNames,
  planOf,
  utf8,
  withJob,
} from '../support/plans.ts'
import { below, pick } from '../support/random_json.ts'
import type { Contract } from './kernel.ts'

const BASE_MS = 1_700_000_000_000

function randomWindow(random: Random): WindowPlan | undefined {
  if (random() < 0.2) return undefined
  const stepMs = 1 + below(random, 60)
  const sizeMs = pick(random, [
    stepMs,
    stepMs * (1 + below(random, 5)),
    stepMs + below(random, 200),
  ])
  return { sizeMs, stepMs, graceMs: pick(random, [0, 0, below(random, 150)]), retentionMs: 0 }
}

function randomAggregates(random: Random): AggregatePlan[] {
  return Array.from({ length: 1 + below(random, 6) }, (_, index): AggregatePlan => {
    const fn = pick(random, ['count', 'sum', 'min', 'max', 'mean'] as const)
    const column = fn === 'count' ? -1 : at(pick(random, numericNames))
    return { name: `a${index}`, fn, column }
  })
}

function randomComparison(random: Random): Predicate {
  const name = pick(random, columnNames)
  const column = at(name)
  if (random() < 0.2) return { op: 'present', column }
  const { type } = columns[name]
  const op = pick(random, ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const)
  if (type === 'string' || type === 'boolean') {
    const value = type === 'string' ? pick(random, ['a', '', 'ü', '/home']) : random() < 0.5
    return { op: random() < 0.5 ? 'eq' : 'ne', column, value }
  }
  if (type === 'int64') return { op, column, value: pick(random, [0n, 1n, 2n ** 53n + 1n, 120n]) }
  if (type === 'timestamp') return { op, column, value: BASE_MS + below(random, 400) }
  return { op, column, value: pick(random, [0, 1, 0.1, 50, 1000, -3]) }
}

function randomPredicate(random: Random, depth: number): Predicate {
  const kind = below(random, depth > 0 ? 6 : 3)
  if (kind < 3) return randomComparison(random)
  if (kind === 3) return { op: 'not', of: randomPredicate(random, depth - 1) }
  const of = Array.from({ length: 1 + below(random, 3) }, () => randomPredicate(random, depth - 1))
  return { op: kind === 4 ? 'and' : 'or', of }
}

function randomPlan(random: Random): AggregationPlan {
  const names: ColumnName[] = Array.from({ length: 1 + below(random, 3) }, () =>
    pick(random, random() < 0.6 ? ['text', 'flag', 'city'] : columnNames),
  )
  return planOf({
    window: randomWindow(random),
    aggregates: randomAggregates(random),
    where: random() < 0.4 ? randomPredicate(random, 2) : undefined,
    key: random() < 0.3 ? { from: 'record' } : { from: 'columns', columns: names.map(at) },
    time: random() < 0.5 ? { from: 'record' } : { from: 'column', column: at('time') },
  })
}

function randomRecords(random: Random, records: number): StoredRecord[] {
  const speed = pick(random, [0, 1, 5])
  const disorder = pick(random, [0, 20, 300])
  let offset = below(random, 1000)
  return Array.from({ length: records }, (_, index) => {
    offset += random() < 0.05 ? 1 + below(random, 5) : 1
    const time = BASE_MS + index * speed - below(random, disorder + 1)
    const timestamp = random() < 0.01 ? pick(random, [-1, 1e15]) : time
    const make = random() < 0.05 ? badDocument : goodDocument
    const value = random() < 0.02 ? null : make(everythingSchema, random, time)
    return { offset, timestamp, key: random() < 0.02 ? null : utf8(`k${below(random, 6)}`), value }
  })
}

/** Payloads of one to three batches of random sizes, each with the offset that follows it. */
function randomPayloads(
  random: Random,
  records: readonly StoredRecord[],
): { bytes: Uint8Array; next: number }[] {
  const payloads: { bytes: Uint8Array; next: number }[] = []
  for (let from = 0; from < records.length; ) {
    const batches: Uint8Array[] = []
    for (let batch = below(random, 3); batch >= 0 && from < records.length; batch--) {
      const to = from + 1 + below(random, 40)
      batches.push(batchOf(records.slice(from, to), pick(random, ['none', 'none', 'gzip', 'lz4'])))
      from = to
    }
    const next = records[Math.min(from, records.length) - 1].offset + 1
    payloads.push({ bytes: concat(batches), next })
  }
  return payloads
}

/** Newest slice among the stored rows, or that all of them may be there. */
function storedThrough(random: Random, job: LaneJob): number {
  if (job.options.plan.window === undefined || random() < 0.5) return Number.POSITIVE_INFINITY
  const starts = [...job.rows.keys()].map((key) =>
    Number(Buffer.from(key, 'latin1').readBigUInt64BE(2) - (1n << 63n)),
  )
  return Math.max(Number.NEGATIVE_INFINITY, ...starts)
}

async function randomHistory(
  random: Random,
  job: LaneJob,
  payloads: readonly { bytes: Uint8Array; next: number }[],
): Promise<void> {
  let steps = 0
  for (let at = 0; at < payloads.length; steps++) {
    assert.equal(await job.feed(payloads[at].bytes), 'done')
    at++
    if (random() < 0.3) {
      await job.cut()
      if (random() < 0.4) await job.lane.evict()
      else if (random() < 0.5) await job.lane.tidy()
      if (random() < 0.2 && steps < 4 * payloads.length) {
        // What is lost here was cut: the same offsets, on an empty lane.
        job.restore(storedThrough(random, job))
      }
    } else if (random() < 0.1 && steps < 4 * payloads.length) {
      const from = job.restore()
      at = payloads.findIndex(({ next }) => next > from)
    }
  }
  await job.cut()
}

export function kernelProperties(contract: Contract): void {
  contract('random plans, records and histories give the naive results', async (make) => {
    const property = fc.asyncProperty(fc.integer({ min: 0 }), async (seed) => {
      const random = seededRandom(seed)
      const plan = randomPlan(random)
      const records = randomRecords(random, 1 + below(random, 500))
      await withJob(
        make,
        laneOptions(plan),
        async (job) => {
          await randomHistory(random, job, randomPayloads(random, records))
          compare(job, records)
        },
        random() < 0.5 ? 'tight' : 'wide',
      )
    })
    await fc.assert(property, { numRuns: 100 })
  })
}
