// Windowed tables of agents through the public API on the embedded log: values that outlive the
// app, windows that close once, what the command line prints, changes of the declaration.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLines } from '../../src/app/query_client.ts'
import {
  type App,
  type Duration,
  integer,
  record,
  string,
  type WindowRow,
} from '../../src/index.ts'
import { newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const keys = ['a', 'b', 'c', 'd', 'e']

/** Counts events by key in windows of 10 ms. */
function counting(app: App, size: Duration = 10, expires: Duration = 0) {
  const visits = app.topic('visits', { key: string(), value: integer(), partitions: 3 })
  const counts = app
    .table('counts', { key: string(), value: integer(), default: 0 })
    .tumbling(size, { expires })
  const closed: WindowRow<string, number>[] = []
  counts.onWindowClose((row) => void closed.push(row))
  app.agent(visits, async (stream) => {
    for await (const { key } of stream.events()) await counts.update(key, (n) => n + 1)
  })
  /** An event of each key at each time. */
  const visit = (...times: number[]) =>
    Promise.all(
      times.flatMap((timestamp) => keys.map((key) => visits.send({ key, value: 1, timestamp }))),
    )
  const rows = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { key, start, value } of counts.range()) found.push(`${start} ${key} ${value}`)
    return found
  }
  return { counts, closed, visit, rows }
}

/** 'start key value' of these windows, in their order. */
function wanted(starts: readonly number[], value: number): string[] {
  return starts.flatMap((start) => keys.map((key) => `${start} ${key} ${value}`))
}

test('windows outlive the app, and close once', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const first = newApp(t, dataDir)
  const { visit, rows, closed, counts } = counting(first)
  await first.start()
  await visit(1, 2, 11)
  await until(async () => (await rows()).length === 10)
  assert.deepEqual(await rows(), [...wanted([0], 2), ...wanted([10], 1)])
  await until(() => closed.length === 5)
  assert.equal(await counts.get('a', { at: 5 }), 2)
  assert.equal(await counts.now('a'), 1)
  await first.stop()
  assert.deepEqual(
    closed.map(({ key, start, end, value }) => [key, start, end, value]).sort(),
    keys.map((key) => [key, 0, 10, 2]),
  )
  const second = newApp(t, dataDir)
  const again = counting(second)
  await second.start()
  await again.visit(12, 25)
  await until(() => again.closed.length === 5)
  assert.deepEqual(
    again.closed.map(({ key, start, value }) => [key, start, value]).sort(),
    keys.map((key) => [key, 10, 2]),
  )
  const lines: string[] = []
  const query = { table: 'counts', format: 'object', from: 10, to: 20, key: 'b' } as const
  for await (const line of readLines(second.settings.dataDir, [second.id], query, (why) =>
    assert.fail(why),
  ))
    lines.push(line)
  assert.deepEqual(lines, ['{"key":"b","start":10,"end":20,"value":2}'])
  await second.stop()
})

test('windows that have expired are not read any more', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const app = newApp(t, dataDir)
  const { visit, rows } = counting(app, 10, 20)
  await app.start()
  await visit(5, 15, 25, 45)
  await until(async () => (await rows()).join() === wanted([20, 40], 1).join())
  await app.stop()
})

test('another window is another table', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const first = newApp(t, dataDir)
  const { visit, rows } = counting(first)
  await first.start()
  await visit(1)
  await until(async () => (await rows()).length === 5)
  await first.stop()
  const second = newApp(t, dataDir)
  counting(second, '1s')
  await assert.rejects(second.start(), {
    code: 'TABLE_CHANGED',
    message: /it has windows of 1000 ms and had windows of 10 ms/,
  })
})

test('functions that share a partition give the event; others are refused', {
  timeout,
}, async (t) => {
  const dataDir = await newDirectory()
  const app = newApp(t, dataDir)
  const visits = app.topic('visits', { key: string(), value: integer(), partitions: 1 })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 }).tumbling(10)
  const errors: unknown[] = []
  let isBoth = (): void => undefined
  const both = new Promise<void>((resolve) => {
    isBoth = resolve
  })
  let inHand = 0
  app.agent(
    visits,
    async (stream) => {
      for await (const event of stream.events()) {
        if (++inHand === 2) isBoth()
        await both
        await counts.update(event.key, (n) => n + 1).catch((error) => errors.push(error.code))
        await counts.update(event.key, (n) => n + 1, event)
      }
    },
    { concurrency: 2 },
  )
  await app.start()
  await visits.send({ key: 'a', value: 1, timestamp: 15 })
  await visits.send({ key: 'a', value: 1, timestamp: 12 })
  await until(async () => (await counts.get('a', { at: 11 })) >= 2)
  assert.ok(errors.every((code) => code === 'TIME_UNKNOWN'))
  assert.ok(errors.length >= 1)
  assert.equal(await counts.get('a', { at: 11 }), 4 - errors.length)
})

test('a global table of windows, and sets, are read on every worker', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const app = newApp(t, dataDir)
  const visits = app.topic('visits', { key: string(), value: integer(), partitions: 2 })
  const counts = app
    .globalTable('all', { key: string(), value: integer(), default: 0 })
    .hopping(20, 10)
  const values = app.setTable('values', { key: string(), value: integer() })
  app.agent(visits, async (stream) => {
    for await (const { key, value } of stream.events()) {
      await counts.update(key, (n) => n + value)
      await values.add(key, value)
    }
  })
  await app.start()
  for (const key of keys)
    for (const value of [1, 2]) await visits.send({ key, value, timestamp: 15 })
  await until(async () => (await values.members('e')).size === 2)
  assert.deepEqual(await counts.windows('e', { at: 15 }), [
    { key: 'e', start: 0, end: 20, value: 3 },
    { key: 'e', start: 10, end: 30, value: 3 },
  ])
  assert.equal(await values.has('a', 2), true)
  await app.stop()
  const lines: string[] = []
  const query = { table: 'values', format: 'object', key: 'a' } as const
  const at = app.settings.dataDir
  for await (const line of readLines(at, [app.id], query, (why) => assert.fail(why)))
    lines.push(line)
  assert.deepEqual(lines, ['{"key":"a","value":[1,2]}'])
})

test('values of declared records count at the times of their records', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const Visit = record('Visit', { url: string(), ms: integer() })
  const visits = app.topic('visits', { key: string(), value: Visit, partitions: 1 })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 }).tumbling(1000)
  app.agent(visits, async (stream) => {
    for await (const { url } of stream) await counts.update(url, (n) => n + 1)
  })
  const events = 4000
  await Promise.all(
    Array.from({ length: events }, (_, i) =>
      visits.send({ key: '/a', value: { url: '/a', ms: i }, timestamp: i }),
    ),
  )
  await app.start()
  await until(async () => (await counts.get('/a', { at: 3999 })) === 1000)
  for (const at of [0, 1000, 2000]) assert.equal(await counts.get('/a', { at }), 1000)
})
