// Tables of declared aggregations through the public API: reading them inside the program, results
// to topics, keys of every kind, expiry.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type App,
  and,
  count,
  eq,
  gt,
  hopping,
  int64,
  integer,
  json,
  max,
  mean,
  min,
  not,
  record,
  string,
  sum,
  text,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import { newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const View = record('View', {
  url: string(),
  user: string(),
  shop: int64(),
  ms: integer(),
  at: timestamp(),
})
interface Visit {
  readonly url: string
  readonly user?: string
  readonly shop?: bigint
  readonly ms?: number
  readonly at: number
}

function viewsOf(app: App) {
  const views = app.topic('views', { key: string(), value: View, keyedBy: 'url', partitions: 2 })
  const send = async (...visits: Visit[]): Promise<void> => {
    for (const { url, user = 'u', shop = 1n, ms = 1, at } of visits)
      await views.send({ value: { url, user, shop, ms, at } })
  }
  return { views, send }
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

/** All that was sent is counted (or refused) and stored. */
async function settled(app: App, events: number): Promise<void> {
  await until(
    () => app.statistics().reduce((total, lane) => total + lane.storedOffset, 0) === events,
  )
}

for (const backend of ['wasm', 'js'] as const) {
  test(`get, windows, range and iteration: ${backend}`, { timeout }, async (t) => {
    const app = newApp(t, await newDirectory(), { backend })
    const { views, send } = viewsOf(app)
    const perPage = app
      .stream(views)
      .where((v) => and(gt(v.ms, 0), not(eq(v.user, 'bot'))))
      .keyBy('url')
      .time('at')
      .window(hopping('20s', '10s', { grace: '1m' }))
      .aggregate('per-page', (v) => ({
        views: count(),
        total: sum(v.ms),
        fastest: min(v.ms),
        slowest: max(v.ms),
        mean: mean(v.ms),
      }))
    await app.start()
    await send(
      { url: '/a', ms: 4, at: 100_000 },
      { url: '/a', ms: 8, at: 105_000 },
      { url: '/a', ms: 5, at: 110_000 },
      { url: '/b', ms: 7, at: 109_999 },
      { url: '/b', ms: 0, at: 100_000 },
      { url: '/b', user: 'bot', at: 100_000 },
    )
    await settled(app, 6)
    const row = (key: string, start: number, ...ms: number[]) => {
      const total = ms.reduce((one, other) => one + other)
      const [fastest, slowest] = [Math.min(...ms), Math.max(...ms)]
      const views = ms.length
      const end = start + 20_000
      return { key, start, end, views, total, fastest, slowest, mean: total / views }
    }
    assert.deepEqual(await perPage.get('/a'), row('/a', 110_000, 5))
    assert.equal(await perPage.get('/c'), undefined)
    assert.deepEqual(await perPage.windows('/a', { at: 109_000 }), [
      row('/a', 90_000, 4, 8),
      row('/a', 100_000, 4, 8, 5),
    ])
    assert.deepEqual(await perPage.windows('/a', { at: 89_999 }), [])
    const everything = [
      row('/a', 90_000, 4, 8),
      row('/b', 90_000, 7),
      row('/a', 100_000, 4, 8, 5),
      row('/b', 100_000, 7),
      row('/a', 110_000, 5),
    ]
    assert.deepEqual(await all(perPage), everything)
    assert.deepEqual(
      await all(perPage.range({ from: 100_000, to: 110_000 })),
      everything.slice(2, 4),
    )
    assert.deepEqual(await all(perPage.range({ key: '/b' })), [everything[1], everything[3]])
  })
}

test('without a window a table is for ever', { timeout }, async (t) => {
  const directory = await newDirectory()
  const run = async (events: number, ...visits: Visit[]) => {
    const app = newApp(t, directory)
    const { views, send } = viewsOf(app)
    const perPage = app
      .stream(views)
      .keyBy('url')
      .aggregate('per-page', (v) => ({ views: count(), total: sum(v.ms) }))
    await app.start()
    await send(...visits)
    await settled(app, events)
    const rows = await all(perPage)
    await app.stop()
    return rows
  }
  assert.deepEqual(await run(2, { url: '/a', ms: 2, at: 5 }, { url: '/a', ms: 3, at: 1e12 }), [
    { key: '/a', views: 2, total: 5 },
  ])
  // An hour of records is no bound, nor is a restart.
  assert.deepEqual(await run(4, { url: '/b', ms: 1, at: 0 }, { url: '/a', ms: 1, at: 7 }), [
    { key: '/a', views: 3, total: 6 },
    { key: '/b', views: 1, total: 1 },
  ])
})

test('keys of several fields, of other types, and of the record', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const { views, send } = viewsOf(app)
  const perUser = app
    .stream(views)
    .keyBy('url', 'user')
    .aggregate('per-user', () => ({ views: count() }))
  const perRecordKey = app.stream(views).aggregate('per-record-key', () => ({ views: count() }))
  const shops = app.topic('shops', { value: View, keyedBy: 'shop', partitions: 2 })
  const perShop = app
    .stream(shops)
    .keyBy('shop')
    .aggregate('per-shop', () => ({ views: count() }))
  await app.start()
  await send({ url: '/a', user: 'x', at: 1 }, { url: '/a', user: 'y', at: 1 })
  await shops.send({ value: { url: '/', user: '', shop: 2n ** 60n, ms: 1, at: 1 } })
  await settled(app, 5)
  assert.deepEqual(await perUser.get({ url: '/a', user: 'y' }), {
    key: { url: '/a', user: 'y' },
    views: 1,
  })
  assert.deepEqual(await perRecordKey.get('/a'), { key: '/a', views: 2 })
  assert.deepEqual(await all(perShop), [{ key: 2n ** 60n, views: 1 }])
})

test('changes() and final() go to topics', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const { views, send } = viewsOf(app)
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('at')
    .window(tumbling('10s', { grace: '5s' }))
    .aggregate('per-page', () => ({ views: count() }))
  const Row = record('Row', {
    key: string(),
    start: timestamp(),
    end: timestamp(),
    views: integer(),
  })
  type WindowKey = { key: string; start: number; end: number }
  const changes = app.topic('changes', { key: json<WindowKey>(), value: Row, partitions: 1 })
  const finals = app.topic('finals', { partitions: 1 })
  perPage.changes().to(changes)
  perPage.final().to(finals)
  const changed = new Map<string, number>()
  app.agent(changes, async (stream) => {
    for await (const { key, value } of stream.events())
      changed.set(`${key.key} ${key.start} ${key.end}`, value.views)
  })
  const final: unknown[] = []
  app.agent(finals, async (stream) => {
    for await (const { key, value } of stream.events())
      final.push([JSON.parse(Buffer.from(key ?? []).toString()), value])
  })
  await app.start()
  await send({ url: '/a', at: 100_000 }, { url: '/a', at: 101_000 }, { url: '/a', at: 110_000 })
  await until(() => changed.get('/a 100000 110000') === 2 && changed.get('/a 110000 120000') === 1)
  await send({ url: '/a', at: 114_999 }, { url: '/a', at: 109_999 })
  await until(() => changed.get('/a 100000 110000') === 3)
  assert.deepEqual(final, [], 'the window is open: its grace is not over')
  await send({ url: '/a', at: 115_000 })
  const result = { key: '/a', start: 100_000, end: 110_000, views: 3 }
  await until(() => final.length > 0)
  assert.deepEqual(final, [[{ key: '/a', start: 100_000, end: 110_000 }, result]])
  await send({ url: '/a', at: 126_000 })
  await until(() => final.length > 1)
  assert.deepEqual(final.length, 2, 'each window once')
})

