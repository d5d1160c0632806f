// The test driver: an app's own code and tables on a time that tests move.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { App } from '../../src/app/app.ts'
import { float64, integer, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { count, sum } from '../../src/stream/aggregates.ts'
import { testDriver } from '../../src/testing/test_driver.ts'
import { tumbling } from '../../src/window/windows.ts'

const View = record('View', { url: string(), ms: float64() })

function viewsApp() {
  const app = new App('views')
  const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
  const closed = app.topic('closed')
  const perPage = app
    .stream(views)
    .keyBy('url')
    .window(tumbling('10s', { grace: '5s' }))
    .aggregate('per-page', (v) => ({ views: count(), total: sum(v.ms) }))
  perPage.final().to(closed)
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  app.agent(views, async (stream) => {
    for await (const view of stream) await counts.update(view.url, (n) => n + 1)
  })
  return { app, views, closed, perPage, counts }
}

test('a window is read while it is open, and comes once when it is over', async () => {
  const { app, views, closed, perPage, counts } = viewsApp()
  const driver = await testDriver(app)
  assert.equal(driver.time, Date.UTC(2026, 0, 1))
  await driver.topic(views).send({ value: { url: '/a', ms: 3 }, timestamp: 1000 })
  await driver.topic(views).send({ value: { url: '/a', ms: 4 }, timestamp: 2000 })
  assert.deepEqual(await driver.table(perPage).get('/a', { at: 0 }), {
    key: '/a',
    start: 0,
    end: 10_000,
    views: 2,
    total: 7,
  })
  assert.equal(await driver.table(counts).get('/a'), 2)
  assert.equal(await driver.topic(closed).isEmpty(), true)
  await driver.topic(views).send({ value: { url: '/b', ms: 1 }, timestamp: 15_000 })
  const rows = await driver.topic(closed).readAll()
  assert.deepEqual(
    rows.map(({ value }) => value),
    [{ key: '/a', start: 0, end: 10_000, views: 2, total: 7 }],
  )
  assert.equal(driver.time, Date.UTC(2026, 0, 1))
  await driver.stop()
})

for (const guarantee of ['at_least_once', 'exactly_once'] as const)
  test(`${guarantee}: what agents send on is there, through several of them`, async () => {
    const app = new App('chain', { guarantee })
    const numbers = app.topic('numbers', { key: string(), value: integer() })
    const doubled = app.topic('doubled', { value: integer() })
    const results = app.topic('results', { value: integer() })
    app.agent(
      numbers,
      async function* (stream) {
        for await (const number of stream) yield number * 2
      },
      { sink: doubled },
    )
    app.agent(doubled, async (stream) => {
      for await (const number of stream) await results.send({ value: number + 1 })
    })
    const driver = await testDriver(app)
    await driver.topic(numbers).send({ key: 'a', value: 1, headers: { from: 'a test' } })
    await driver.topic(numbers).sendMany([2, 3].map((value) => ({ key: 'b', value })))
    const values = (await driver.topic(results).readAll()).map(({ value }) => value)
    assert.deepEqual(values, [3, 5, 7])
    assert.equal(await driver.topic(results).read(), undefined)
    const first = await driver.topic(numbers).read()
    assert.deepEqual(first, {
      topic: 'numbers',
      partition: 0,
      offset: 0,
      key: 'a',
      value: 1,
      timestamp: driver.time,
      headers: [{ key: 'from', value: new Uint8Array(Buffer.from('a test')) }],
    })
    await driver.stop()
  })

test('timers are called as time passes, and only then', async () => {
  const app = new App('timers')
  const ticks = app.topic('ticks', { value: integer() })
  let calls = 0
  app.timer('tick', '1s', () => ticks.send({ value: ++calls }))
  const driver = await testDriver(app, { startTime: 5000 })
  await driver.settle()
  assert.equal(calls, 0)
  await driver.advanceTime('3500ms')
  const sent = await driver.topic(ticks).readAll()
  assert.deepEqual(
    sent.map(({ value, timestamp }) => [value, timestamp]),
    [
      [1, 6000],
      [2, 7000],
      [3, 8000],
    ],
  )
  assert.equal(driver.time, 8500)
  await driver.stop()
  await assert.rejects(driver.advanceTime('1s'), { code: 'APP_INVALID' })
})

test('an agent that throws, and a timer, fail the test', async () => {
  const app = new App('failing')
  const numbers = app.topic('numbers', { value: integer() })
  app.agent(
    numbers,
    async (stream) => {
      for await (const number of stream) if (number < 0) throw new Error('negative')
    },
    { name: 'checked' },
  )
  app.timer('bad', '10s', () => {
    throw new TypeError('a bad timer')
  })
  const driver = await testDriver(app)
  await driver.topic(numbers).send({ value: 1 })
  await driver.settle()
  await assert.rejects(driver.advanceTime('1m'), /a bad timer/)
  assert.equal(driver.time, Date.UTC(2026, 0, 1, 0, 0, 10))
  await driver.topic(numbers).send({ value: -1 })
  await assert.rejects(driver.settle(), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'HANDLER_FAILED')
    assert.match(String(error.cause), /negative/)
    return true
  })
  await driver.stop()
})

