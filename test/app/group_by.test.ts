// stream.groupBy() and through() on the embedded log: counts by another key than that of the topic,
// names of the topics between, what is a bad record, and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type App, integer, json, record, string, type Table, type Topic } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { rejectsWith } from '../support/log.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const PageView = record('PageView', { user: string(), url: string(), ms: integer() })
type View = { user: string; url: string; ms: number }
const urls = ['/a', '/b', '/c', '/d', '/e']

interface Counting {
  readonly app: App
  readonly views: Topic<string, View>
  readonly counts: Table<string, number, number>
}

/** Counts views, which are keyed by user, by url. */
function counting(app: App, keyedBy: 'user' | 'url' = 'user', partitions = 3): Counting {
  const views = app.topic('page-views', { key: string(), value: PageView, keyedBy, partitions })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  app.agent(
    views,
    async (stream) => {
      for await (const view of stream.groupBy('url')) await counts.update(view.url, (n) => n + 1)
    },
    { name: 'counter' },
  )
  return { app, views, counts }
}

const repartitioned = (app: App) => `${app.id}-counter-page-views-PageView.url-repartition`

async function view(views: Topic<string, View>, count: number): Promise<void> {
  const value = (i: number) => ({ user: `u${i % 7}`, url: urls[i % urls.length], ms: i })
  await Promise.all(Array.from({ length: count }, (_, i) => views.send({ value: value(i) })))
}

async function total(counts: Table<string, number, number>): Promise<number> {
  let sum = 0
  for await (const n of counts.values()) sum += n
  return sum
}

const utf8 = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()

async function topicNames(app: App): Promise<string[]> {
  return (await (await app.log()).topics()).map(({ name }) => name)
}

test('views are counted by a field that they are not keyed by', { timeout }, async (t) => {
  const { app, views, counts } = counting(newApp(t, await newDirectory()))
  await app.start()
  await view(views, 100)
  await until(async () => (await total(counts)) === 100)
  for (const url of urls) assert.equal(await counts.get(url), 20)
  const log = await app.log()
  assert.equal((await log.topic(repartitioned(app))).partitions, 3)
})

test('an app that starts again counts what is left between', { timeout }, async (t) => {
  const directory = await newDirectory()
  const first = counting(newApp(t, directory))
  await first.app.start()
  await view(first.views, 50)
  await until(async () => (await total(first.counts)) === 50)
  await first.app.stop()
  const log = await first.app.log()
  const forwarded = await log.read(repartitioned(first.app), 0, 0)
  assert.ok(forwarded.length > 0)
  const producer = await log.producer()
  const { key, value } = forwarded[0]
  await producer.append(repartitioned(first.app), 0, [{ key, value, timestamp: 0 }])
  await producer.close()
  await first.app.stop()
  const second = counting(newApp(t, directory))
  await second.app.start()
  await until(async () => (await total(second.counts)) === 51)
})

test('where the topic is keyed by the field there is no hop', { timeout }, async (t) => {
  const { app, views, counts } = counting(newApp(t, await newDirectory()), 'url')
  await app.start()
  await view(views, 20)
  await until(async () => (await total(counts)) === 20)
  assert.ok(!(await topicNames(app)).some((name) => name.endsWith('-repartition')))
})

test('exactly once, a worker that starts again and again loses and doubles none', {
  timeout,
}, async (t) => {
  const directory = await newDirectory()
  const options = { guarantee: 'exactly_once' } as const
  const lives = 4
  for (let life = 1; life <= lives; life++) {
    const { app, views, counts } = counting(newApp(t, directory, options))
    await app.start()
    const sending = view(views, 60)
    if (life < lives) {
      await sending
      await app.stop()
      continue
    }
    await until(async () => (await total(counts)) === 60 * lives)
    for (const url of urls) assert.equal(await counts.get(url), 12 * lives)
  }
})

test('two workers count every view once; one that leaves is stood in for', {
  timeout,
}, async (t) => {
  const directory = await newDirectory()
  const workers = [1, 2].map((number) =>
    counting(newApp(t, directory, { dataDir: `${directory}/state-${number}` })),
  )
  const [one, two] = workers
  await one.app.start()
  await view(one.views, 40)
  await two.app.start()
  await view(one.views, 60)
  // each has its own partitions
  const sum = async () => (await total(one.counts)) + (await total(two.counts))
  await until(async () => (await sum()) === 100)
  await two.app.stop()
  await view(one.views, 20)
  await until(async () => (await total(one.counts)) === 120)
})

