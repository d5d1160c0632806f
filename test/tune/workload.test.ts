// The page-view workload: repeatable, partitioned as Kafka does, and of the stated shape.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReferenceLane } from '../../src/kernel/reference/lane.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import { LaneJob } from '../support/lane_job.ts'
import { differenceOf } from '../support/naive.ts'
import { expectedPageViews, pageViewPlans, pageViewRecords } from '../support/page_views.ts'
import { laneOptions } from '../support/plans.ts'

/** Records by partition, and the bytes of the batches one after the other. */
function generate(options: PageViewOptions): { partitions: StoredRecord[][]; bytes: Buffer } {
  const views = new PageViews(options)
  const partitions: StoredRecord[][] = views.perPartition.map(() => [])
  const parts: Buffer[] = []
  for (let batch = views.nextBatch(); batch !== undefined; batch = views.nextBatch()) {
    const records = decodeBatches(batch.bytes)
    assert.equal(records.length, batch.records)
    partitions[batch.partition].push(...records)
    parts.push(Buffer.from(batch.bytes))
  }
  assert.deepEqual(
    views.perPartition,
    partitions.map((records) => records.length),
  )
  return { partitions, bytes: Buffer.concat(parts) }
}

test('batches hold the events, in order and in the partition of their url', () => {
  const options = { events: 20_000, partitions: 3, keys: 50, batchRecords: 700 }
  const { partitions } = generate(options)
  for (const [partition, records] of partitions.entries()) {
    const expected = [...pageViewRecords(options, partition)]
    assert.equal(records.length, expected.length)
    for (const [at, { key, value, timestamp }] of records.entries()) {
      assert.deepEqual(Buffer.from(key!), Buffer.from(expected[at].key!))
      assert.deepEqual(
        JSON.parse(`${Buffer.from(value!)}`),
        JSON.parse(`${Buffer.from(expected[at].value!)}`),
      )
      assert.equal(timestamp, expected[at].timestamp)
    }
  }
})

test('the value is the documented JSON', () => {
  const { partitions } = generate({ events: 2000 })
  for (const { value, timestamp } of partitions.flat())
    assert.match(
      `${Buffer.from(value!)}`,
      new RegExp(
        `^{"user":"u\\d{6}","url":"/page/\\d+","ms":\\d{1,2}\\.\\d\\d,"ts":${timestamp}}$`,
      ),
    )
})

test('the same seed gives the same bytes, another seed others', () => {
  const one = generate({ events: 5000, seed: 7 }).bytes
  assert(one.equals(generate({ events: 5000, seed: 7 }).bytes))
  assert(!one.equals(generate({ events: 5000, seed: 8 }).bytes))
  assert(!one.equals(generate({ events: 5000, seed: 2 ** 32 + 7 }).bytes))
})

test('time begins at startMs, passes at 20 events a ms and goes back up to 2 s', () => {
  const startMs = 1_650_000_999_000
  const views = new PageViews({ events: 200_000, startMs })
  let newest = 0
  let furthest = 0
  for (let view = views.nextEvent(), at = 0; view !== undefined; view = views.nextEvent(), at++) {
    const behind = startMs + Math.floor(at / 20) - view.ts
    assert(view.ts >= startMs && behind >= 0 && behind <= 2000)
    newest = Math.max(newest, view.ts)
    furthest = Math.max(furthest, behind)
  }
  assert(newest > startMs + 9900 && furthest > 1950)
})

test('urls are skewed with a long tail, users are not', () => {
  const views = new PageViews({ events: 200_000 })
  const urls = new Map<string, number>()
  const users = new Set<string>()
  for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent()) {
    urls.set(view.url, (urls.get(view.url) ?? 0) + 1)
    users.add(view.user)
  }
  const common = [...urls.values()].sort((a, b) => b - a)
  assert(urls.size > 3000 && urls.size < 6000, `${urls.size} urls`)
  assert(common[0] > 1500 && common[0] < 2500, `${common[0]} views of one url`)
  assert(users.size > 80_000)
})

test('keys says how many urls there are', () => {
  for (const keys of [1, 2, 5]) {
    const views = new PageViews({ events: 50_000, keys })
    const urls = new Set<string>()
    for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent())
      urls.add(view.url)
    assert.equal(urls.size, keys)
  }
})

test('very many keys are equally likely', () => {
  const views = new PageViews({ events: 300_000, keys: 100_001 })
  const urls = new Set<string>()
  for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent())
    urls.add(view.url)
  assert(urls.size > 94_000, `${urls.size} urls`)
})

test('compressed batches hold the same records', async () => {
  await prepareCompression('lz4')
  const plain = generate({ events: 5000 })
  const packed = generate({ events: 5000, compression: 'lz4' })
  assert(packed.bytes.length < plain.bytes.length / 2)
  assert.deepEqual(packed.partitions, plain.partitions)
})

for (const [name, plan] of Object.entries(pageViewPlans))
  test(`the reference lane's results of ${name} are the expected ones`, async () => {
    const options = { events: 60_000, keys: 40, partitions: 1 }
    const laneSettings = laneOptions(plan)
    const lane = new ReferenceLane(laneSettings)
    const batch = (payload: Uint8Array) => ({ payload, address: 0 })
    const job = new LaneJob({ lane, batch, close: async () => undefined }, laneSettings)
    const views = new PageViews(options)
    let offset = 0
    for (let made = views.nextBatch(); made !== undefined; made = views.nextBatch()) {
      new DataView(made.bytes.buffer).setBigInt64(0, BigInt(offset))
      offset += made.records
      assert.equal(await job.feed(made.bytes), 'done')
    }
    await job.cut()
    assert.equal(differenceOf(job.results(), expectedPageViews(options, plan).rows), undefined)
    assert.equal(lane.counters().counted, 60_000)
  })
