// What the compiler infers of a test driver, and what it refuses. The assertions are made when this
// file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { float64, integer, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { count } from '../../src/stream/aggregates.ts'
import type { Event } from '../../src/stream/events.ts'
import type { TestDriver } from '../../src/testing/test_driver.ts'
import { tumbling } from '../../src/window/windows.ts'
import { check, type Equal } from './equal.ts'

const View = record('View', { url: string(), ms: float64() })
interface ViewEvent {
  url: string
  ms: number
}

const app = new App('driver-types')
const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
const names = app.table('names', { key: integer(), value: string() })
const perPage = app
  .stream(views)
  .keyBy('url')
  .window(tumbling('1m'))
  .aggregate('per-page', () => ({ views: count() }))
const total = app
  .stream(views)
  .keyBy('url')
  .aggregate('total', () => ({ views: count() }))
const sizes = app.agent(views, async function* (stream) {
  for await (const view of stream) yield view.url.length
})
const silent = app.agent(views, async (stream) => {
  for await (const _ of stream);
})

test('events, rows and results are inferred', () => {
  const reads = async (driver: TestDriver): Promise<void> => {
    const view = await driver.topic(views).read()
    check<Equal<typeof view, Event<string | null, ViewEvent> | undefined>>()
    const all = await driver.topic('views').readAll()
    check<Equal<typeof all, Event<unknown, unknown>[]>>()
    const counted = await driver.table(counts).get('/')
    check<Equal<typeof counted, number>>()
    const named = await driver.table(names).get(1)
    check<Equal<typeof named, string | undefined>>()
    const entries = await driver.table(names).entries()
    check<Equal<typeof entries, [key: number, value: string][]>>()
    const page = await driver.table(perPage).get('/', { at: 0 })
    type Page = { key: string; start: number; end: number; views: number }
    check<Equal<typeof page, Page | undefined>>()
    const rows = await driver.table(total).rows()
    check<Equal<typeof rows, { key: string; views: number }[]>>()
    const { results } = await driver.agent(sizes).put({ url: '/', ms: 1 })
    check<Equal<typeof results, readonly number[]>>()
    check<Equal<typeof driver.time, number>>()
    const inputs = driver.agent(silent).results
    check<Equal<typeof inputs, ReadonlyMap<number, ViewEvent>>>()
    const waited = await driver.until(Promise.resolve('text'))
    check<Equal<typeof waited, string>>()
  }
  check<Equal<ReturnType<typeof reads>, Promise<void>>>()
})

test('what is of another type does not compile', () => {
  const wrong = (driver: TestDriver): void => {
    // @ts-expect-error a field is missing
    void driver.topic(views).send({ value: { url: '/' } })
    // @ts-expect-error a field that is not there
    void driver.topic(views).send({ value: { url: '/', ms: 1, other: 1 } })
    // @ts-expect-error the key is a string
    void driver.topic(views).send({ key: 1, value: { url: '/', ms: 1 } })
    // @ts-expect-error the key is a string
    void driver.table(counts).get(1)
    // @ts-expect-error the key is a number
    void driver.table(names).has('1')
    // @ts-expect-error the key of an aggregation too
    void driver.table(perPage).get(1)
    // @ts-expect-error without windows there is no time to ask for
    void driver.table(total).get('/', { at: 0 })
    // @ts-expect-error no time
    void driver.advanceTime('soon')
    // @ts-expect-error an event of another type
    void driver.agent(sizes).put({ url: 1, ms: 1 })
  }
  check<Equal<ReturnType<typeof wrong>, void>>()
})
