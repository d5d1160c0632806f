// Agents that fail while they write tables and send, on the embedded log: what is tried again, left
// out or sent to the dead letters is counted exactly, whatever the failed attempts had done.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type App,
  type AppOptions,
  type EuphorionError,
  integer,
  record,
  string,
} from '../../src/index.ts'
import type { SupervisionOptions } from '../../src/stream/supervision.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { readAll } from '../support/embedded.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 120_000
const Order = record('Order', { id: integer(), item: string() })
type Order = { id: number; item: string }
const items = ['apple', 'pear', 'plum', 'quince', 'sloe']
const EVENTS = 200

interface Program {
  readonly partitions?: number
  readonly concurrency?: number
  /** Events in one hand. */
  readonly together?: number
  readonly supervision: SupervisionOptions<string, Order>
  /** Throws where an attempt at the order is to fail, before or after its effects. */
  readonly fails: (order: Order, when: 'before' | 'after') => void
}

/** Counts orders by item, and sends on the ids of those that it has counted. */
function counting(app: App, { partitions = 2, concurrency, together, ...program }: Program) {
  const orders = app.topic('orders', { key: string(), value: Order, keyedBy: 'item', partitions })
  const out = app.topic('out', { value: integer() })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  const work = async (order: Order) => {
    program.fails(order, 'before')
    await counts.update(order.item, (n) => n + 1)
    await out.send({ value: order.id })
    program.fails(order, 'after')
  }
  const agent = app.agent(
    orders,
    async (stream) => {
      if (together === undefined) for await (const order of stream) await work(order)
      else
        for await (const some of stream.take(together, { within: 5 }))
          for (const each of some) await work(each)
    },
    { ...program.supervision, ...(concurrency !== undefined && { concurrency }) },
  )
  const send = () =>
    Promise.all(
      Array.from({ length: EVENTS }, (_, id) =>
        orders.send({ value: { id, item: items[id % items.length] } }),
      ),
    )
  /** NaN while partitions go back to their last cut. */
  const total = async (): Promise<number> => {
    let sum = 0
    try {
      for await (const n of counts.values()) sum += n
    } catch (error) {
      assert.equal((error as EuphorionError).retriable, true)
      return Number.NaN
    }
    return sum
  }
  return { agent, counts, orders, send, total }
}

/** Ids of all records of a topic that count, in order. */
async function idsIn(app: App, topic: string): Promise<number[]> {
  const log = await app.log()
  const ids: number[] = []
  const { partitions } = await log.topic(topic)
  for (let partition = 0; partition < partitions; partition++)
    for (const { value } of await readAll(log, topic, partition)) {
      const found = JSON.parse(Buffer.from(value ?? []).toString())
      ids.push(typeof found === 'number' ? found : found.id)
    }
  return ids.sort((a, b) => a - b)
}

const all = Array.from({ length: EVENTS }, (_, id) => id)
const isPoison = (id: number): boolean => id % 20 === 3

const shapes: readonly (Pick<Program, 'concurrency' | 'together'> & { name: string })[] = [
  { name: 'one function' },
  { name: 'three functions', concurrency: 3 },
  { name: 'take', together: 3 },
]

for (const guarantee of ['at_least_once', 'exactly_once'] as const)
  for (const { name, ...shape } of shapes) {
    const settings: AppOptions = { guarantee, agentBackoffMs: 1, agentBackoffMaxMs: 5 }

    test(`${guarantee}, ${name}: what is tried again counts once`, { timeout }, async (t) => {
      const app = newApp(t, await newDirectory(), settings)
      const attempts = new Map<number, number>()
      const { agent, send, total, counts } = counting(app, {
        ...shape,
        supervision: { retry: { attempts: Number.POSITIVE_INFINITY } },
        fails: ({ id }, when) => {
          if (when === 'before') attempts.set(id, (attempts.get(id) ?? 0) + 1)
          const attempt = attempts.get(id)
          const isDue = (attempt === 1 && when === 'after') || (attempt === 2 && when === 'before')
          if (isPoison(id) && isDue) throw new Error(`${id} ${when}`)
        },
      })
      await app.start()
      await send()
      await until(async () => (await total()) === EVENTS)
      await app.stop()
      await app.start()
      for (const item of items) assert.equal(await counts.get(item), EVENTS / items.length)
      const { failures, restarts } = agent.statistics
      assert.ok(
        failures >= 20 && restarts >= failures,
        `${failures} failures, ${restarts} restarts`,
      )
      const sent = await idsIn(app, 'out')
      assert.deepEqual(guarantee === 'exactly_once' ? sent : [...new Set(sent)], all)
    })

    test(`${guarantee}, ${name}: what is left out is counted by none`, { timeout }, async (t) => {
      const app = newApp(t, await newDirectory(), settings)
      const { agent, send, total } = counting(app, {
        ...shape,
        supervision: { retry: { attempts: 1 }, onError: 'dead-letter' },
        fails: ({ id }, when) => {
          if (isPoison(id) && when === (id % 40 === 3 ? 'before' : 'after'))
            throw new Error(`${id}`)
        },
      })
      await app.start()
      await send()
      const dead = async () => [...new Set(await idsIn(app, 'tested-dead-letter'))]
      await until(async () => (await total()) + (await dead()).length === EVENTS)
      await app.stop()
      await app.start()
      const left = await dead()
      assert.equal(await total(), EVENTS - left.length)
      assert.ok(all.filter(isPoison).every((id) => left.includes(id)))
      if (shape.together === undefined) assert.deepEqual(left, all.filter(isPoison))
      assert.ok(agent.statistics.deadLettered >= left.length)
      const sent = await idsIn(app, 'out')
      const counted = all.filter((id) => !left.includes(id))
      if (guarantee === 'exactly_once') assert.deepEqual(sent, counted)
      else
        assert.deepEqual(
          [...new Set([...sent, ...left])].sort((a, b) => a - b),
          all,
        )
    })
  }