test('a key function may be async; its type is given', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const views = app.topic('page-views', { key: string(), value: PageView, keyedBy: 'user' })
  const seen: unknown[] = []
  const even = async ({ ms }: View) => ms % 2
  app.agent(views, async function reads(stream) {
    const grouped = stream.groupBy('even', even, { key: integer(), partitions: 4 })
    for await (const { key, value, headers, timestamp, topic } of grouped.events())
      seen.push({ key: key + 0, ms: value.ms, header: utf8(headers[0].value), timestamp, topic })
  })
  await app.start()
  const value = { user: 'u', url: '/', ms: 3 }
  await views.send({ value, headers: { from: 'here' }, timestamp: 1000 })
  await until(() => seen.length === 1)
  const topic = 'tested-reads-page-views-even-repartition'
  assert.deepEqual(seen, [{ key: 1, ms: 3, header: 'here', timestamp: 1000, topic }])
  const log = await app.log()
  assert.equal((await log.topic(topic)).partitions, 4)
  const stored = await Promise.all([0, 1, 2, 3].map((partition) => log.read(topic, partition, 0)))
  assert.equal(utf8(stored.flat()[0].value), JSON.stringify(value))
})

test('what gets no key is left out by the policy of bad records', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const numbers = app.topic('numbers', { value: json<number>(), partitions: 1 })
  const seen: number[] = []
  const parity = (n: number) => {
    if (n === 2) throw new Error('no twos')
    return n === 4 ? (undefined as unknown as string) : `${n % 2}`
  }
  app.agent(numbers, async function parities(stream) {
    for await (const n of stream.groupBy('parity', parity)) seen.push(n)
  })
  await app.start()
  for (const value of [1, 2, 3, 4, 5]) await numbers.send({ value })
  await until(() => seen.length === 3)
  assert.deepEqual(seen.sort(), [1, 3, 5])
  const log = await app.log()
  const reasons = await until(async () => {
    const letters = await Promise.all([0, 1].map((each) => log.read('tested-dead-letter', each, 0)))
    const found = letters.flat().map(({ headers = [] }) => utf8(headers[0].value))
    return found.length === 2 ? found : undefined
  })
  assert.deepEqual(reasons.sort(), ['key: no twos', 'null-key'])
})

test('what is grouped is grouped again, through, and by a name of one prefix', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const views = app.topic('page-views', { key: string(), value: PageView, keyedBy: 'user' })
  const passed = app.topic('passed', { key: integer(), value: PageView })
  const seen: [string, number, string][] = []
  app.agent(
    views,
    async (stream) => {
      const byTime = stream.groupBy('url').groupBy('ms').through(passed)
      for await (const { key, value, topic } of byTime.events()) seen.push([value.url, key, topic])
    },
    { name: 'mod.agent' },
  )
  await app.start()
  await view(views, 10)
  await until(() => seen.length === 10)
  for (const [url, ms, topic] of seen) assert.deepEqual([urls[ms % 5], 'passed'], [url, topic])
  const names = (await topicNames(app)).filter((name) => name.endsWith('-repartition'))
  const first = 'tested-mod.agent-page-views-PageView.url-repartition'
  assert.deepEqual(names, [first, `${first}-PageView.ms-repartition`])
})

test('a second way of one stream, and functions that share a partition, are refused', {
  timeout,
}, async (t) => {
  const lines = new Lines()
  const app = newApp(t, await newDirectory(), { logger: lines })
  const views = app.topic('page-views', { key: string(), value: PageView, partitions: 1 })
  const refused: string[] = []
  const note = (error: unknown): void => {
    if (rejectsWith('APP_INVALID')(error)) refused.push((error as Error).message)
  }
  app.agent(views, async function twice(stream) {
    stream.groupBy('url')
    for (const again of [
      () => stream.groupBy('user'),
      () => stream.groupBy('name with spaces', () => ''),
      () => stream.groupBy('missing' as 'url'),
      () => stream.through(views),
    ])
      try {
        again()
      } catch (error) {
        note(error)
      }
    for await (const _ of stream);
  })
  app.agent(
    views,
    async (stream) => {
      try {
        stream.groupBy('url')
      } catch (error) {
        note(error)
      }
      for await (const _ of stream);
    },
    { concurrency: 2, name: 'shared' },
  )
  await app.start()
  await until(() => refused.length >= 6)
  for (const part of ['already', 'become', 'no field missing', 'never end', 'a concurrency of 1'])
    assert.ok(
      refused.some((message) => message.includes(part)),
      part,
    )
})
