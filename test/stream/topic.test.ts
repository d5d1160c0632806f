// What send() makes of a message before it is stored: the key that keyedBy gives, and its time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import { type Row, recordOf } from '../../src/ingest/rows.ts'
import type { LogRecord } from '../../src/log/log.ts'
import { integer, nullable, optional, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { Topic } from '../../src/stream/topic.ts'

const stored: LogRecord[] = []
const port = {
  now: () => 5,
  async storeRow(topic: string, row: Row) {
    const record = recordOf(row)
    stored.push(record)
    return { topic, partition: row.partition ?? 0, offset: 0, timestamp: record.timestamp }
  },
  storeMany: () => assert.fail('one by one'),
}
const View = record('View', { url: optional(string()), user: nullable(string()), n: integer() })
type View = { url?: string; user: string | null; n: number }
const topic = (keyedBy: keyof View & string) =>
  new Topic<unknown, View | null>('views', { value: nullable(View), keyedBy }, port)

test('the key is the text of the keyedBy field, null where that is missing or null', async () => {
  const cases = [
    ['url', { url: '/a', user: 'u', n: 1 }, '/a'],
    ['url', { user: 'u', n: 1 }, null],
    ['user', { url: '/a', user: null, n: 1 }, null],
    ['n', { user: 'u', n: 42 }, '42'],
    ['url', null, null],
  ] as const
  for (const [keyedBy, value, expected] of cases) {
    await topic(keyedBy).send({ value })
    const { key } = stored.at(-1)!
    assert.equal(key === null ? null : Buffer.from(key).toString(), expected)
  }
})

test('a timestamp that is no whole number of milliseconds is refused', async () => {
  const views = topic('url')
  const value = { user: 'u', n: 1 }
  for (const timestamp of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e20]) {
    const before = stored.length
    await assert.rejects(
      views.send({ value, timestamp }),
      (error) => error instanceof EuphorionError && error.code === 'RECORD_INVALID',
    )
    assert.equal(stored.length, before)
  }
  assert.equal((await views.send({ value, timestamp: 1_700_000_000_000 })).offset, 0)
  assert.equal((await views.send({ value })).timestamp, 5)
})

test('a header that is no text and no bytes is refused, and is in no batch', async () => {
  const count = stored.length
  const refused = [
    { count: 5 },
    { trace: undefined },
    [{ key: undefined, value: null }],
    [{ key: 'trace', value: 'text' }],
  ]
  for (const headers of refused as unknown as { a: string }[]) {
    const send = topic('n').send({ value: null, headers })
    await assert.rejects(send, { code: 'RECORD_INVALID', place: { topic: 'views' } })
  }
  assert.equal(stored.length, count)
  await topic('n').send({ value: null, headers: { a: 'b', c: null, d: Buffer.from('e') } })
  const { headers } = stored.at(-1)!
  assert.deepEqual(headers, [
    { key: 'a', value: Buffer.from('b') },
    { key: 'c', value: null },
    { key: 'd', value: Buffer.from('e') },
  ])
})
