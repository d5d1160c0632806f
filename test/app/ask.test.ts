// Agents that are asked through the public API, on the embedded log: from the worker itself and
// from clients; values, lists, errors, time-outs, what is left behind.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  App,
  type AppOptions,
  EuphorionError,
  integer,
  json,
  nullable,
  record,
  string,
} from '../../src/index.ts'
import { inFolder, newApp, until } from '../support/apps.ts'
import { isError } from '../support/coded_errors.ts'
import { newDirectory, runNode } from '../support/program.ts'

const timeout = 60_000
const Sum = record('Sum', { a: integer(), b: integer() })

/** What worker and client both declare. */
function calculator(app: App) {
  const sums = app.topic('sums', { key: nullable(string()), value: Sum })
  return app.agent(
    sums,
    async function* add(stream) {
      for await (const { a, b } of stream) yield a + b
    },
    { reply: integer() },
  )
}

/** Another app of the same log, stopped at the test's end. */
function newClient(t: TestContext, directory: string, options: AppOptions = {}): App {
  const app = new App('client', { ...inFolder(directory), ...options })
  t.after(() => app.stop())
  return app
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof EuphorionError, String(error))
  return error.code
}

test('a worker asks its own agent, and gets the value that it yields', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const add = calculator(app)
  await app.start()
  assert.equal(await add.ask({ a: 1, b: 2 }), 3)
  assert.equal(await add.ask({ a: 2, b: 2 }, { key: 'k', partition: 1, headers: { h: 'x' } }), 4)
  assert.equal(app.replies().answered, 2)
  assert.equal(app.replies().waiting, 0)
})

test('a client asks agents of a worker, without a group, and stops', { timeout }, async (t) => {
  const directory = await newDirectory()
  const worker = newApp(t, directory)
  calculator(worker)
  await worker.start()
  const client = newClient(t, directory)
  const add = calculator(client)
  await client.startClient()
  assert.equal(await add.ask({ a: 20, b: 22 }), 42)
  const log = await client.log()
  const mine = (await log.topics()).map(({ name }) => name).filter((name) => /^f-reply-/.test(name))
  assert.equal(mine.length, 1)
  assert.deepEqual((await log.topics()).find(({ name }) => name === mine[0])?.partitions, 1)
  await client.stop()
  const left = await (await worker.log()).topics()
  assert.deepEqual(
    left.filter(({ name }) => /^f-reply-/.test(name)),
    [],
  )
})

test('join keeps the order, map and kvmap give what comes', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const add = calculator(app)
  await app.start()
  const values = Array.from({ length: 2500 }, (_, index) => ({ a: index, b: 1 }))
  assert.deepEqual(
    await add.join(values),
    values.map(({ a }) => a + 1),
  )
  const pairs = values.slice(0, 50).map((value) => [`k${value.a}`, value] as const)
  assert.deepEqual(
    await add.kvjoin(pairs),
    pairs.map(([, { a }]) => a + 1),
  )
  const seen: number[] = []
  for await (const sum of add.map(values.slice(0, 100))) seen.push(sum)
  for await (const sum of add.kvmap(pairs)) seen.push(sum)
  assert.equal(seen.length, 150)
  assert.equal(new Set(seen).size, 100)
  assert.equal(app.replies().waiting, 0)
})

test('who asks an agent that fails hears why, and does not wait', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const fails = app.agent(
    async function* fails(stream) {
      for await (const value of stream) {
        if (value === 'nothing') continue
        if (value === 'bad') throw new Error('on purpose')
        yield value
      }
    },
    { value: json<string>(), partitions: 2 },
  )
  await app.start()
  assert.equal(await fails.ask('good', { partition: 0 }), 'good')
  await assert.rejects(
    fails.ask('nothing', { partition: 0 }),
    isError('ASK_FAILED', /agent fails went on without a value/, {
      topic: 'tested-fails',
      partition: 0,
      offset: 1,
    }),
  )
  await assert.rejects(
    fails.ask('bad', { partition: 1 }),
    isError('ASK_FAILED', /agent fails failed: on purpose/, {
      topic: 'tested-fails',
      partition: 1,
      offset: 0,
    }),
  )
  assert.deepEqual(app.replies().failed, 2)
})