test('windows expire after their retention', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const { views, send } = viewsOf(app)
  const perPage = app
    .stream(views)
    .keyBy('url')
    .time('at')
    .window(tumbling('10s', { grace: '5s', retention: '20s' }))
    .aggregate('per-page', () => ({ views: count() }))
  await app.start()
  await send({ url: '/a', at: 0 }, { url: '/a', at: 10_000 })
  await settled(app, 2)
  assert.deepEqual(
    (await all(perPage)).map((row) => row.start),
    [0, 10_000],
  )
  // end 10 s + grace 5 s + retention 20 s
  await send({ url: '/a', at: 34_999 })
  await settled(app, 3)
  assert.deepEqual(
    (await all(perPage)).map((row) => row.start),
    [0, 10_000, 30_000],
  )
  // Looked for once a window's length.
  await send({ url: '/a', at: 45_000 })
  await until(async () => (await all(perPage))[0].start === 30_000)
  assert.deepEqual(await perPage.windows('/a', { at: 5000 }), [])
})

test('an aggregation of a text topic counts by the key of its records', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const notes = app.topic('notes', { key: text(), value: text() })
  const perAuthor = app.stream(notes).aggregate('per-author', () => ({ notes: count() }))
  await app.start()
  for (const key of ['ann', 'bob', 'ann']) await notes.send({ key, value: 'not JSON' })
  await settled(app, 3)
  assert.deepEqual(await perAuthor.get('ann'), { key: 'ann', notes: 2 })
})
