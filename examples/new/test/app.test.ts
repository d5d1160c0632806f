// The app on virtual time, without a Kafka: what is sent, what the tables hold then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDriver } from 'euphorion/testing'
import { app, perMinute, views, visits } from '../app.ts'

test('views are counted by page, and by minute', async (t) => {
  const driver = await testDriver(app)
  t.after(() => driver.stop())
  const minute = 60_000
  const view = (page: string, at: number, ms: number) =>
    driver.topic(views).send({ value: { page, user: 'u1', ms, at } })

  await view('/', 0, 20)
  await view('/', 30_000, 90)
  await view('/docs', 70_000, 10)
  await driver.settle()

  assert.equal(await visits.get('/'), 2)
  assert.equal(await visits.get('/docs'), 1)
  const first = { key: '/', start: 0, end: minute, views: 2, slowest: 90 }
  assert.deepEqual(await perMinute.windows('/', { at: 0 }), [first])
})
