// What an app may declare works in a test driver: windows with grace and late records, crontabs,
// tasks, leaders, several partitions and agents, tables of all kinds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { float64, integer, string, timestamp } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { count, max, sum } from '../../src/stream/aggregates.ts'
import { testDriver } from '../../src/testing/test_driver.ts'
import { hopping, tumbling } from '../../src/window/windows.ts'

const View = record('View', { url: string(), ms: float64(), ts: timestamp() })

test('hopping windows: changes, final rows, and late records on their own topic', async () => {
  const app = new App('hopping')
  const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('ts')
    .window(hopping('20s', '10s', { grace: '5s' }))
    .aggregate('per-page', (v) => ({ views: count(), slowest: max(v.ms) }))
  const [changes, finals] = [app.topic('changes'), app.topic('finals')]
  const late = app.topic('late', { value: View })
  perPage.changes().to(changes)
  perPage.final().to(finals)
  perPage.late().to(late)
  await using driver = await testDriver(app)
  const view = (url: string, ms: number, ts: number) =>
    driver.topic(views).send({ value: { url, ms, ts } })
  await view('/a', 5, 12_000)
  await view('/a', 9, 21_000)
  const [older, newer] = await driver.table(perPage).windows('/a', { at: 21_000 })
  assert.deepEqual(older, { key: '/a', start: 10_000, end: 30_000, views: 2, slowest: 9 })
  assert.deepEqual(newer, { key: '/a', start: 20_000, end: 40_000, views: 1, slowest: 9 })
  assert.deepEqual(await driver.table(perPage).get('/a', { at: 21_000 }), newer)
  assert.equal((await driver.topic(changes).readAll()).length, 3)
  assert.ok(await driver.topic(finals).isEmpty())
  // still in the grace of [0, 20 s), and then no more
  await view('/a', 1, 19_000)
  assert.equal((await driver.table(perPage).get('/a', { at: 5000 }))?.views, 2)
  await view('/b', 1, 35_000)
  await view('/a', 1, 5000)
  assert.deepEqual((await driver.topic(late).read())?.value, { url: '/a', ms: 1, ts: 5000 })
  const closed = (await driver.topic(finals).readAll()).map(({ value }) => value)
  assert.deepEqual(closed, [
    { key: '/a', start: 0, end: 20_000, views: 2, slowest: 5 },
    { key: '/a', start: 10_000, end: 30_000, views: 3, slowest: 9 },
  ])
})

test('crontabs, tasks, leaders and hooks run on the time of the driver', async () => {
  const app = new App('background', { timezone: 'UTC' })
  const heard: string[] = []
  const note = (text: string) => heard.push(`${new Date(app.clock.now()).toISOString()} ${text}`)
  app.crontab('nightly', '30 2 * * *', () => note('nightly'))
  app.task('once', () => note('once'))
  app.onLeader('leads', () => note('leads'))
  app.timer('hourly', '12h', () => note('timer'), { onLeader: true })
  const driver = await testDriver(app, { startTime: Date.UTC(2026, 5, 1) })
  await driver.advanceTime('1d')
  assert.deepEqual(heard.toSorted(), [
    '2026-06-01T00:00:00.000Z leads',
    '2026-06-01T00:00:00.000Z once',
    '2026-06-01T02:30:00.000Z nightly',
    '2026-06-01T12:00:00.000Z timer',
    '2026-06-02T00:00:00.000Z timer',
  ])
  await driver.stop()
})

test('a task that fails ends the app, and the test', async () => {
  const app = new App('failing-task')
  const numbers = app.topic('numbers', { value: integer() })
  app.agent(numbers, async (stream) => {
    for await (const _ of stream);
  })
  app.task('bad', () => {
    throw new Error('a bad task')
  })
  await assert.rejects(
    testDriver(app).then(async (driver) => {
      await driver.settle().finally(() => driver.stop().catch(() => undefined))
    }),
    { code: 'CALLBACK_FAILED', message: /a bad task/ },
  )
})

test('partitions, global tables and agents that follow each other', async () => {
  const app = new App('orders')
  const Order = record('Order', { customer: string(), amount: integer() })
  const orders = app.topic('orders', {
    key: string(),
    value: Order,
    keyedBy: 'customer',
    partitions: 4,
  })
  const totals = app.table('totals', { key: string(), value: integer(), default: 0 })
  const known = app.globalTable('known', { key: string(), value: integer() })
  const large = app.topic('large', { key: string(), value: Order, keyedBy: 'customer' })
  app.agent(
    orders,
    async function* (stream) {
      for await (const order of stream) {
        const total = await totals.update(order.customer, (sum) => sum + order.amount)
        await known.set(order.customer, total)
        if (total >= 100) yield order
      }
    },
    { sink: large },
  )
  const sums = app
    .stream(orders)
    .keyBy('customer')
    .aggregate('sums', (o) => ({ orders: count(), total: sum(o.amount) }))
  const driver = await testDriver(app)
  const customers = Array.from({ length: 20 }, (_, index) => `c${index}`)
  for (const amount of [60, 50])
    await driver
      .topic(orders)
      .sendMany(customers.map((customer) => ({ value: { customer, amount } })))
  const found = (await driver.table(totals).entries()).toSorted()
  assert.deepEqual(found, customers.map((customer) => [customer, 110]).toSorted())
  assert.equal((await driver.table(known).entries()).length, 20)
  assert.equal((await driver.topic(large).readAll()).length, 20)
  assert.deepEqual(await driver.table(sums).get('c7'), { key: 'c7', orders: 2, total: 110 })
  const used = new Set((await driver.topic(orders).readAll()).map(({ partition }) => partition))
  assert.equal(used.size, 4)
  await driver.stop()
})

