// Operators and channels of running apps on the embedded log: what is done over several runs, which
// records are sent on, and what goes from agent to agent in memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { float64, integer, json, record, type Stream, string, text } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { readAll } from '../support/embedded.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 120_000
type Numbers = Stream<string, number>

const numberOf = (value: Uint8Array | null | undefined): number =>
  Number(Buffer.from(value ?? []).toString())
const isEven = (n: number): boolean => n % 2 === 0
const all = Array.from({ length: 600 }, (_, n) => n)

interface Chain {
  readonly run: (stream: Numbers, got: (value: number) => void) => Promise<void>
  readonly gives: readonly number[]
}

const chains: Record<string, Chain> = {
  'take behind filter': {
    run: async (stream, got) => {
      for await (const list of stream.filter(isEven).take(7, { within: 20 })) list.forEach(got)
    },
    gives: all.filter(isEven),
  },
  'buffer behind map': {
    run: async (stream, got) => {
      for await (const value of stream.map(async (n) => n + 1).buffer(10)) got(value)
    },
    gives: all.map((n) => n + 1),
  },
  'flatMap in lists of its own size': {
    run: async (stream, got) => {
      for await (const list of stream.flatMap((n) => [n, n]).take(4, { within: 20 })) {
        list.forEach(got)
      }
    },
    gives: all.flatMap((n) => [n, n]),
  },
  branches: {
    run: async (stream, got) => {
      const [even, odd] = stream.branch(isEven, () => true)
      await Promise.all([even.to(got), odd.map((n) => -n).to(got)])
    },
    gives: all.map((n) => (isEven(n) ? n : -n)),
  },
}

for (const [name, { run, gives }] of Object.entries(chains)) {
  test(`${name}: over several runs, each event is worked off once`, { timeout }, async (t) => {
    const random = seededRandom(11)
    const app = newApp(t, await newDirectory())
    const numbers = app.topic('numbers', { key: text(), value: json<number>(), partitions: 1 })
    const got: number[] = []
    app.agent(numbers, (stream) => run(stream, (value) => got.push(value)))
    await app.start()
    for (let sent = 0; sent < all.length; sent += 200) {
      const enough = got.length + Math.floor(random() * 150)
      await numbers.sendMany(all.slice(sent, sent + 200).map((value) => ({ key: 'k', value })))
      await until(() => got.length >= Math.min(enough, gives.length))
      await app.stop()
      await app.start()
    }
    await until(() => got.length >= gives.length)
    await app.stop()
    const ascending = (a: number, b: number): number => a - b
    assert.deepEqual(got.sort(ascending), [...gives].sort(ascending))
  })
}

test('forward sends records as they were, and echo what they are now', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const View = record('View', { n: integer(), ms: float64() })
  const views = app.topic('views', { key: string(), value: View, partitions: 1 })
  const raw = app.topic('raw', { partitions: 1 })
  const made = app.topic('made', { key: string(), value: json<number>(), partitions: 1 })
  const own = app.channel<number, string>('own')
  const places: unknown[] = []
  app.agent(own, async (stream) => {
    for await (const { key, value, offset } of stream.events()) places.push([key, value, offset])
  })
  let first: number | undefined
  app.agent(views, async (stream) => {
    for await (const { n } of stream) {
      first = n
      break
    }
    await stream
      .map(({ n }) => n * 2)
      .forward(raw, own)
      .to(made)
  })
  // so many that kernels read ahead of the first loop
  const texts = all.map((n) => `{ "ms": ${n}.50, "other": "${'x'.repeat(100)}", "n": ${n} }`)
  const send = (value: string, n: number) => {
    const headers: Record<string, string> = n % 2 === 0 ? {} : { h: `${n}` }
    const bytes = Buffer.from(value)
    return views.sendBytes(Buffer.from(`"k${n}"`), bytes, { timestamp: n, headers })
  }
  // which creates the topic
  await send(texts[0], 0)
  await Promise.all(texts.slice(1).map((value, index) => send(value, index + 1)))
  await app.start()
  const log = await app.log()
  await until(async () => (await log.offsets('made'))[0].latest === all.length - 1)
  assert.equal(first, 0)
  const forwarded = await readAll(log, 'raw')
  const sent = (await readAll(log, 'views')).slice(1)
  const bytesOf = (records: typeof sent) =>
    records.map(({ key, value, timestamp, headers }) => [key, value, timestamp, headers])
  assert.deepEqual(bytesOf(forwarded), bytesOf(sent))
  const numbers = (await readAll(log, 'made')).map(({ value }) => numberOf(value))
  assert.deepEqual(
    numbers,
    all.slice(1).map((n) => n * 2),
  )
  await app.stop()
  assert.deepEqual(
    places,
    all.slice(1).map((n) => [`"k${n}"`, n * 2, n]),
  )
})

