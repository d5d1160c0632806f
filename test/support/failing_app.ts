// Three agents of one topic that fail at random on orders, before or after what they do for one, so
// that each stands at an offset of its own: the first tries again until it is done, the second leaves some out, the third sends some to
// the dead letters. Each counts what it has done by order. Run by failing_worker.ts.
import type { Random } from '../../src/clock.ts'
import {
  type AgentFailure,
  App,
  type AppOptions,
  integer,
  record,
  string,
} from '../../src/index.ts'

export interface FailingTopics {
  readonly orders: string
  readonly done: string
}

const Order = record('Order', { id: string() })
type Order = { readonly id: string }

export const failingAgents = ['stubborn', 'skipping', 'burying'] as const
type FailingAgent = (typeof failingAgents)[number]

/** Part of the orders whose first attempt throws, and of those whose second does too. */
const FAILING = 0.05
const POISON_EVERY = 25

/** Orders that the second and the third agent never get done. */
export const isPoison = (id: string): boolean => Number(id) % POISON_EVERY === 3

interface FailingOptions extends AppOptions {
  readonly topics: FailingTopics
  readonly random: Random
  /** Of every attempt, and behind its effects. */
  readonly onAttempt: () => void
}

export function failingApp(id: string, options: FailingOptions) {
  const { topics, random, onAttempt, ...settings } = options
  const app = new App(id, settings)
  const done = app.topic(topics.done, { value: Order })
  const declare = (name: FailingAgent) => {
    const types = { key: string(), value: Order, keyedBy: 'id' } as const
    const orders = app.topic(topics.orders, types)
    const counts = app.table(name, { key: string(), value: integer(), default: 0 })
    /** How often each is to throw; what an attempt that goes back has done is done again. */
    const throwing = new Map<string, number>()
    const work = async (order: Order): Promise<void> => {
      onAttempt()
      if (!throwing.has(order.id))
        throwing.set(order.id, random() < FAILING ? 1 + Math.round(random()) : 0)
      const left = throwing.get(order.id)!
      throwing.set(order.id, Math.max(0, left - 1))
      const roll = left > 0 ? random() : 1
      if (roll < 0.5) throw new Error(`${order.id}, before`)
      await counts.update(order.id, (n) => n + 1)
      onAttempt()
      if (roll < 1) throw new Error(`${order.id}, after`)
      if (name !== 'stubborn' && isPoison(order.id)) throw new Error(`${order.id}, as always`)
    }
    return { name, orders, counts, work }
  }
  const [stubborn, skipping, burying] = failingAgents.map(declare)
  app.agent(
    stubborn.orders,
    async function* stubbornly(stream) {
      for await (const order of stream) {
        await stubborn.work(order)
        yield order
      }
    },
    { sink: done, retry: { attempts: Number.POSITIVE_INFINITY } },
  )
  const onError = ({ event }: AgentFailure<string, Order>) =>
    event !== undefined && isPoison(event.value.id) ? 'skip' : 'retry'
  app.agent(
    skipping.orders,
    async function skippingly(stream) {
      for await (const order of stream) await skipping.work(order)
    },
    { concurrency: 2, retry: { attempts: Number.POSITIVE_INFINITY }, onError },
  )
  app.agent(
    burying.orders,
    async function buryingly(stream) {
      for await (const order of stream) await burying.work(order)
    },
    { retry: { attempts: 1 }, onError: 'dead-letter' },
  )
  return { app, tables: [stubborn, skipping, burying] }
}