test('nothing is left of a call that is over', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory(), { replyWaitersMax: 2 })
  const never = app.agent(
    'requests',
    async function* never(stream) {
      for await (const value of stream) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        yield value
      }
    },
    { value: json<number>() },
  )
  await app.start()
  assert.equal(await never.ask(0), 0)
  assert.equal(await codeOf(never.ask(1, { timeout: 5 })), 'ASK_TIMEOUT')
  const ending = new AbortController()
  const aborted = never.ask(2, { signal: ending.signal })
  ending.abort()
  assert.equal(await codeOf(aborted), 'ASK_CANCELLED')
  assert.equal(await codeOf(never.ask(3, { signal: ending.signal })), 'ASK_CANCELLED')
  const both = [never.ask(4), never.ask(5)]
  assert.equal(await codeOf(never.ask(6)), 'ASK_QUEUE_FULL')
  assert.deepEqual(await Promise.all(both), [4, 5])
  await until(() => app.replies().unclaimed >= 1)
  const { waiting, timedOut, cancelled } = app.replies()
  assert.deepEqual({ waiting, timedOut, cancelled }, { waiting: 0, timedOut: 1, cancelled: 2 })
  const waits = never.ask(7).then(String, (error) => error.code)
  await app.stop()
  assert.match(await waits, /^7$|^ASK_CANCELLED$/)
})

test('supervision decides what who asks hears, and when', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory(), { agentBackoffMs: 1, agentBackoffMaxMs: 2 })
  let tries = 0
  const flaky = app.agent(
    async function* flaky(stream) {
      for await (const value of stream) {
        if (value === 'later' && ++tries < 3) throw new Error('not yet')
        if (value === 'skip' || value === 'dead-letter') throw new Error(`no ${value}`)
        yield value
      }
    },
    {
      value: json<string>(),
      partitions: 1,
      retry: { attempts: 5 },
      onError: ({ event }) =>
        event?.value === 'skip' || event?.value === 'dead-letter' ? event.value : 'retry',
    },
  )
  await app.start()
  const all = ['a', 'skip', 'later', 'dead-letter', 'b'].map((value) =>
    flaky.ask(value).then(
      (reply) => reply,
      ({ code, message }) => `${code} ${message}`,
    ),
  )
  assert.deepEqual(await Promise.all(all), [
    'a',
    'ASK_FAILED agent flaky failed: no skip',
    'later',
    'ASK_FAILED agent flaky failed: no dead-letter',
    'b',
  ])
  assert.equal(tries, 3)
})

test('what takes several answers each in its turn; what is dropped hears so', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const options = { value: json<number>(), partitions: 1 }
  const batched = app.agent(async function* batched(stream) {
    for await (const values of stream.take(3, { within: '50ms' }))
      for (const value of values) yield -value
  }, options)
  const odd = app.agent(async function* odd(stream) {
    for await (const value of stream.filter((each) => each % 2 === 1)) yield value * 10
  }, options)
  await app.start()
  const values = Array.from({ length: 20 }, (_, value) => value + 1)
  assert.deepEqual(
    await batched.join(values),
    values.map((value) => -value),
  )
  const told = values.map((value) =>
    odd.ask(value).then(
      (reply) => reply,
      ({ code }) => code,
    ),
  )
  assert.deepEqual(
    await Promise.all(told),
    values.map((value) => (value % 2 === 1 ? value * 10 : 'ASK_FAILED')),
  )
})

test('asking begins a client, and nothing keeps the process behind it', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const program = join(import.meta.dirname, '../support/ask_and_stop.js')
  const { code, out, err } = await runNode(t, [program], { cwd })
  assert.deepEqual([code, out, err], [0, 'half: 21\n', ''])
})

test('a client in another process asks a worker of an embedded log', { timeout }, async (t) => {
  const directory = await newDirectory()
  const app = newApp(t, directory)
  app.agent(
    'numbers',
    async function* half(stream) {
      for await (const value of stream) yield value / 2
    },
    { value: json<number>() },
  )
  await app.start()
  const program = join(import.meta.dirname, '../support/ask_elsewhere.js')
  const args = [program, `embedded:${join(directory, 'log')}`]
  const { code, out, err } = await runNode(t, args, { cwd: directory })
  assert.deepEqual([code, out, err], [0, '1 2 3\n', ''])
})
