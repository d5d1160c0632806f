// The part of the kernels' contract about a lane's life: resuming, cuts, deltas, eviction, little
// room.
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/clock.ts'
import type { AggregationPlan } from '../../src/kernel/plan.ts'
import { ReferenceLane } from '../../src/kernel/reference/lane.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { batchOf } from '../support/batches.ts'
import { everythingSchema, goodDocument } from '../support/documents.ts'
import { LaneJob } from '../support/lane_job.ts'
import {
  byKey,
  compare,
  count,
  every,
  hopping,
  keyed,
  laneOptions,
  numericNames,
  planOf,
  tumbling,
  utf8,
  withJob,
} from '../support/plans.ts'
import type { Contract } from './kernel.ts'

const BASE_MS = 1_700_000_000_000

/** Events of random keys out of `keys`, in time order but for small jumps back. */
function stream(count: number, keys: number, seed: number): StoredRecord[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, offset) => {
    const timestamp = BASE_MS + offset * 2 - Math.floor(random() * 60)
    const text = `key ${Math.floor(random() * keys)}`
    const value = goodDocument(everythingSchema, random, timestamp, { text })
    return { offset, timestamp, key: utf8(text), value }
  })
}

const plan = (parts: Partial<AggregationPlan> = {}): AggregationPlan =>
  planOf({ aggregates: [count, ...every('float'), ...every('wide')], ...parts })

const batchesOf = (records: readonly StoredRecord[], size: number): Uint8Array[] => {
  const batches: Uint8Array[] = []
  for (let from = 0; from < records.length; from += size)
    batches.push(batchOf(records.slice(from, from + size)))
  return batches
}

export function stateContract(contract: Contract): void {
  resuming(contract)
  deltas(contract)
  room(contract)
  contract('drained rows are the bytes of the reference', sameBytes)
}

function resuming(contract: Contract): void {
  contract('a batch fed again changes nothing', (make) =>
    withJob(make, laneOptions(plan()), async (job) => {
      const records = stream(200, 10, 70)
      for (const batch of batchesOf(records, 50)) {
        await job.feed(batch)
        assert.equal(await job.feed(batch), 'done')
      }
      await job.cut()
      compare(job, records)
    }),
  )
  contract('restored in the middle of a batch', (make) =>
    withJob(make, laneOptions(plan()), async (job) => {
      const records = stream(100, 10, 71)
      job.lane.restore({
        nextOffset: 37,
        streamTimeMs: -1,
        counted: 0,
        late: 0,
        bad: 0,
        filtered: 0,
        storedThroughMs: Number.NEGATIVE_INFINITY,
      })
      assert.equal(await job.feed(batchOf(records)), 'done')
      await job.cut()
      compare(job, records.slice(37))
    }),
  )
  contract('restore brings back counters and stream time, and forgets cells and rejects', (make) =>
    withJob(make, laneOptions(byKey({ window: tumbling(10, 20) })), async (job) => {
      await job.feed(batchOf([keyed(0, 1000, 'a'), keyed(1, 1, 'a')]))
      const position = {
        nextOffset: 50,
        streamTimeMs: 100,
        counted: 45,
        late: 3,
        bad: 1,
        filtered: 1,
        storedThroughMs: 90,
      }
      job.lane.restore(position)
      assert.equal(await job.lane.drain(), 'done')
      assert.equal(job.lane.rows().length, 0)
      assert.deepEqual(job.lane.rejects(), [])
      await job.feed(batchOf([keyed(50, 75, 'a'), keyed(51, 85, 'a'), keyed(52, 100, 'a')]))
      const { nextOffset, streamTimeMs, counted, late } = job.lane.counters()
      assert.deepEqual(
        { nextOffset, streamTimeMs, counted, late },
        { nextOffset: 53, streamTimeMs: 100, counted: 47, late: 4 },
      )
      await job.cut()
      assert.deepEqual([job.deltas, job.puts], [1, 1])
    }),
  )
}

