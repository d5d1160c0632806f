// What the compiler infers of grouped streams, and what it refuses. The assertions are made when
// this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { type App, integer, json, optional, record, string } from '../../src/index.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { check, type Equal } from './equal.ts'

const View = record('View', { url: string(), ms: integer(), by: optional(string()) })
type Value = { url: string; ms: number; by?: string | undefined }
type KeyOf<S> = S extends Stream<infer K, infer _V, infer _F> ? K : never

/** Never called. */
function wrongAndRight(app: App): void {
  const views = app.topic('views', { key: string(), value: View })
  const passed = app.topic('passed', { key: string(), value: View })
  const other = app.topic('other', { key: string(), value: integer() })
  const byNumber = app.topic('by-number', { key: integer(), value: View })
  const loose = app.topic('loose', { value: json<{ id: string }>() })
  app.agent(views, async (stream) => {
    const byUrl = stream.groupBy('url')
    check<Equal<KeyOf<typeof byUrl>, string>>()
    const byMs = stream.groupBy('ms')
    check<Equal<KeyOf<typeof byMs>, number>>()
    const byOptional = stream.groupBy('by')
    check<Equal<KeyOf<typeof byOptional>, string>>()
    for await (const view of byUrl) check<typeof view extends Value ? true : false>()
    const byText = stream.groupBy('first', async (view) => view.url)
    check<Equal<KeyOf<typeof byText>, string>>()
    const ofNumber = stream.groupBy('tens', ({ ms }) => ms % 10, { key: integer() })
    check<Equal<KeyOf<typeof ofNumber>, number>>()
    // @ts-expect-error there is no such field
    stream.groupBy('uri')
    // @ts-expect-error a key that is no text needs its type
    stream.groupBy('tens', ({ ms }) => ms % 10)
    // @ts-expect-error the type is of other keys
    stream.groupBy('first', ({ url }) => url, { key: integer() })
    // @ts-expect-error the function sees what the values have
    stream.groupBy('first', ({ uri }) => uri)
    stream.through(passed)
    // @ts-expect-error the topic has other values
    stream.through(other)
    // @ts-expect-error the topic has other keys
    stream.through(byNumber)
  })
  app.agent(loose, async (stream) => {
    const byId = stream.groupBy('id')
    check<Equal<KeyOf<typeof byId>, string>>()
  })
  const several = app.topic(['a', 'b'], { value: View })
  // @ts-expect-error nothing is sent to several topics
  void several.send({ value: { url: '/', ms: 1 } })
}

test('grouped streams have the types of their keys', () => {
  void wrongAndRight
})
