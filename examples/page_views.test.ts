// The page views of page_views.ts, on a time that stands still until the test moves it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDriver } from 'euphorion/testing'
import { app, perPage, views } from './page_views.ts'

test('views are counted in their windows, those of bots are not', async (t) => {
  const driver = await testDriver(app)
  t.after(() => driver.stop())
  const view = (user: string, ms: number, ts: number) =>
    driver.topic(views).send({ value: { user, url: '/home', ms, ts } })

  await view('ann', 20, 1000)
  await view('ben', 40, 15_000)
  await view('bot', 1, 15_000)

  const row = await driver.table(perPage).get('/home', { at: 5000 })
  const window = { key: '/home', start: 0, end: 60_000 }
  assert.deepEqual(row, { ...window, views: 2, total: 60, fastest: 20, slowest: 40 })
  const first = await driver.topic('views-per-page').read()
  assert.ok(first !== undefined)
})

test('a timer sends a view every 20 ms', async (t) => {
  const driver = await testDriver(app)
  t.after(() => driver.stop())
  await driver.advanceTime('10s')
  assert.equal((await driver.topic(views).readAll()).length, 500)
})
