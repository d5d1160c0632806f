// What asking an agent puts on the log, and what agents understand: the headers and JSON of Faust,
// in both forms and both directions; topics of replies and of agents.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type App,
  bytes,
  int64,
  json,
  nullable,
  type ProducedMessage,
  record,
  string,
} from '../../src/index.ts'
import { newApp, until } from '../support/apps.ts'
import { isError } from '../support/coded_errors.ts'
import { readAll } from '../support/embedded.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const utf8 = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString()

async function recordsOf(app: App, topic: string) {
  const records = await readAll(await app.log(), topic)
  return records.map(({ key, value, headers = [] }) => ({
    key: key && utf8(key),
    value: utf8(value),
    headers: headers.map((header) => [header.key, utf8(header.value)]),
  }))
}

const double = {
  value: json<number>(),
  key: nullable(string()),
  partitions: 1,
} as const

const address = { replyTo: 'reply-t', correlationId: 'cid' }

test('a request has the headers of Faust, and its reply the JSON', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  app.topic('reply-t', { partitions: 1 })
  const agent = app.agent(
    async function* double(stream) {
      for await (const value of stream) yield value * 2
    },
    { value: json<number>(), key: nullable(string()), partitions: 1 },
  )
  await app.start()
  await agent.send({ key: 'k', value: 3, headers: { h: 'x' }, ...address })
  const [reply] = await until(async () => {
    const found = await recordsOf(app, 'reply-t')
    return found.length > 0 ? found : undefined
  })
  const [request] = await recordsOf(app, 'tested-double')
  assert.deepEqual(request, {
    key: 'k',
    value: '3',
    headers: [
      ['h', 'x'],
      ['Faust-Ag-ReplyTo', 'reply-t'],
      ['Faust-Ag-CorrelationId', 'cid'],
    ],
  })
  assert.deepEqual(reply, {
    key: null,
    value: '{"key":"k","value":6,"correlation_id":"cid","__faust":{"ns":"@ReqRepResponse"}}',
    headers: [],
  })
})

test('without headers it is wrapped around the value, and read so', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  app.topic('reply-t', { partitions: 1 })
  const agent = app.agent(
    async function* double(stream) {
      for await (const { value, headers } of stream.events()) {
        assert.equal(headers.length, value < 3 ? 0 : 2)
        yield value * 2
      }
    },
    { ...double, replyHeaders: false },
  )
  await app.start()
  await agent.send({ value: 3, ...address })
  await until(async () => (await recordsOf(app, 'reply-t')).length === 1)
  assert.deepEqual(await recordsOf(app, 'tested-double'), [
    {
      key: null,
      value:
        '{"value":3,"reply_to":"reply-t","correlation_id":"cid","__faust":{"ns":"@ReqRepRequest"}}',
      headers: [],
    },
  ])
  assert.equal(await agent.ask(21), 42)
  // as json.dumps of Python writes it, among others
  const wrapped =
    '{"value": 5, "reply_to": "reply-t", "correlation_id": "c2", "__faust": {"ns": "@ReqRepRequest"}}'
  const topic = app.topic('tested-double')
  await Promise.all([
    agent.cast(1),
    topic.sendBytes(Buffer.from('key'), Buffer.from(wrapped)),
    agent.cast(2),
  ])
  await until(async () => (await recordsOf(app, 'reply-t')).length === 2)
  const [, second] = await recordsOf(app, 'reply-t')
  assert.equal(
    second.value,
    '{"key":"key","value":10,"correlation_id":"c2","__faust":{"ns":"@ReqRepResponse"}}',
  )
})

test('values of declared types arrive whole, in both forms', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const Big = record('Big', { n: int64(), data: bytes() })
  for (const replyHeaders of [true, false]) {
    const echo = app.agent(
      `big-${replyHeaders}`,
      async function* (stream) {
        for await (const value of stream) yield value
      },
      { key: nullable(string()), value: Big, reply: Big, replyHeaders },
    )
    const raw = app.agent(
      `raw-${replyHeaders}`,
      async function* (stream) {
        for await (const value of stream) yield value
      },
      { key: nullable(string()), value: bytes(), reply: bytes(), replyHeaders },
    )
    const value = { n: 2n ** 60n + 1n, data: new Uint8Array([0, 255, 128]) }
    if (replyHeaders) continue
    await app.start()
    const got = await echo.ask(value)
    assert.deepEqual([got.n, [...got.data]], [value.n, [0, 255, 128]])
    assert.deepEqual([...(await raw.ask(value.data))], [0, 255, 128])
  }
})

