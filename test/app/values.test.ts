// Values of declared records one by one, from payloads that kernels read and from the codecs: the
// same values in the same order, and the same records left out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import {
  array,
  boolean,
  date,
  float32,
  float64,
  int64,
  integer,
  nullable,
  optional,
  record,
  string,
  timestamp,
} from '../../src/index.ts'
import type { Field, FieldKind } from '../../src/record/fields.ts'
import { BatchShape } from '../../src/stream/batch_shape.ts'
import { newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const Place = record('Place', { city: string(), x: float32() })
const View = record('View', {
  url: string(),
  ms: float64(),
  n: integer(),
  big: int64(),
  isBot: boolean(),
  at: timestamp(),
  place: Place,
})

test('a record has a constructor from columns where these say everything', () => {
  const makes = (field: Field<unknown, FieldKind, boolean>) =>
    new BatchShape(record('R', { url: string(), field }).schema).makers !== undefined
  for (const field of [optional(string()), nullable(int64()), optional(nullable(float64()))])
    assert.ok(makes(field))
  const sparse = record('Sparse', { by: optional(string()), at: nullable(Place) })
  for (const field of [Place, optional(Place), nullable(Place), sparse]) assert.ok(makes(field))
  // an absent record and one that is null look the same from their fields, which may be absent
  for (const field of [optional(nullable(Place)), optional(sparse), date(), array(string())])
    assert.ok(!makes(field))
})

test('kernels and codecs give the same values', { timeout: 240_000 }, async (t) => {
  const random = seededRandom(7)
  const texts = ['/home', 'é"\\\n', '\ud83d\ude00', '', 'a page with a name of some length']
  const view = (i: number) => ({
    url: texts[i % texts.length],
    ms: (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20),
    n: Math.floor((random() - 0.5) * Number.MAX_SAFE_INTEGER),
    big: BigInt(Math.floor(random() * 2 ** 53)) * 1000n,
    isBot: random() < 0.5,
    at: i,
    place: { city: texts[(i + 1) % texts.length], x: Math.fround(random()) },
  })
  const events = Array.from({ length: 3000 }, (_, i) => view(i))
  const seen: unknown[][] = []
  for (const backend of ['wasm', 'js'] as const) {
    const app = newApp(t, await newDirectory(), { backend, batchBytes: '256 KiB' })
    const views = app.topic('views', { value: View, partitions: 1 })
    const values: unknown[] = []
    seen.push(values)
    app.agent(views, async (stream) => {
      for await (const value of stream) values.push(value)
    })
    const messages = events.map((value) => ({ value }))
    await views.sendMany(messages.slice(0, 1500))
    for (const bad of ['{"url":1}', '{', '{"url":"/"}'])
      await views.sendBytes(null, Buffer.from(bad))
    await views.sendMany(messages.slice(1500))
    await app.start()
    await until(() => values.length === events.length)
    await app.stop()
  }
  assert.deepEqual(seen[0], events)
  assert.deepEqual(seen[1], events)
  assert.deepEqual(Object.keys(seen[0][0] as object), Object.keys(events[0]))
})
