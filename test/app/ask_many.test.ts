// Requests under load: ends in any order, workers that come and go, transactions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { App, type AppOptions, json } from '../../src/index.ts'
import { inFolder, Lines, newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 120_000
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits so many turns of the event loop before it answers. */
interface Job {
  readonly id: number
  readonly turns: number
}

function worker(app: App, concurrency = 1) {
  return app.agent(
    async function* work(stream) {
      for await (const { id, turns } of stream) {
        for (let left = turns; left > 0; left--) await turn()
        yield id
      }
    },
    { value: json<Job>(), partitions: 4, concurrency },
  )
}

test('10,000 requests are each answered once, whatever order they end in', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const agent = worker(app, 8)
  await app.start()
  const seed = Date.now() % 2 ** 31
  t.diagnostic(`seed ${seed}`)
  const jobs = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2500, maxLength: 2500 })
  await fc.assert(
    fc.asyncProperty(jobs, fc.boolean(), async (all, isJoined) => {
      const inputs = all.map((turns, id) => ({ id, turns }))
      const got: number[] = []
      if (isJoined) got.push(...(await agent.join(inputs)))
      else for await (const id of agent.map(inputs)) got.push(id)
      if (!isJoined) got.sort((a, b) => a - b)
      assert.deepEqual(
        got,
        inputs.map(({ id }) => id),
      )
      assert.equal(app.replies().waiting, 0)
    }),
    { numRuns: 4, seed },
  )
  assert.deepEqual([app.replies().answered, app.replies().unclaimed], [10_000, 0])
})

test('leaving map ends the rest, and a request that fails is thrown there', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const agent = worker(app)
  await app.start()
  const endless = function* () {
    for (let id = 0; ; id++) yield { id, turns: id % 3 }
  }
  let seen = 0
  for await (const _ of agent.map(endless())) if (++seen === 100) break
  assert.equal(app.replies().waiting, 0)
  const ending = new AbortController()
  const inputs = async function* () {
    yield { id: 1, turns: 0 }
    ending.abort()
    await new Promise(() => undefined)
  }
  await assert.rejects(agent.join(inputs(), { signal: ending.signal }), { code: 'ASK_CANCELLED' })
  assert.equal(app.replies().waiting, 0)
})

test('no request is lost while partitions move', { timeout }, async (t) => {
  const directory = await newDirectory()
  const options: AppOptions = { ...inFolder(directory), topicPartitions: 4 }
  const newWorker = (): App => {
    const app = new App('tested', options)
    t.after(() => app.stop())
    worker(app)
    return app
  }
  const first = newWorker()
  await first.start()
  const client = new App('client', { ...options, replyTimeoutMs: 60_000 })
  t.after(() => client.stop())
  const agent = client.agent(
    'tested-work',
    async function* (stream) {
      for await (const { id } of stream) yield id
    },
    { value: json<Job>(), partitions: 4 },
  )
  let isOver = false
  const got: number[] = []
  const inputs = async function* () {
    for (let id = 0; !isOver; id++) {
      yield { id, turns: id % 2 }
      if (id % 16 === 0) await turn()
    }
  }
  const asking = (async () => {
    for await (const id of agent.map(inputs())) got.push(id)
  })()
  await until(() => got.length > 200)
  const second = newWorker()
  await second.start()
  const before = got.length
  await until(() => got.length > before + 200)
  await first.stop()
  const after = got.length
  await until(() => got.length > after + 200)
  isOver = true
  await asking
  assert.deepEqual(
    got.sort((a, b) => a - b),
    got.map((_, index) => index),
  )
})

test('under exactly_once a reply counts with its cut, an error comes at once', {
  timeout,
}, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { guarantee: 'exactly_once', logger })
  const out = app.topic('out', { value: json<number>(), partitions: 1 })
  const agent = app.agent(
    async function* triple(stream) {
      for await (const value of stream) {
        if (value < 0) throw new Error('negative')
        if (value > 0) yield value * 3
      }
    },
    { value: json<number>(), partitions: 2, sink: out },
  )
  await app.start()
  assert.deepEqual(await agent.join([1, 2, 3, 4]), [3, 6, 9, 12])
  await assert.rejects(agent.ask(0), { code: 'ASK_FAILED' })
  await assert.rejects(agent.ask(-1, { partition: 1 }), { code: 'ASK_FAILED' })
  assert.equal(await agent.ask(5, { partition: 0 }), 15)
  const { waiting, answered, failed } = app.replies()
  assert.deepEqual({ waiting, answered, failed }, { waiting: 0, answered: 5, failed: 2 })
})

test('a client becomes a worker, and ends as one', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const agent = worker(app)
  await app.startClient()
  const asked = agent.ask({ id: 7, turns: 0 })
  const log = await app.log()
  await until(async () => (await log.topics()).some(({ name }) => name === 'tested-work'))
  await app.start()
  assert.equal(await asked, 7)
  await app.stop()
  await app.startClient()
  await app.stop()
})
