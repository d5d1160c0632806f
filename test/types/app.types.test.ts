// What the compiler infers from an app's topics, agents and tables, and what it refuses. The
// assertions are made when this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { json, text } from '../../src/record/codec.ts'
import { float64, nullable, optional, string, timestamp } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { count, mean } from '../../src/stream/aggregates.ts'
import { tumbling } from '../../src/window/windows.ts'
import { check, type Equal } from './equal.ts'

const View = record('View', {
  url: string(),
  ms: float64(),
  at: timestamp(),
  by: optional(string()),
})
const Row = record('Row', {
  key: string(),
  start: timestamp(),
  end: timestamp(),
  views: float64(),
  meanMs: nullable(float64()),
})
interface ViewEvent {
  readonly url: string
}

const app = new App('types')
const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
const perPage = app
  .stream(views)
  .keyBy('url')
  .window(tumbling('1m'))
  .aggregate('per-page', (v) => ({ views: count(), meanMs: mean(v.ms) }))

test('agents see events of the declared types', () => {
  app.agent(views, async (stream) => {
    for await (const view of stream) {
      check<Equal<typeof view.url, string>>()
      check<Equal<typeof view.by, string | undefined>>()
      // @ts-expect-error no such field
      view.page
    }
  })
  app.agent(app.topic('raw'), async (stream) => {
    for await (const value of stream) check<Equal<typeof value, unknown>>()
  })
  app.agent(app.topic('json', { value: json<ViewEvent>() }), async (stream) => {
    for await (const value of stream) check<Equal<typeof value, ViewEvent>>()
  })
})

test('a topic takes messages of its types only', () => {
  const wrong = (): void => {
    // @ts-expect-error the key is a string
    void views.send({ key: 1, value: { url: '/', ms: 1, at: 0 } })
    // @ts-expect-error a field is missing
    void views.send({ value: { url: '/' } })
    // @ts-expect-error keyedBy names a field
    app.topic('x', { value: View, keyedBy: 'page' })
  }
  check<Equal<typeof wrong, () => void>>()
})

test('sendMany takes messages, values, or the columns of the record', () => {
  const right = (): void => {
    void views.sendMany([{ value: { url: '/', ms: 1, at: 0 }, key: 'k' }])
    void views.sendMany({ value: { url: ['/'], ms: new Float64Array(1), at: [0] } })
    void views.sendMany({
      value: { url: ['/'], ms: [1], at: new Float64Array(1), by: [undefined] },
      key: ['k', null],
      timestamp: new Float64Array(1),
      partition: 0,
    })
    void views.sendMany({ value: [{ url: '/', ms: 1, at: 0 }] })
    void app.topic('texts', { value: text() }).sendMany({ value: ['a'], timestamp: 5 })
  }
  const wrong = (): void => {
    // @ts-expect-error a column is missing
    void views.sendMany({ value: { url: ['/'], ms: [1] } })
    // @ts-expect-error no such column
    void views.sendMany({ value: { url: ['/'], ms: [1], at: [0], page: ['/'] } })
    // @ts-expect-error text is not numbers
    void views.sendMany({ value: { url: [1], ms: [1], at: [0] } })
    // @ts-expect-error numbers are not text
    void views.sendMany({ value: { url: new Float64Array(1), ms: [1], at: [0] } })
    // @ts-expect-error a column is an array
    void views.sendMany({ value: { url: '/', ms: [1], at: [0] } })
    // @ts-expect-error keys are strings
    void views.sendMany({ value: { url: ['/'], ms: [1], at: [0] }, key: [1] })
    // @ts-expect-error a field of a message is missing
    void views.sendMany([{ value: { url: '/' } }])
    // @ts-expect-error text has no columns
    void app.topic('texts', { value: text() }).sendMany({ value: { length: [1] } })
    // @ts-expect-error one text is not many
    void app.topic('texts', { value: text() }).sendMany({ value: 'abc' })
  }
  check<Equal<typeof right, typeof wrong>>()
  const stored = async (): Promise<void> => {
    const { records, partitions } = await views.sendMany([])
    check<Equal<typeof records, number>>()
    check<Equal<(typeof partitions)[0]['firstOffset'], number>>()
  }
  check<Equal<typeof stored, () => Promise<void>>>()
})

