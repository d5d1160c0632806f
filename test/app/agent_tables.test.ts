// Tables of agents through the public API on the embedded log: counts that outlive the app, cuts
// that go with acknowledged events, who may write, changes of the declaration.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { readLines } from '../../src/app/query_client.ts'
import {
  type App,
  type AppOptions,
  integer,
  nullable,
  optional,
  record,
  string,
} from '../../src/index.ts'
import { newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const Visit = record('Visit', { url: string(), user: string() })
const pages = ['/a', '/b', '/c', '/d', '/e']

/** Counts visits by url. */
function counting(app: App, { partitions = 3, concurrency = 1 } = {}) {
  const visits = app.topic('visits', { key: string(), value: Visit, keyedBy: 'url', partitions })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  const errors: unknown[] = []
  app.agent(
    visits,
    async (stream) => {
      for await (const { url, user } of stream) {
        if (user === 'bot') {
          const key = pages.find((page) => page !== url)!
          await counts.set(key, -1).catch((error) => errors.push(error))
        } else await counts.update(url, (n) => n + 1)
      }
    },
    { concurrency },
  )
  const visit = (count: number, user = 'u') =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        visits.send({ value: { url: pages[i % pages.length], user } }),
      ),
    )
  const total = async (): Promise<number> => {
    let sum = 0
    for await (const n of counts.values()) sum += n
    return sum
  }
  return { visits, counts, visit, total, errors }
}

/** What `euphorion table` prints. */
async function printed(app: App, table: string, key?: string): Promise<string[]> {
  const lines: string[] = []
  const query = { table, format: 'object', ...(key !== undefined && { key }) } as const
  const whole = (why: Error): never => assert.fail(why)
  for await (const line of readLines(app.settings.dataDir, [app.id], query, whole)) lines.push(line)
  return lines.sort()
}

test('an agent counts in a table, which goes on after a restart', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const first = newApp(t, dataDir)
  const { visit, total, counts } = counting(first)
  await assert.rejects(counts.get('/a'), { code: 'QUERY_UNAVAILABLE' })
  await first.start()
  await visit(500)
  await until(async () => (await total()) === 500)
  assert.equal(await counts.get('/a'), 100)
  assert.equal(await counts.get('/none'), 0)
  assert.equal(await counts.has('/none'), false)
  await first.stop()
  await assert.rejects(counts.get('/a'), { code: 'QUERY_UNAVAILABLE' })
  const second = newApp(t, dataDir)
  const again = counting(second)
  await second.start()
  assert.equal(await again.counts.get('/a'), 100)
  await again.visit(500)
  await until(async () => (await again.total()) === 1000)
  const rows = []
  for await (const row of again.counts) rows.push(row)
  assert.deepEqual(
    rows.sort(),
    pages.map((page) => [page, 200]),
  )
})

test('a table comes back from its changelog when the disk is lost', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const first = newApp(t, dataDir)
  const { visit, total } = counting(first)
  await first.start()
  await visit(500)
  await until(async () => (await total()) === 500)
  await first.stop()
  await rm(first.settings.dataDir, { recursive: true })
  const second = newApp(t, dataDir)
  const again = counting(second)
  await second.start()
  assert.equal(await again.counts.get('/b'), 100)
  await again.visit(5)
  await until(async () => (await again.total()) === 505)
})

test('rows are printed of a running worker, and of the store', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const { visit, total } = counting(app)
  await app.start()
  await visit(10)
  await until(async () => (await total()) === 10)
  const all = pages.map((key) => JSON.stringify({ key, value: 2 }))
  assert.deepEqual(await printed(app, 'counts'), all)
  assert.deepEqual(await printed(app, 'counts', '/b'), [all[1]])
  await app.stop()
  assert.deepEqual(await printed(app, 'counts'), all)
  assert.deepEqual(await printed(app, 'counts', '/b'), [all[1]])
  assert.deepEqual(await printed(app, 'counts', '/none'), [])
})

const busy: readonly (readonly [string, AppOptions, number])[] = [
  ['at least once', {}, 1],
  ['exactly once', { guarantee: 'exactly_once' }, 1],
  ['without changelogs', { changelog: false }, 1],
  ['with four functions a partition', {}, 4],
  ['with little room in memory', { tableCacheEntries: 100 }, 4],
]

for (const [what, options, concurrency] of busy) {
  test(`counts are right while cuts are made: ${what}`, { timeout }, async (t) => {
    const app = newApp(t, await newDirectory(), options)
    const visits = app.topic('visits', { key: string(), partitions: 2 })
    const Page = record('Page', { views: integer(), last: optional(string()) })
    const table = app.table('pages', { key: string(), value: Page, default: { views: 0 } })
    app.agent(
      visits,
      async (stream) => {
        for await (const { key } of stream.events()) {
          await table.update(key, (page) => {
            page.views++
            return page
          })
        }
      },
      { concurrency },
    )
    await app.start()
    const keys = 400
    for (let round = 0; round < 10; round++) {
      const sent = Array.from({ length: keys }, (_, i) => ({ key: `k${i}`, value: 0 }))
      await visits.sendMany(sent)
    }
    await until(async () => {
      let views = 0
      for await (const page of table.values()) views += page.views
      return views === 10 * keys
    })
    for (let i = 0; i < keys; i++) assert.deepEqual(await table.get(`k${i}`), { views: 10 })
    await app.stop()
    const stored = (await printed(app, 'pages')).map((line) => JSON.parse(line))
    assert.ok(stored.every(({ value }) => value.views === 10))
    assert.equal(stored.length, keys)
  })
}