test('bad records go where the topic says', async () => {
  const app = new App('bad-records')
  const views = app.topic('views', { key: string(), value: View })
  const seen: string[] = []
  app.agent(views, async (stream) => {
    for await (const { url } of stream) seen.push(url)
  })
  await using driver = await testDriver(app)
  await driver.topic('views-elsewhere').send({ value: { any: 'json' } })
  assert.deepEqual((await driver.topic('views-elsewhere').read())?.value, { any: 'json' })
  await driver.topic(views).send({ key: null, value: { url: '/a', ms: 1, ts: 0 } })
  await driver.topic(views).send({ key: 'b', value: { url: '/b', ms: 1, ts: 0 } })
  const dead = await driver.topic('bad-records-dead-letter').read()
  const reason = dead?.headers.find(({ key }) => key === 'euphorion.reason')
  assert.equal(Buffer.from(reason?.value ?? []).toString(), 'null-key')
  assert.deepEqual(seen, ['/b'])
})

test('windows without events of other keys close as the stream goes on', async () => {
  const app = new App('tumbling')
  const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
  const closed = app.topic('closed', { key: string() })
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('ts')
    .window(tumbling('1m'))
    .aggregate('per-page', (v) => ({ total: sum(v.ms) }))
  perPage.final().to(app.topic('finals'))
  app.timer('heartbeat', '10s', () =>
    views.send({ value: { url: '/beat', ms: 0, ts: app.clock.now() } }),
  )
  await using driver = await testDriver(app, { startTime: 0 })
  await driver.topic(views).send({ value: { url: '/a', ms: 7, ts: 30_000 } })
  await driver.advanceTime('2m')
  const values = (await driver.topic('finals').readAll()).map(({ value }) => value)
  assert.deepEqual(values[0], { key: '/a', start: 0, end: 60_000, total: 7 })
  assert.equal(values.length, 3)
  assert.equal(await driver.topic(closed).isEmpty(), true)
})

test('windowed tables and tables of sets: written by agents, closed by stream time', async () => {
  const app = new App('kinds')
  const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
  const perMinute = app
    .table('per-minute', { key: string(), value: integer(), default: 0 })
    .tumbling('1m')
    .relativeToField<{ ts: number }>('ts')
  const closed: unknown[] = []
  perMinute.onWindowClose((row) => closed.push(row))
  const speeds = app.setTable('speeds', { key: string(), value: integer() })
  app.agent(views, async (stream) => {
    for await (const { url, ms } of stream) {
      await perMinute.update(url, (n) => n + 1)
      await speeds.add(url, Math.floor(ms))
    }
  })
  await using driver = await testDriver(app)
  const view = (ms: number, ts: number) =>
    driver.topic(views).send({ value: { url: '/a', ms, ts } })
  await view(1, 0)
  await view(2.5, 59_999)
  assert.equal(await driver.table(perMinute).get('/a', { at: 30_000 }), 2)
  assert.deepEqual(closed, [])
  await view(2.7, 60_000)
  await view(3, 1)
  assert.deepEqual(await driver.table(speeds).members('/a'), new Set([1, 2, 3]))
  assert.equal(await driver.table(speeds).has('/a', 4), false)
  assert.equal((await driver.table(speeds).entries()).length, 1)
  const first = { key: '/a', start: 0, end: 60_000, value: 2 }
  assert.deepEqual(closed, [first])
  assert.deepEqual(await driver.table(perMinute).windows('/a', { at: 0 }), [first])
  assert.equal((await driver.table(perMinute).rows()).length, 2)
  assert.equal(await driver.table(perMinute).late(), 1)
  await driver.restart({ wipe: true })
  assert.equal(await driver.table(perMinute).get('/a'), 1)
  assert.deepEqual(await driver.table(speeds).members('/a'), new Set([1, 2, 3]))
})

test('a stream that is grouped by another field, and what is yielded behind it', async () => {
  const app = new App('grouping')
  const views = app.topic('views', { key: string(), value: View, partitions: 2 })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  const counting = app.agent(views, async function* counting(stream) {
    for await (const { url } of stream.groupBy('url')) yield await counts.update(url, (n) => n + 1)
  })
  const driver = await testDriver(app)
  const agent = driver.agent(counting)
  const results: number[] = []
  for (const key of ['ann', 'ben', 'cleo', 'dan'])
    results.push(...(await agent.put({ url: '/a', ms: 1, ts: 0 }, { key })).results)
  assert.deepEqual(results, [1, 2, 3, 4])
  await driver.restart()
  await driver.topic(views).send({ key: 'eve', value: { url: '/a', ms: 1, ts: 0 } })
  assert.equal(await driver.table(counts).get('/a'), 5)
  await driver.stop()
})