function deltas(contract: Contract): void {
  contract('only changed cells are drained', (make) =>
    withJob(make, laneOptions(byKey()), async (job) => {
      await job.feed(batchOf([keyed(0, 1, 'a'), keyed(1, 1, 'b'), keyed(2, 1, 'c')]))
      await job.cut()
      assert.equal(job.puts, 3)
      await job.cut()
      assert.equal(job.puts, 3)
      await job.feed(batchOf([keyed(3, 1, 'b')]))
      await job.cut()
      assert.deepEqual([job.deltas, job.puts], [0, 4])
    }),
  )
  contract('cells that the store may hold are deltas until they are absorbed', (make) =>
    withJob(make, laneOptions(plan()), async (job) => {
      const records = stream(600, 15, 72)
      const batches = batchesOf(records, 100)
      await job.feed(batches[0])
      await job.cut()
      assert.equal(job.deltas, 0)
      job.restore()
      for (const batch of batches.slice(1, 3)) await job.feed(batch)
      await job.cut()
      const first = job.deltas
      assert(first > 0)
      for (const batch of batches.slice(3)) await job.feed(batch)
      await job.cut()
      assert.equal(job.deltas, first)
      compare(job, records)
    }),
  )
  contract('slices that start after those stored are absolute', (make) =>
    withJob(make, laneOptions(byKey({ window: tumbling(10, 1000) })), async (job) => {
      await job.feed(batchOf([keyed(0, 5, 'a'), keyed(1, 15, 'a')]))
      await job.cut()
      job.restore(10)
      await job.feed(batchOf([keyed(2, 3, 'a'), keyed(3, 19, 'b'), keyed(4, 20, 'a')]))
      await job.cut()
      assert.deepEqual([job.deltas, job.puts], [2, 3])
    }),
  )
  contract('after eviction totals go on', async (make) => {
    const records = stream(1500, 40, 73)
    for (const window of [undefined, tumbling(100, 30), hopping(250, 100, 80)])
      await withJob(make, laneOptions(plan({ window })), async (job) => {
        for (const batch of batchesOf(records, 100)) {
          await job.feed(batch)
          await job.cut()
          await job.lane.evict()
        }
        await job.cut()
        compare(job, records)
      })
  })
  contract('a crash goes back to the last cut', async (make) => {
    const records = stream(1500, 40, 74)
    const batches = batchesOf(records, 50)
    for (const window of [undefined, tumbling(100, 30), hopping(250, 100, 80)])
      await withJob(make, laneOptions(plan({ window })), async (job) => {
        const random = seededRandom(75)
        for (let next = 0, crashes = 0; next < batches.length; ) {
          await job.feed(batches[next++])
          if (random() < 0.3) await job.cut()
          if (random() < 0.2 && crashes++ < 20) next = Math.floor(job.restore() / 50)
        }
        await job.cut()
        compare(job, records)
      })
  })
}

function room(contract: Contract): void {
  contract('many more cells than there is room for', async (make) => {
    const random = seededRandom(76)
    const records = Array.from({ length: 30_000 }, (_, offset) =>
      keyed(offset, BASE_MS + offset, `key ${Math.floor(random() * 20_000)}`),
    )
    for (const window of [undefined, tumbling(10_000, 2000), hopping(20_000, 7000)])
      await withJob(
        make,
        laneOptions(byKey({ window })),
        async (job) => {
          for (const batch of batchesOf(records, 5000)) await job.feed(batch)
          await job.cut()
          compare(job, records)
        },
        'tight',
      )
  })
  contract('cells with the longest keys', (make) =>
    withJob(
      make,
      laneOptions(byKey()),
      async (job) => {
        const records = Array.from({ length: 200 }, (_, offset) =>
          keyed(offset, BASE_MS, `${offset % 90} `.padEnd(32_768 - (offset % 3), 'x')),
        )
        for (const batch of batchesOf(records, 20)) await job.feed(batch)
        await job.cut()
        compare(job, records)
      },
      'tight',
    ),
  )
  contract('windows that come and go do not fill the lane', (make) =>
    withJob(
      make,
      laneOptions(byKey({ window: tumbling(100) })),
      async (job) => {
        const random = seededRandom(77)
        const records = Array.from({ length: 40_000 }, (_, offset) =>
          keyed(offset, BASE_MS + offset, `key ${Math.floor(random() * 50)}`),
        )
        for (const batch of batchesOf(records, 4000)) {
          assert.equal(await job.feed(batch), 'done')
          await job.cut()
          await job.lane.tidy()
        }
        assert.equal(job.deltas, 0)
        compare(job, records)
      },
      'tight',
    ),
  )
}

/** Every state in one lane and the reference: the same rows whatever the order of draining. */
async function sameBytes(make: Parameters<Parameters<Contract>[1]>[0]): Promise<void> {
  const aggregates = [count, ...numericNames.flatMap(every)]
  for (const window of [undefined, hopping(250, 100, 20)]) {
    const options = laneOptions(planOf({ aggregates, window }))
    const lane = new ReferenceLane(options)
    const batch = (payload: Uint8Array) => ({ payload, address: 0 })
    const reference = new LaneJob({ lane, batch, close: async () => undefined }, options)
    await withJob(make, options, async (job) => {
      for (const bytes of batchesOf(stream(1000, 20, 78), 100)) {
        await reference.feed(bytes)
        await job.feed(bytes)
        await reference.cut()
        await job.cut()
      }
      const sorted = (rows: ReadonlyMap<string, Uint8Array>) =>
        [...rows].map(([key, state]) => `${key} ${Buffer.from(state).toString('hex')}`).sort()
      assert.deepEqual(sorted(job.rows), sorted(reference.rows))
    })
  }
}