test('half an address is refused, and who does not yield is not asked', async (t) => {
  const app = newApp(t, await newDirectory())
  const silent = app.agent('words', async (stream) => {
    for await (const _ of stream);
  })
  const half = { value: 1, correlationId: 'cid' } as unknown as { value: number }
  await assert.rejects(silent.send(half), isError('APP_INVALID', /both replyTo and correlationId/))
  const asked = silent as unknown as { ask(value: number): Promise<unknown> }
  await assert.rejects(asked.ask(1), isError('APP_INVALID', /agent words does not yield/))
})

test('sinks need an agent that yields, and are each named once', async (t) => {
  const app = newApp(t, await newDirectory())
  const words = app.topic('words')
  const silent = async (stream: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of stream);
  }
  const options = { sink: [() => {}] } as object
  assert.throws(
    () => app.agent(words, silent, options),
    isError('APP_INVALID', /has sinks, and yields nothing/),
  )
  const sink = (): void => undefined
  const run = async function* (stream: AsyncIterable<unknown>) {
    yield* stream
  }
  assert.throws(
    () => app.agent(words, run, { sink: [sink, sink] }),
    isError('APP_INVALID', /has a sink twice/),
  )
  assert.throws(() => app.agent(async () => undefined), isError('APP_INVALID', /has a name/))
})

test('functions, topics and agents get each value, in order', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const seen: Record<string, number[]> = { sync: [], async: [], agent: [] }
  const out = app.topic('out', { value: json<number>(), partitions: 1 })
  const collect = app.agent(
    async function collect(stream) {
      for await (const value of stream) seen.agent.push(value)
    },
    { value: json<number>(), partitions: 1 },
  )
  const twice = app.agent(
    async function* twice(stream) {
      for await (const value of stream) yield* [value, -value]
    },
    {
      value: json<number>(),
      partitions: 1,
      sink: [
        (value: number) => void seen.sync.push(value),
        async (value: number) => {
          await new Promise((resolve) => setImmediate(resolve))
          seen.async.push(value)
        },
        out,
        collect,
      ],
    },
  )
  await app.start()
  for (const value of [1, 2, 3]) await twice.cast(value)
  const all = [1, -1, 2, -2, 3, -3]
  await until(() => seen.agent.length === all.length)
  assert.deepEqual(seen, { sync: all, async: all, agent: all })
  assert.deepEqual(
    (await recordsOf(app, 'out')).map(({ value }) => Number(value)),
    all,
  )
})

test('a topic of replies has one partition and expires, made as settings say', async (t) => {
  const app = newApp(t, await newDirectory(), {
    replyTo: 'mine',
    replyCreateTopic: true,
    replyExpiresMs: '1h',
  })
  await app.startClient()
  const log = await app.log()
  assert.equal((await log.topic('mine')).partitions, 1)
  const config = (await log.topicConfigs!(['mine'])).get('mine')
  assert.equal(config?.retentionMs, 3_600_000)
  assert.equal(config?.cleanup, 'delete')
  await app.stop()
  // it has a name that somebody gave it
  assert.ok((await (await app.log()).topics()).some(({ name }) => name === 'mine'))
})

test('an agent without a topic has its own, by its name', async (t) => {
  const app = newApp(t, await newDirectory())
  const named = app.agent(async function greet(stream) {
    for await (const _ of stream);
  })
  assert.deepEqual([named.name, named.definition.topic], ['greet', 'tested-greet'])
  const other = app.agent(named.definition.run, { name: 'other' })
  assert.equal(other.definition.topic, 'tested-other')
})

test('all that is sent passes who listens, with headers to add', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const words = app.topic('words', { value: string(), partitions: 1 })
  const heard: ProducedMessage[] = []
  const off = app.on('produceMessage', (message) => {
    message.headers.push({ key: 'trace', value: Buffer.from(String(heard.length)) })
    heard.push(message)
  })
  await words.send({ value: 'a', key: Buffer.from('k'), timestamp: 5, headers: { h: 'x' } })
  await words.sendMany([{ value: 'b' }, { value: 'c', partition: 0 }])
  off()
  await words.send({ value: 'd' })
  assert.deepEqual(
    (await recordsOf(app, 'words')).map(({ value, headers }) => [value, ...headers.flat()]),
    [['a', 'h', 'x', 'trace', '0'], ['b', 'trace', '1'], ['c', 'trace', '2'], ['d']],
  )
  const [{ topic, key, value, partition, timestamp }] = heard
  assert.deepEqual([topic, utf8(key), utf8(value)], ['words', 'k', 'a'])
  assert.deepEqual([partition, timestamp, heard[2].partition], [undefined, 5, 0])
})