test('results go to untyped topics and to topics of their types', () => {
  perPage.changes().to(app.topic('bytes'))
  const keys = json<{ key: string; start: number; end: number }>()
  const rows = app.topic('rows', { key: keys, value: Row })
  perPage.final().to(rows)
  const wrong = (): void => {
    // @ts-expect-error the topic's keys are text
    perPage.final().to(app.topic('wrong', { key: text(), value: Row }))
  }
  check<Equal<typeof wrong, () => void>>()
})

test('reads of a table know key and row', () => {
  const read = async (): Promise<void> => {
    const row = await perPage.get('/')
    check<
      Equal<
        typeof row,
        | { key: string; start: number; end: number; views: number; meanMs: number | null }
        | undefined
      >
    >()
    // @ts-expect-error the key is a string
    await perPage.get(1)
  }
  check<Equal<typeof read, () => Promise<void>>>()
})

test('an agent is asked with its type of values, and answers with what it yields', () => {
  const lengths = app.agent(views, async function* lengths(stream) {
    for await (const view of stream) yield view.url.length
  })
  const silent = app.agent(views, async (stream) => {
    for await (const _ of stream);
  })
  const own = app.agent(
    async function* own(stream) {
      for await (const word of stream) yield word === 'a'
    },
    { value: text(), reply: json<boolean>() },
  )
  const view = { url: '/', ms: 1, at: 0 }
  const calls = (): unknown => {
    check<Equal<ReturnType<typeof lengths.ask>, Promise<number>>>()
    check<Equal<ReturnType<typeof lengths.join>, Promise<number[]>>>()
    check<Equal<ReturnType<typeof own.ask>, Promise<boolean>>>()
    return [
      lengths.ask(view, { key: 'k', timeout: '1s' }),
      lengths.kvmap([['k', view]]),
      own.ask('a'),
      silent.cast(view),
      // @ts-expect-error a field is missing
      lengths.ask({ url: '/' }),
      // @ts-expect-error the key is a string
      lengths.ask(view, { key: 1 }),
      // @ts-expect-error no text
      own.cast(1),
      // @ts-expect-error it does not yield
      silent.ask(view),
      // @ts-expect-error half an address
      lengths.send({ value: view, replyTo: 'there' }),
      // @ts-expect-error not what it yields
      app.agent(views, own.definition.run, { reply: text() }),
    ]
  }
  check<Equal<typeof calls, () => unknown>>()
})

test('sinks fit what is yielded, and somebody yields', () => {
  const declare = (): void => {
    app.agent(
      // @ts-expect-error numbers are no text
      views,
      async function* (stream) {
        for await (const view of stream) yield view.ms
      },
      { sink: app.topic('text', { value: text() }) },
    )
    app.agent(
      // @ts-expect-error it does not yield
      views,
      async (stream) => {
        for await (const _ of stream);
      },
      { sink: () => {} },
    )
  }
  check<Equal<typeof declare, () => void>>()
})

test('what an agent does about failures is typed, and a wrong policy is refused', () => {
  const run = async (stream: AsyncIterable<unknown>) => {
    for await (const _ of stream);
  }
  const declare = () => {
    app.agent(views, run, { name: 'typed', retry: { attempts: 3, backoff: '100ms' } })
    app.agent(views, run, {
      name: 'asked',
      onError: ({ error, event, events, attempt }) => {
        check<Equal<typeof error, unknown>>()
        check<Equal<typeof attempt, number>>()
        check<Equal<typeof events, readonly NonNullable<typeof event>[]>>()
        check<Equal<NonNullable<typeof event>['key'], string>>()
        check<Equal<NonNullable<typeof event>['value']['url'], string>>()
        return attempt > 3 ? 'skip' : 'retry'
      },
    })
    // @ts-expect-error no such policy
    app.agent(views, run, { onError: 'ignore' })
    // @ts-expect-error a static policy is no retry
    app.agent(views, run, { onError: 'retry' })
    // @ts-expect-error no such policy
    app.agent(views, run, { onError: () => 'ignore' })
    // @ts-expect-error it has to be known at once
    app.agent(views, run, { onError: async () => 'skip' as const })
    // @ts-expect-error no such time
    app.agent(views, run, { retry: { backoff: 'soon' } })
    // @ts-expect-error a number of attempts
    app.agent(views, run, { retry: { attempts: '3' } })
  }
  void declare
})