test('an agent may not write keys of partitions that it has no event of', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const { visit, errors, counts } = counting(app, { partitions: 50 })
  await app.start()
  await assert.rejects(counts.set('/a', 1), { code: 'KEY_ELSEWHERE' })
  await visit(1, 'bot')
  await until(() => errors.length === 1)
  assert.match(String(errors[0]), /the key is of partition \d+ of table counts, which has no event/)
})

test('agents of topics with as many partitions write one table', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const count = (app: App) => {
    const table = app.table('both', { key: string(), value: integer(), default: 0, partitions: 2 })
    const topics = ['left', 'other', 'right'].map((name) =>
      app.topic(name, { key: string(), partitions: name === 'other' ? 3 : 2 }),
    )
    for (const [at, topic] of topics.entries()) {
      if (at === 1) app.agent(topic, async (stream) => void (await stream.events().next()))
      else
        app.agent(topic, async (stream) => {
          for await (const { key } of stream.events()) await table.update(key, (n) => n + 1)
        })
    }
    return { table, topics }
  }
  for (const round of [1, 2]) {
    const app = newApp(t, dataDir)
    const { table, topics } = count(app)
    await app.start()
    for (let i = 0; i < 100; i++)
      for (const topic of [topics[0], topics[2]]) await topic.send({ key: `k${i % 5}`, value: 0 })
    await until(async () => {
      const counts = await Promise.all(Array.from({ length: 5 }, (_, i) => table.get(`k${i}`)))
      return counts.every((n) => n === 40 * round)
    })
    await app.stop()
  }
})

test('a table that no agent can write is refused at start', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const options = { key: string(), value: integer() }
  const none = newApp(t, dataDir)
  none.table('counts', options)
  await assert.rejects(none.start(), { code: 'APP_INVALID', place: { table: 'counts' } })
  const several = newApp(t, dataDir)
  for (const partitions of [1, 2])
    several.agent(several.topic(`of-${partitions}`, { partitions }), async () => undefined)
  several.table('counts', options)
  await assert.rejects(several.start(), {
    code: 'PARTITIONS_MISMATCH',
    message: 'table counts: agents read topics of 1 and 2 partitions: give { partitions }',
  })
  const wrong = newApp(t, dataDir)
  wrong.agent(wrong.topic('of-2', { partitions: 2 }), async () => undefined)
  wrong.table('counts', { ...options, partitions: 3 })
  await assert.rejects(wrong.start(), { code: 'PARTITIONS_MISMATCH' })
})

test('a declaration that cannot be a table is refused', async (t) => {
  const app = newApp(t, await newDirectory())
  const options = { key: string(), value: integer() }
  app.table('counts', options)
  assert.throws(() => app.globalTable('counts', options), { code: 'TABLE_DUPLICATE' })
  assert.throws(() => app.table('a/b', options), { code: 'APP_INVALID' })
  assert.throws(() => app.table('n', { ...options, partitions: 0 }), { code: 'APP_INVALID' })
  assert.throws(() => app.table('n', { key: string(), value: nullable(integer()) }), {
    code: 'APP_INVALID',
  })
  assert.throws(() => app.table('n', { ...options, default: 1.5 }), { code: 'RECORD_INVALID' })
})

test('a table goes on with an optional field more, and not with a field less', {
  timeout,
}, async (t) => {
  const dataDir = await newDirectory()
  const run = async (value: Parameters<App['table']>[1]['value'], events: number) => {
    const app = newApp(t, dataDir)
    const visits = app.topic('visits', { key: string(), partitions: 1 })
    const table = app.table('pages', { key: string(), value })
    app.agent(visits, async (stream) => {
      for await (const { key } of stream.events()) await table.set(key, { views: 1, by: 'u' })
    })
    await app.start()
    for (let i = 0; i < events; i++) await visits.send({ key: `k${i}`, value: 0 })
    await until(async () => (await table.get('k0')) !== undefined)
    const found = await table.get('k0')
    await app.stop()
    return found
  }
  const narrow = record('Page', { views: integer() })
  const wide = record('Page', { views: integer(), by: optional(string()) })
  assert.deepEqual(await run(narrow, 1), { views: 1 })
  await rm(newApp(t, dataDir).settings.dataDir, { recursive: true })
  assert.deepEqual(await run(wide, 0), { views: 1 })
  await assert.rejects(run(narrow, 0), {
    code: 'TABLE_CHANGED',
    message: /field by of its values is gone/,
  })
})

test('a global table is whole on every worker', { timeout }, async (t) => {
  const dataDir = await newDirectory()
  const settings = (app: App) => {
    const prices = app.topic('prices', { key: string(), value: integer(), partitions: 3 })
    const table = app.globalTable('prices', { key: string(), value: integer() })
    app.agent(prices, async (stream) => {
      for await (const { key, value } of stream.events()) {
        if (value < 0) await table.delete(key)
        else await table.set(key, value)
      }
    })
    return { prices, table }
  }
  const rows = async (table: ReturnType<typeof settings>['table']) => {
    const found: [string, number][] = []
    for await (const row of table) found.push(row)
    return found.sort(([a], [b]) => a.localeCompare(b))
  }
  const first = newApp(t, dataDir)
  const { prices, table } = settings(first)
  await first.start()
  for (const [at, page] of pages.entries()) await prices.send({ key: page, value: at })
  await prices.send({ key: '/a', value: -1 })
  const wanted = pages.map((page, at) => [page, at]).slice(1)
  await until(async () => JSON.stringify(await rows(table)) === JSON.stringify(wanted))
  await first.stop()
  await rm(first.settings.dataDir, { recursive: true })
  const second = newApp(t, dataDir)
  const again = settings(second)
  await second.start()
  assert.deepEqual(await rows(again.table), wanted)
  const without = newApp(t, dataDir, { changelog: false })
  settings(without)
  await second.stop()
  await assert.rejects(without.start(), { code: 'SETTING_INVALID' })
})