test('channels go from agent to agent, and are empty when the app stops', {
  timeout,
}, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger, channelCapacity: 3 })
  const numbers = app.topic('numbers', { value: json<number>(), partitions: 2 })
  const doubled = app.topic('doubled', { value: json<number>(), partitions: 1 })
  const channel = app.channel<number>()
  app.agent(numbers, async (stream) => {
    await stream.to((value) => channel.send({ value }))
  })
  app.agent(
    channel,
    async function* doubles(stream) {
      for await (const value of stream) {
        if (value === 5) throw new Error('five')
        yield value * 2
      }
    },
    { sink: doubled },
  )
  await app.start()
  for (let n = 0; n < 10; n++) await numbers.send({ value: n })
  const log = await app.log()
  await until(async () => (await log.offsets('doubled'))[0].latest === 9)
  const got = (await readAll(log, 'doubled')).map(({ value }) => numberOf(value))
  assert.deepEqual(
    got.sort((a, b) => a - b),
    [0, 2, 4, 6, 8, 12, 14, 16, 18],
  )
  await app.stop()
  assert.equal(channel.subscribers, 0)
  assert.ok(logger.lines.some((line) => line.startsWith('error') && line.includes('five')))
  await app.start()
  await app.send(channel, { value: 50 })
  await app.stop()
  await app.start()
  const later = await readAll(await app.log(), 'doubled')
  assert.equal(numberOf(later.at(-1)?.value), 100)
})

test('an aggregation over a channel is refused when it is declared', async (t) => {
  const app = newApp(t, await newDirectory())
  const channel = app.channel('words') as unknown as ReturnType<typeof app.topic>
  assert.throws(() => app.stream(channel), { code: 'APP_INVALID' })
})

test('tables that are written behind operators count each event once, over cuts and runs', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory(), { commitIntervalMs: 10, store: 'memory' })
  const numbers = app.topic('numbers', { key: text(), value: json<number>(), partitions: 2 })
  const counts = app.table('counts', { key: text(), value: integer(), default: 0 })
  app.agent(numbers, async (stream) => {
    const loaded = stream.map(async (n) => n).buffer(20)
    const [even, odd] = loaded.branch(isEven, () => true)
    const count = (key: string) => counts.update(key, (n) => n + 1)
    const lists = async (): Promise<void> => {
      for await (const list of even.takeEvents(5, { within: 15 }))
        for (const { key } of list) await count(key)
    }
    await Promise.all([lists(), odd.to((_, { key }) => count(key))])
  })
  await app.start()
  const keys = Array.from({ length: 8 }, (_, key) => `k${key}`)
  for (let round = 0; round < 3; round++) {
    await numbers.sendMany(all.map((value) => ({ key: keys[value % keys.length], value })))
    await until(async () => (await counts.get('k0')) >= 75 * round + 10)
    await app.stop()
    await app.start()
  }
  await until(async () => {
    const found = await Promise.all(keys.map((key) => counts.get(key)))
    return found.every((n) => n >= 225)
  })
  await app.stop()
  await app.start()
  for (const key of keys) assert.equal(await counts.get(key), 225)
})
