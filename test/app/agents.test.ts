// Agents through the public API on the embedded log: values and events, what is yielded to sinks,
// errors, restarts, bad records.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type App, json, raw, record, string, text } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { rejectsWith } from '../support/log.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const Word = record('Word', { word: string() })

const utf8 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString()

/** What an agent of the topic sees. */
function collect(app: App, name: string): unknown[] {
  const seen: unknown[] = []
  app.agent(app.topic(name), async (stream) => {
    for await (const value of stream) seen.push(value)
  })
  return seen
}

test('events have all that their records carry', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const words = app.topic('words', { key: text(), value: Word, partitions: 3 })
  const seen: unknown[] = []
  app.agent(words, async (stream) => {
    for await (const event of stream.events()) {
      const headers = event.headers.map(({ key, value }) => [key, utf8(value)])
      seen.push({ ...event, headers, of: [stream.topic, stream.partition] })
    }
  })
  await app.start()
  await words.send({
    key: 'k',
    value: { word: 'x' },
    partition: 1,
    timestamp: 1234,
    headers: { h: 'v' },
  })
  await until(() => seen.length === 1)
  assert.deepEqual(seen, [
    {
      key: 'k',
      value: { word: 'x' },
      topic: 'words',
      partition: 1,
      offset: 0,
      timestamp: 1234,
      headers: [['h', 'v']],
      of: ['words', 1],
    },
  ])
})

test('events of a partition come in order, one at a time', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const words = app.topic('words', { value: text(), partitions: 2 })
  const seen: string[][] = [[], []]
  let busy = 0
  let busiest = 0
  app.agent(words, async (stream) => {
    for await (const word of stream) {
      busiest = Math.max(busiest, ++busy)
      await new Promise((resolve) => setImmediate(resolve))
      seen[stream.partition].push(word)
      busy--
    }
  })
  await app.start()
  const sent = Array.from({ length: 200 }, (_, index) => String(index))
  await Promise.all(sent.map((value, index) => words.send({ value, partition: index % 2 })))
  await until(() => seen[0].length + seen[1].length === 200)
  assert.deepEqual(
    seen[0],
    sent.filter((_, index) => index % 2 === 0),
  )
  assert.deepEqual(
    seen[1],
    sent.filter((_, index) => index % 2 === 1),
  )
  assert.ok(busiest <= 2)
})

test('what an agent yields goes to all of its sinks', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const words = app.topic('words', { value: text() })
  const shouts = app.topic('shouts', { value: text() })
  const called: string[] = []
  app.agent(
    words,
    async function* (stream) {
      for await (const word of stream) if (word !== '') yield word.toUpperCase()
    },
    { sink: [shouts, (word) => called.push(word)] },
  )
  const seen: string[] = []
  app.agent(shouts, async (stream) => {
    for await (const word of stream) seen.push(word)
  })
  await app.start()
  for (const value of ['a', '', 'b']) await words.send({ value, partition: 0 })
  await until(() => seen.length === 2)
  assert.deepEqual(seen.sort(), ['A', 'B'])
  assert.deepEqual(called, ['A', 'B'])
})

test('several agents read one topic, each all of it', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const seen = [collect(app, 'numbers'), collect(app, 'numbers')]
  await app.start()
  for (let value = 0; value < 10; value++) await app.send('numbers', { value })
  await until(() => seen.every((each) => each.length === 10))
})

test('after a restart it goes on behind what was acknowledged', { timeout }, async (t) => {
  const directory = await newDirectory()
  const runs: string[][] = []
  for (const run of [0, 1, 2]) {
    const app = newApp(t, directory)
    const words = app.topic('words', { value: text(), partitions: 1 })
    const seen: string[] = []
    runs.push(seen)
    app.agent(words, async (stream) => {
      for await (const word of stream) seen.push(word)
    })
    await app.start()
    await words.send({ value: `run ${run}` })
    await until(() => seen.length > 0)
    await app.stop()
  }
  assert.deepEqual(runs, [['run 0'], ['run 1'], ['run 2']])
})

test('what an agent failed on comes again after a restart', { timeout }, async (t) => {
  const directory = await newDirectory()
  const seen: string[] = []
  for (const fails of [true, false]) {
    const app = newApp(t, directory)
    const words = app.topic('words', { value: text(), partitions: 1 })
    app.agent(words, async (stream) => {
      for await (const word of stream) {
        if (word === 'b' && fails) throw new Error('on purpose')
        seen.push(word)
      }
    })
    await app.start()
    if (fails) {
      for (const value of ['a', 'b', 'c']) await words.send({ value })
      await assert.rejects(app.ended, rejectsWith('HANDLER_FAILED'))
      await app.stop()
    } else await until(() => seen.length === 3)
  }
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('a function that returns stops its partition, and says so', { timeout }, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  const words = app.topic('words', { value: text(), partitions: 1 })
  app.agent(words, async (stream) => {
    for await (const _ of stream) return
  })
  await app.start()
  await words.send({ value: 'a' })
  await assert.rejects(app.ended, /the function of agent words returned/)
  assert.ok(logger.lines.some((line) => line.startsWith('error')))
})

test('concurrency: several functions share a partition', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const words = app.topic('words', { value: text(), partitions: 1 })
  const release: (() => void)[] = []
  app.agent(
    words,
    async (stream) => {
      for await (const _ of stream) await new Promise<void>((resolve) => release.push(resolve))
    },
    { concurrency: 3 },
  )
  await app.start()
  for (const value of ['a', 'b', 'c', 'd']) await words.send({ value })
  await until(() => release.length === 3)
  release[0]()
  await until(() => release.length === 4)
  for (const each of release) each()
  assert.throws(() => app.agent(words, async () => undefined, { concurrency: 0 }), {
    code: 'APP_INVALID',
  })
})

test('bad records go to the dead letters as they were, or are skipped', { timeout }, async (t) => {
  for (const onBadRecord of ['dead-letter', 'skip'] as const) {
    const app = newApp(t, await newDirectory())
    const words = app.topic('words', { value: Word, onBadRecord, partitions: 1 })
    const dead: string[] = []
    app.agent(app.topic('tested-dead-letter', { value: raw() }), async (stream) => {
      for await (const { value, headers } of stream.events()) {
        const reason = headers.find(({ key }) => key === 'euphorion.reason')?.value
        dead.push(`${utf8(value)} ${utf8(reason)}`)
      }
    })
    const seen: string[] = []
    app.agent(words, async (stream) => {
      for await (const { word } of stream) seen.push(word)
    })
    await app.start()
    await words.sendBytes(null, Buffer.from('{"word":1}'))
    await words.sendBytes(null, Buffer.from('no JSON'))
    await words.send({ value: { word: 'good' } })
    await until(() => seen.length === 1)
    if (onBadRecord === 'dead-letter') await until(() => dead.length === 2)
    await app.stop()
    const letters = ['{"word":1} wrong-type', 'no JSON invalid-json']
    assert.deepEqual(dead.sort(), onBadRecord === 'skip' ? [] : letters.sort())
  }
})

test('a topic without types holds JSON; one with codecs holds what they write', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const seen = collect(app, 'anything')
  await app.start()
  const values = [{ a: [1, null] }, 'text', 7, null]
  for (const value of values) await app.send('anything', { value, partition: 0 })
  await until(() => seen.length === values.length)
  assert.deepEqual(seen, values)
  const typed = app.topic('typed', { key: json<number[]>(), value: text(), partitions: 1 })
  await assert.rejects(typed.send({ key: [1], value: 'x' }), rejectsWith('TOPIC_UNKNOWN'))
})
