// Agents that come and go while the app runs, and agents of several topics, on the embedded log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type App, integer, json, string } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { rejectsWith } from '../support/log.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const numbersOf = (app: App, name = 'numbers') =>
  app.topic(name, { value: json<number>(), partitions: 2 })

/** An agent that keeps what it sees, with the topic it came of. */
function collect(app: App, topic: ReturnType<typeof numbersOf>, name: string) {
  const seen: number[] = []
  const topics = new Set<string>()
  const agent = app.agent(
    topic,
    async (stream) => {
      topics.add(stream.topic)
      for await (const value of stream) seen.push(value)
    },
    { name },
  )
  return { agent, seen, topics }
}

test('an agent that is declared while the app runs begins to read', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  await app.start()
  const numbers = numbersOf(app)
  const { agent, seen } = collect(app, numbers, 'late')
  await agent.start()
  for (const value of [1, 2, 3]) await numbers.send({ value })
  await until(() => seen.length === 3)
  const other = collect(app, numbers, 'later')
  await other.agent.start()
  await numbers.send({ value: 4 })
  await until(() => seen.length === 4 && other.seen.includes(4))
})

test('an agent that was stopped goes on where it was, beside others that went on', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const numbers = numbersOf(app)
  const one = collect(app, numbers, 'one')
  const two = collect(app, numbers, 'two')
  await assert.rejects(one.agent.start(), rejectsWith('APP_INVALID'))
  await app.start()
  await numbers.send({ value: 1 })
  await until(() => one.seen.length === 1 && two.seen.length === 1)
  await one.agent.stop()
  await one.agent.stop()
  for (const value of [2, 3, 4]) await numbers.send({ value })
  await until(() => two.seen.length === 4)
  assert.deepEqual(one.seen, [1])
  await one.agent.start()
  await numbers.send({ value: 5 })
  await until(() => one.seen.length === 5 && two.seen.length === 5)
  assert.deepEqual(one.seen.sort(), [1, 2, 3, 4, 5])
  assert.deepEqual(two.seen.sort(), [1, 2, 3, 4, 5])
})

test('an agent with a table is begun anew and counts every event once', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory(), { guarantee: 'exactly_once' })
  const words = app.topic('words', { key: string(), value: string(), partitions: 2 })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  const agent = app.agent(words, async function counter(stream) {
    const byLength = stream.groupBy('length', (word) => `${word.length}`)
    for await (const { key } of byLength.events()) await counts.update(key, (n) => n + 1)
  })
  await app.start()
  const total = async () => {
    let sum = 0
    for await (const n of counts.values()) sum += n
    return sum
  }
  for (let round = 1; round <= 3; round++) {
    const sends = ['a', 'bb', 'ccc', 'dddd'].map((value) => words.send({ key: value, value }))
    if (round === 2) await agent.restart()
    await Promise.all(sends)
    await until(async () => (await total()) === 4 * round)
  }
  assert.equal(await counts.get('3'), 3)
})

test('an agent reads several topics by their names', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const both = app.topic(['numbers-a', 'numbers-b'], { value: json<number>() })
  const { seen, topics } = collect(app, both, 'both')
  await app.start()
  await app.send('numbers-a', { value: 1 })
  await app.send('numbers-b', { value: 2 })
  await until(() => seen.length === 2)
  assert.deepEqual([...topics].sort(), ['numbers-a', 'numbers-b'])
  const asOne: ReturnType<typeof numbersOf> = both
  await assert.rejects(asOne.send({ value: 1 }), rejectsWith('APP_INVALID'))
  await assert.rejects(app.send(both, { value: 1 }), rejectsWith('APP_INVALID'))
  assert.throws(() => app.stream(both as never), rejectsWith('APP_INVALID'))
  assert.throws(() => app.topic([]), rejectsWith('APP_INVALID'))
})

test('topics that match a pattern are found when they come, and let go when they are deleted', {
  timeout,
}, async (t) => {
  const lines = new Lines()
  const options = { topicRefreshMs: 100, logger: lines }
  const app = newApp(t, await newDirectory(), options)
  const log = await app.log()
  await log.createTopic('orders.eu', { partitions: 1 })
  const orders = app.topic(/^orders\./, { value: json<number>() })
  const { seen, topics } = collect(app, orders, 'all')
  await app.start()
  await app.send('orders.eu', { value: 1 })
  await until(() => seen.length === 1)
  const running = await app.log()
  await running.createTopic('orders.us', { partitions: 2 })
  await app.send('orders.us', { value: 2 })
  await until(() => seen.length === 2)
  assert.deepEqual([...topics].sort(), ['orders.eu', 'orders.us'])
  await running.deleteTopic('orders.us')
  await until(() => lines.lines.some((line) => line.includes('is not read any more')))
  await app.send('orders.eu', { value: 3 })
  await until(() => seen.length === 3)
  await running.createTopic('orders.us', { partitions: 2 })
  await app.send('orders.us', { value: 4 })
  await until(() => seen.length === 4)
  assert.ok(!lines.lines.some((line) => line.startsWith('error')), lines.lines.join('\n'))
})
