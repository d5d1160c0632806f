// Batches and kernels in whole apps: extracted on the threads of the lanes, from the embedded log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  App,
  count,
  type EuphorionError,
  float64,
  integer,
  json,
  record,
  string,
  text,
} from '../../src/index.ts'
import { defineKernel, kernelPool } from '../../src/kernels.ts'
import { inFolder, Lines, newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'
import { bad, sum as poolSum, unruly } from '../support/user_kernels.ts'

const timeout = 60_000
const Sale = record('Sale', { shop: string(), amount: integer() })
const EVENTS = 20_000
const PARTITIONS = 3

function sales(app: App) {
  return app.topic('sales', { key: text(), value: Sale, keyedBy: 'shop', partitions: PARTITIONS })
}

const shopOf = (i: number) => `shop ${i % 50}`
const amountOf = (i: number) => (i * 7) % 1000
const columns = (from: number, to: number) => ({
  value: {
    shop: Array.from({ length: to - from }, (_, i) => shopOf(from + i)),
    amount: Array.from({ length: to - from }, (_, i) => amountOf(from + i)),
  },
})
const total = (from: number, to: number) => {
  let sum = 0
  for (let i = from; i < to; i++) sum += amountOf(i)
  return sum
}

const sum = defineKernel('sum', {
  columns: { amount: 'f64' },
  run: ({ amount }): number => amount.reduce((all, each) => all + each, 0),
})

for (const backend of ['auto', 'js'] as const)
  test(`agents take batches beside an aggregation, backend ${backend}`, { timeout }, async (t) => {
    const app = newApp(t, await newDirectory(), { backend, threads: 2 })
    const topic = sales(app)
    const perShop = app
      .stream(topic)
      .keyBy('shop')
      .aggregate('per-shop', () => ({ sales: count() }))
    const seen = { batches: 0, events: 0, amount: 0, mapped: 0 }
    const shops = new Map<string, number>()
    app.agent(
      topic,
      async (stream) => {
        for await (const batch of stream.batches()) {
          seen.batches++
          seen.events += batch.length
          for (const amount of batch.column('amount')) seen.amount += amount
          for (const shop of batch.column('shop')) shops.set(shop, (shops.get(shop) ?? 0) + 1)
          const [first] = batch.rows()
          assert.equal(first.key, first.value.shop)
          assert.equal(first.partition, batch.partition)
        }
      },
      { name: 'batches' },
    )
    app.agent(
      topic,
      async (stream) => {
        for await (const { result } of stream.mapBatch(sum)) seen.mapped += result
      },
      { name: 'mapped' },
    )
    await app.start()
    for (let at = 0; at < EVENTS; at += 5000) await topic.sendMany(columns(at, at + 5000))
    const expected = total(0, EVENTS)
    await until(() => seen.events === EVENTS && seen.mapped === expected)
    assert.equal(seen.amount, expected)
    assert.ok(seen.batches < EVENTS / 50, `${seen.batches} batches`)
    assert.deepEqual([...new Set(shops.values())], [EVENTS / 50])
    await until(async () => (await perShop.get('shop 7'))?.sales === EVENTS / 50)
  })

test('a worker that starts again goes on behind the last batch', { timeout }, async () => {
  const directory = await newDirectory()
  const life = async (from: number, to: number) => {
    const app = new App('tested', inFolder(directory))
    const topic = sales(app)
    const seen = { events: 0, amount: 0 }
    app.agent(topic, async (stream) => {
      for await (const batch of stream.batches({ maxRecords: 100 })) {
        assert.ok(batch.length <= 100)
        seen.events += batch.length
        for (const amount of batch.column('amount')) seen.amount += amount
      }
    })
    try {
      await app.start()
      await topic.sendMany(columns(from, to))
      await until(() => seen.events >= to - from)
    } finally {
      await app.stop()
    }
    assert.deepEqual(seen, { events: to - from, amount: total(from, to) })
  }
  await life(0, 3000)
  await life(3000, 7000)
  await life(7000, 7001)
})

test('undeclared values come in batches too', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const topic = app.topic('any', { value: json<{ i: number }>(), partitions: 1 })
  const seen: number[] = []
  app.agent(topic, async (stream) => {
    for await (const batch of stream.batches()) seen.push(...batch.values.map(({ i }) => i))
  })
  await app.start()
  await topic.sendMany(Array.from({ length: 500 }, (_, i) => ({ value: { i } })))
  await until(() => seen.length === 500)
  assert.deepEqual(
    seen,
    Array.from({ length: 500 }, (_, i) => i),
  )
})

const Point = record('Point', { values: float64() })

test('kernels of the pool run on batches, off the main thread', { timeout }, async (t) => {
  t.after(() => kernelPool().close())
  const app = newApp(t, await newDirectory())
  const topic = app.topic('points', { key: text(), value: Point, partitions: 2 })
  let seen = 0
  app.agent(topic, async (stream) => {
    const options = { concurrency: 2, maxRecords: 300 }
    for await (const { result } of stream.mapBatch(poolSum, options)) seen += result
  })
  await app.start()
  const values = Float64Array.from({ length: 5000 }, (_, i) => i)
  await topic.sendMany({ key: Array.from(values, (i) => `k${i % 7}`), value: { values } })
  await until(() => seen === (4999 * 5000) / 2)
  assert.ok(kernelPool().stats().tasks >= 5000 / 300)
})

test('a run that hangs stops its partition by its time-out', { timeout }, async (t) => {
  t.after(() => kernelPool().close())
  const lines = new Lines()
  const app = newApp(t, await newDirectory(), { logger: lines })
  const topic = app.topic('points', { value: Point, partitions: 1 })
  app.agent(topic, async function hanging(stream) {
    const options = { params: { how: bad.spins }, timeoutMs: 200 }
    for await (const _ of stream.mapBatch(unruly, options));
  })
  await app.start()
  await topic.send({ value: { values: 1 } })
  await assert.rejects(app.ended, (error: EuphorionError) => {
    assert.equal(error.code, 'HANDLER_FAILED')
    assert.equal((error.cause as EuphorionError).code, 'KERNEL_TIMEOUT')
    assert.equal(error.place.offset, 0)
    return true
  })
})

test('a worker that stops does not wait for a kernel', { timeout }, async (t) => {
  t.after(() => kernelPool().close())
  const directory = await newDirectory()
  const app = newApp(t, directory)
  const topic = app.topic('points', { value: Point, partitions: 1 })
  let left = 0
  app.agent(topic, async (stream) => {
    for await (const _ of stream.mapBatch(unruly, { params: { how: bad.spins } }));
    left++
  })
  await app.start()
  await topic.send({ value: { values: 1 } })
  await until(() => kernelPool().stats().running === 1)
  await app.stop()
  assert.equal(left, 1)
  const log = await app.log()
  assert.equal((await log.committed('tested', 'points')).get(0) ?? 0, 0)
})