for (const guarantee of ['at_least_once', 'exactly_once'] as const)
  for (const wipe of [false, true])
    test(`${guarantee}: state comes back after a crash${wipe ? ' and a lost disk' : ''}`, async () => {
      const { app, views, perPage, counts } = viewsApp()
      const driver = await testDriver(app, { settings: { guarantee } })
      const view = { value: { url: '/a', ms: 1 }, timestamp: 1000 }
      await driver.topic(views).sendMany([view, view])
      assert.equal(await driver.table(counts).get('/a'), 2)
      // read, and counted, and not cut
      await driver.topic(views).send(view)
      await driver.restart({ wipe })
      assert.equal(await driver.table(counts).get('/a'), 3)
      assert.equal((await driver.table(perPage).get('/a'))?.views, 3)
      await driver.topic(views).send(view)
      assert.equal(await driver.table(counts).get('/a'), 4)
      assert.equal(driver.time, Date.UTC(2026, 0, 1))
      await driver.stop()
    })

test('time stands still while an agent waits for something real', async () => {
  const app = new App('real')
  const names = app.topic('names', { value: string() })
  const lengths = app.topic('lengths', { value: integer() })
  app.agent(
    names,
    async function* (stream) {
      for await (const name of stream) {
        const text = await readFile(new URL(name, import.meta.url), 'utf8')
        await pause(20)
        yield text.length
      }
    },
    { sink: lengths },
  )
  await using driver = await testDriver(app)
  await driver.topic(names).send({ value: import.meta.url })
  assert.equal((await driver.topic(lengths).readAll()).length, 1)
})

test('drivers in one process do not disturb each other, and equal ones come to the same', async () => {
  const run = async (seed: number) => {
    const { app, views, perPage, counts } = viewsApp()
    app.timer('view', '1s', () => views.send({ value: { url: '/timer', ms: 1 } }))
    const driver = await testDriver(app, { seed })
    for (let i = 0; i < 10; i++) {
      await driver.topic(views).send({ value: { url: `/${i % 3}`, ms: i } })
      await driver.advanceTime('7s')
    }
    const rows = await driver.table(perPage).rows()
    const counted = await driver.table(counts).get('/timer')
    await driver.stop()
    return { rows, counted, fingerprint: driver.fingerprint, time: driver.time }
  }
  const [first, ...others] = await Promise.all([run(1), run(1), run(2), run(1)])
  assert.equal(first.counted, 70)
  assert.equal(first.rows.filter(({ key }) => key === '/timer').length, 8)
  for (const other of others) assert.deepEqual(other, first)
})

test('what needs time is waited for', async () => {
  const app = new App('waiting')
  const after = (ms: number) =>
    new Promise<number>((resolve) => app.clock.after(ms, () => resolve(ms)))
  const driver = await testDriver(app)
  assert.equal(await driver.until(after(2500)), 2500)
  assert.equal(driver.time, Date.UTC(2026, 0, 1, 0, 0, 2, 500))
  await assert.rejects(driver.until(after(2500), '1s'), /has not come within 1000 ms/)
  await assert.rejects(testDriver(app), { code: 'APP_INVALID' })
  await driver.stop()
  await (await testDriver(app)).stop()
})
