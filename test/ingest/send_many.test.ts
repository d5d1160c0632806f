// sendMany from the topic to the batches: what is stored is what send() would store, in the order
// of the calls; bounds, refusals and what is told of them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EuphorionError } from '../../src/errors.ts'
import { Sender, type SenderOptions } from '../../src/ingest/sender.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { type CodecLike, json, text } from '../../src/record/codec.ts'
import { float64, integer, optional, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { MessageColumns } from '../../src/stream/column_rows.ts'
import type { Message } from '../../src/stream/message.ts'
import { Topic, type TopicOptions } from '../../src/stream/topic.ts'
import { MemoryProducer } from '../support/agents.ts'
import { settle } from '../support/manual_clock.ts'

const View = record('View', { url: string(), ms: float64(), n: optional(integer()) })
type View = { url: string; ms: number; n?: number }
const PARTITIONS = 3

function topicOn<K, V>(
  producer: MemoryProducer,
  options: TopicOptions<K, V>,
  senderOptions: Partial<SenderOptions> = {},
) {
  const sender = new Sender(producer, { recordsMax: 100_000, ...senderOptions })
  const place = (key: Uint8Array | null, length?: number) =>
    key === null ? 0 : partitionOfKey(key, PARTITIONS, length)
  const topic = new Topic<K, V>('views', options, {
    now: () => 5,
    storeRow: (name, row) =>
      sender.sendRow(name, row.partition ?? place(row.key, row.keyLength), row),
    storeMany: (name, rows) =>
      sender.sendMany(name, rows, (row) => row.partition ?? place(row.key, row.keyLength)),
  })
  return { topic, sender }
}

const plain = ({ stored }: MemoryProducer) =>
  stored
    .map(({ partition, key, value, timestamp, headers = [] }) => {
      const headerText = headers.map((header) => `${header.key}=${header.value}`).join()
      return `${partition} ${key} ${value} ${timestamp} ${headerText}`
    })
    .sort((a, b) => Number(a[0]) - Number(b[0]))

const views = fc.record({
  url: fc.oneof(fc.webPath(), fc.string({ unit: 'grapheme' })),
  ms: fc.double({ noNaN: true, noDefaultInfinity: true }),
  n: fc.maxSafeInteger(),
})
const messages = fc.array(
  fc.record(
    {
      value: views as fc.Arbitrary<View>,
      key: fc.option(fc.string({ unit: 'grapheme' })),
      timestamp: fc.maxSafeInteger(),
      partition: fc.nat(PARTITIONS - 1),
      headers: fc.constant({ h: 'x' }),
    },
    { requiredKeys: ['value'] },
  ),
)
const types: readonly TopicOptions<string, View>[] = [
  { value: View, keyedBy: 'url' },
  { value: View, key: string() as CodecLike<string> },
  { value: View, key: string() as CodecLike<string>, keyedBy: 'url' },
  { value: json<View>(), key: text() },
]

describe('sendMany', () => {
  test('stores what send() stores, from messages', async () => {
    const cases = fc.tuple(messages, fc.constantFrom(...types))
    await fc.assert(
      fc.asyncProperty(cases, async ([all, options]) => {
        const [one, many] = [new MemoryProducer(), new MemoryProducer()]
        const keyed = options.key === undefined
        const given = (keyed ? all.map(({ key: _, ...rest }) => rest) : all) as typeof all
        const { topic } = topicOn(one, options)
        await Promise.all(given.map((message) => topic.send(message as Message<string, View>)))
        const result = await topicOn(many, options).topic.sendMany(given as Message<string, View>[])
        assert.equal(result.records, given.length)
        assert.deepEqual(plain(many), plain(one))
      }),
    )
  })

  test('stores what send() stores, from columns', async () => {
    const rows = fc.array(fc.tuple(views, fc.string(), fc.maxSafeInteger()))
    const cases = fc.tuple(rows, fc.constantFrom(...types.slice(0, 3)), fc.boolean())
    await fc.assert(
      fc.asyncProperty(cases, async ([all, options, whole]) => {
        const [one, many] = [new MemoryProducer(), new MemoryProducer()]
        const withKey = options.key !== undefined
        const values = all.map(([value]) => value)
        const { topic } = topicOn(one, options)
        const sent = all.map(([value, key, timestamp]) =>
          topic.send({ value, timestamp, ...(withKey && { key }) }),
        )
        await Promise.all(sent)
        const columns = {
          value: whole
            ? values
            : {
                url: values.map(({ url }) => url),
                ms: Float64Array.from(values, ({ ms }) => ms),
                n: values.map(({ n }) => n),
              },
          timestamp: Float64Array.from(all, ([, , timestamp]) => timestamp),
          ...(withKey && { key: all.map(([, key]) => key) }),
        } as MessageColumns<string, View>
        await topicOn(many, options).topic.sendMany(columns)
        assert.deepEqual(plain(many), plain(one))
      }),
    )
  })

  test('tells where the records are, and keeps the order of the calls', async () => {
    const producer = new MemoryProducer()
    const { topic } = topicOn(producer, { value: View }, { bytesMax: 3000, batchBytes: 1000 })
    const view = (n: number) => ({ value: { url: '/', ms: 1, n } })
    const many = (from: number, count: number) =>
      topic.sendMany(Array.from({ length: count }, (_, index) => view(from + index)))
    const calls = [
      many(0, 2500),
      topic.send(view(2500)),
      topic.send(view(2501)),
      many(2502, 3),
      topic.send(view(2505)),
    ] as const
    const [first, one, two, second, last] = await Promise.all(calls)
    assert.deepEqual(first, {
      topic: 'views',
      records: 2500,
      partitions: [{ partition: 0, records: 2500, firstOffset: 0, lastOffset: 2499 }],
    })
    assert.deepEqual([one.offset, two.offset, last.offset], [2500, 2501, 2505])
    assert.deepEqual(second.partitions, [
      { partition: 0, records: 3, firstOffset: 2502, lastOffset: 2504 },
    ])
    const numbers = producer.stored.map(({ value }) => JSON.parse(String(value)).n)
    assert.deepEqual(
      numbers,
      Array.from({ length: 2506 }, (_, index) => index),
    )
    assert.ok(producer.batches.length > 70, 'batches of about 1,000 bytes')
  })

  test('no more bytes wait than the buffer takes', async () => {
    const producer = new MemoryProducer()
    let open = (): void => undefined
    producer.gate = new Promise((resolve) => {
      open = resolve
    })
    const { topic, sender } = topicOn(producer, { value: text() }, { bytesMax: 10_000 })
    const value = 'x'.repeat(968)
    const sent = topic.sendMany({ value: Array.from({ length: 50 }, () => value) })
    const after = Array.from({ length: 5 }, () => topic.send({ value: 'after' }))
    for (let turn = 0; turn < 10; turn++) await settle()
    assert.equal(sender.bytes, 10_000)
    const flushed = sender.flush()
    open()
    await Promise.all([sent, flushed])
    assert.equal(producer.stored.length, 55)
    assert.equal(sender.bytes, 0)
    assert.equal((await after[4]).offset, 54)
  })
})

describe('what sendMany refuses', () => {
  const refusal = (code: string, pattern: RegExp) => (error: unknown) =>
    error instanceof EuphorionError && error.code === code && pattern.test(error.message)

  test('a record that does not fit: those before it are stored, and no others', async () => {
    const producer = new MemoryProducer()
    const { topic } = topicOn(producer, { value: View })
    const good = { value: { url: '/', ms: 1 } }
    const bad = { value: { url: '/', ms: Number.NaN } }
    await assert.rejects(
      topic.sendMany([good, good, bad, good]),
      refusal('RECORD_INVALID', /^record 2: View.ms: expected a finite number.*; the 2 before/),
    )
    assert.equal(producer.stored.length, 2)
    const columns = { value: { url: ['a', 7 as unknown as string], ms: [1, 2] } }
    await assert.rejects(
      topic.sendMany(columns),
      refusal('RECORD_INVALID', /^record 1: View.url: expected a string/),
    )
    await assert.rejects(
      topic.sendMany({ value: { url: ['a'], ms: [1] }, timestamp: 1.5 }),
      refusal('RECORD_INVALID', /^record 0: timestamp 1.5.*; nothing is stored/),
    )
    assert.equal(producer.stored.length, 3)
    assert.equal((await topic.send(good)).offset, 3)
  })

  test('columns that are not those of the record', async () => {
    const { topic } = topicOn(new MemoryProducer(), { value: View })
    const wrong = [
      [{ url: ['a'] }, /View.ms: there is no such column/],
      [{ url: ['a', 'b'], ms: [1] }, /View.ms has 1 rows.*has 2/],
      [{ url: ['a'], ms: [1], page: ['a'] }, /View has no field page/],
      [{ url: 'a', ms: [1] }, /View.url: expected an array/],
      ['a', /value: expected an array/],
    ] as const
    for (const [value, pattern] of wrong)
      await assert.rejects(
        topic.sendMany({ value } as unknown as MessageColumns<string, View>),
        refusal('RECORD_INVALID', pattern),
      )
  })

  test('what the log refuses is counted', async () => {
    const producer = new MemoryProducer()
    const append = producer.appendBatch.bind(producer)
    producer.appendBatch = async (topic, partition, batch) => {
      if (partition === 1) throw new EuphorionError('LOG_FAILED', 'no leader')
      return append(topic, partition, batch)
    }
    const { topic } = topicOn(producer, { value: text() })
    const values = ['a', 'b', 'c', 'd', 'e']
    await assert.rejects(
      topic.sendMany({ value: values, partition: [0, 1, 2, 1, 0] }),
      refusal('LOG_FAILED', /^3 of 5 records are stored, others are not: no leader/),
    )
    assert.equal(producer.stored.length, 3)
  })

  test('a batch too large for the topic is halved until only what is too large is refused', async () => {
    const producer = new MemoryProducer()
    const append = producer.appendBatch.bind(producer)
    producer.appendBatch = async (topic, partition, batch) => {
      if (batch.length > 500) throw new EuphorionError('RECORD_TOO_LARGE', 'too large')
      return append(topic, partition, batch)
    }
    const { topic } = topicOn(producer, { value: text() })
    const small = Array.from({ length: 40 }, (_, index) => `value number ${index}`)
    const sent = small.map((value) => topic.send({ value }))
    const many = topic.sendMany({ value: [...small, 'x'.repeat(600), 'end'] })
    const offsets = (await Promise.all(sent)).map(({ offset }) => offset)
    assert.deepEqual(
      offsets,
      small.map((_, index) => index),
    )
    await assert.rejects(many, refusal('RECORD_TOO_LARGE', /^41 of 42 records are stored/))
    const stored = producer.stored.map(({ value }) => String(value))
    assert.deepEqual(stored, [...small, ...small, 'end'])
  })
})
