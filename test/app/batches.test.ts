// Batches and kernels in whole apps: extracted on the threads of the lanes, from the embedded log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, count, integer, json, record, string, text } from '../../src/index.ts'
import { defineKernel } from '../../src/kernel/user/define.ts'
import { inFolder, newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

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
