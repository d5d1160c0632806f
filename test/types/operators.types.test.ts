// What the compiler infers through operators and channels, and what it refuses. The assertions are
// made when this file is compiled; the calls are never run.
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { text } from '../../src/record/codec.ts'
import { float64, nullable, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { Channel } from '../../src/stream/channel.ts'
import type { EventStream } from '../../src/stream/event_stream.ts'
import type { Event } from '../../src/stream/events.ts'
import { streamOf } from '../../src/stream/iterable_stream.ts'
import { check, type Equal } from './equal.ts'

const Order = record('Order', { id: string(), total: float64(), note: nullable(string()) })
type OrderEvent = { id: string; total: number; note: string | null }

const app = new App('operator-types')
const orders = app.topic('orders', { key: string(), value: Order })
const totals = app.topic('totals', { key: string(), value: float64() })
const numbered = app.topic('numbered', { key: float64(), value: float64() })
const lines = app.topic('lines', { value: text() })

test('types flow through operators', () => {
  app.agent(orders, async (stream) => {
    const noted = stream.map((order) => order.note).filter((note) => note !== null)
    check<Equal<typeof noted, EventStream<string, string>>>()
    const isNoted = (order: OrderEvent): order is OrderEvent & { note: string } =>
      order.note !== null
    const narrowed = stream.filter(isNoted)
    for await (const order of narrowed) check<Equal<typeof order.note, string>>()
    const later = stream.map(async ({ total }) => total)
    check<Equal<typeof later, EventStream<string, number>>>()
    const ids = stream.flatMap(({ id }) => [...id])
    check<Equal<typeof ids, EventStream<string, string>>>()
    const parts = stream.flatMap(async function* ({ total }) {
      yield total
    })
    check<Equal<typeof parts, EventStream<string, number>>>()
    for await (const list of later.take(3)) check<Equal<typeof list, number[]>>()
    for await (const list of later.takeEvents(3)) {
      check<Equal<typeof list, Event<string, number>[]>>()
    }
    for await (const pair of later.items()) check<Equal<typeof pair, [string, number]>>()
    for await (const pair of later.enumerate()) check<Equal<typeof pair, [number, number]>>()
    for await (const event of ids.events()) check<Equal<typeof event.key, string>>()
    for await (const [order] of stream.takeWithTimestamp(1, { field: 'at' })) {
      check<Equal<typeof order.at, number>>()
      check<Equal<typeof order.total, number>>()
    }
    for await (const list of later.takeWithTimestamp(1, { field: 'at' })) {
      check<Equal<typeof list, number[]>>()
    }
    check<Equal<ReturnType<typeof later.to>, Promise<void>>>()
  })
})

test('streams that are merged and split have the types of their parts', () => {
  const channel = app.channel<Date>('dates')
  check<Equal<typeof channel, Channel<null, Date>>>()
  app.agent(orders, async (stream) => {
    const merged = stream.map(({ total }) => total).merge(channel, streamOf(['a']))
    check<Equal<typeof merged, EventStream<string | null, number | Date | string>>>()
    const [dates, texts, rest] = merged.branch(
      (value) => value instanceof Date,
      (value): value is string => typeof value === 'string',
      (value, event) => event.key !== null && Boolean(value),
    )
    check<Equal<typeof dates, EventStream<string | null, Date>>>()
    check<Equal<typeof texts, EventStream<string | null, string>>>()
    check<Equal<typeof rest, EventStream<string | null, number | Date | string>>>()
    // @ts-expect-error three predicates, three streams
    const [, , , fourth] = merged.branch(
      () => true,
      () => true,
      () => true,
    )
    return fourth
  })
})

test('targets take what their streams have', () => {
  app.agent(orders, async (stream) => {
    const amounts = stream.map(({ total }) => total)
    void amounts.echo(totals, (total) => check<Equal<typeof total, number>>())
    void amounts.to(totals)
    void stream.to(orders)
    const page = app.agent(app.channel<number, string>(), async () => undefined)
    const audit = app.agent(totals, async () => undefined)
    void amounts.echo(page, audit).to(audit)
    void stream.forward(totals, lines, app.channel<OrderEvent, string>())
    const wrong = (): void => {
      // @ts-expect-error values of the topic are numbers
      void stream.to(totals)
      // @ts-expect-error keys of the topic are numbers
      void amounts.to(numbered)
      // @ts-expect-error a field is missing
      void stream.map(({ id }) => ({ id })).to(orders)
      // @ts-expect-error the channel is of dates
      void stream.forward(app.channel<Date, string>())
      // @ts-expect-error no such field
      void stream.filter((order) => order.sum > 1)
      // @ts-expect-error a predicate says yes or no
      void stream.filter((order) => order.id)
      // @ts-expect-error no such option
      void stream.take(3, { until: '1s' })
    }
    return void wrong
  })
})

test('channels have the types that they are given', () => {
  const prices = app.channel('prices', { key: string(), value: Order })
  check<Equal<typeof prices, Channel<string, OrderEvent>>>()
  app.agent(prices, async (stream) => {
    for await (const order of stream) check<Equal<typeof order.total, number>>()
  })
  app.agent(app.channel<number>(), async function* (stream) {
    for await (const value of stream) yield value * 2
  })
  const wrong = (): void => {
    // @ts-expect-error a field is missing
    void prices.send({ value: { id: 'a' } })
    // @ts-expect-error an aggregation reads a topic
    app.stream(prices)
    // @ts-expect-error one function in each process
    app.agent(prices, async () => undefined, { concurrency: 2 })
  }
  return void wrong
})