test('who reads a table while it goes back to its last cut is refused, and never lacks rows', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  let failures = 0
  const { orders, send, total } = counting(app, {
    supervision: { retry: { attempts: Number.POSITIVE_INFINITY, backoff: 0 } },
    fails: ({ id }, when) => {
      if (id >= EVENTS && when === 'after' && failures++ < 10) throw new Error('not yet')
    },
  })
  await app.start()
  await send()
  await until(async () => (await total()) === EVENTS)
  // a cut has all of them from now on
  await app.stop()
  await app.start()
  await until(async () => (await total()) === EVENTS)
  await orders.send({ value: { id: EVENTS, item: 'fig' } })
  const seen = new Set<number>()
  await until(async () => {
    const now = await total()
    seen.add(now)
    return failures > 10 && now === EVENTS + 1
  })
  seen.delete(Number.NaN)
  assert.ok(Math.min(...seen) >= EVENTS, `${[...seen]}`)
})

test('a crash ends the app, and nothing of the event counts', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory(), { onAgentError: 'crash' })
  const { send } = counting(app, {
    partitions: 1,
    supervision: {},
    fails: ({ id }, when) => {
      if (id === 3 && when === 'after') throw new Error('three')
    },
  })
  await app.start()
  const ended = assert.rejects(app.ended, (error: EuphorionError) => {
    assert.equal(error.code, 'HANDLER_FAILED')
    assert.equal((error.cause as Error).message, 'three')
    return true
  })
  await send()
  await ended
  await assert.rejects(app.stop(), { code: 'TRANSACTION_ABORTED' })
  const again = newApp(t, app.settings.dataDir.replace(/\/state$/, ''), {})
  const second = counting(again, { partitions: 1, supervision: {}, fails: () => undefined })
  await again.start()
  await until(async () => (await second.total()) === EVENTS)
  assert.equal(await second.total(), EVENTS)
})

test('a function that cannot even begin ends the app when it is begun too often', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const orders = app.topic('orders', { value: Order, partitions: 1 })
  const retry = { attempts: Number.POSITIVE_INFINITY, backoff: 0 }
  const agent = app.agent(orders, () => Promise.reject(new Error('no')), { retry })
  await app.start()
  await assert.rejects(app.ended, (error: EuphorionError) => {
    assert.match((error.cause as Error).message, /more than a hundred times in a second/)
    return true
  })
  assert.equal(agent.statistics.restarts, 100)
})

test('what is left out is logged a few times, and counted', { timeout }, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  const orders = app.topic('orders', { value: Order, partitions: 1 })
  const agent = app.agent(
    orders,
    async (stream) => {
      for await (const { id } of stream) throw new Error(`no ${id}`)
    },
    { name: 'picky', onError: 'skip' },
  )
  await app.start()
  for (let id = 0; id < 50; id++) await orders.send({ value: { id, item: 'fig' } })
  await until(() => agent.statistics.skipped === 50)
  const told = logger.lines.filter((line) => line.includes('an agent failed on an event'))
  assert.equal(told.length, 10)
  assert.match(told[0], /^warn an agent failed on an event no 0 .*"agent":"picky".*"policy":"skip"/)
})
