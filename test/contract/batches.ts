// What the batches of an agent keep to, whether their columns are extracted by kernels or made of
// decoded values; run for both by test/stream/batches.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EuphorionError } from '../../src/errors.ts'
import {
  array,
  boolean,
  float32,
  float64,
  int64,
  integer,
  nullable,
  optional,
  string,
  timestamp,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { AgentDefinition } from '../../src/stream/agent_definition.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { batchOf, type Fixture } from '../support/agents.ts'
import { type AnyBatch, batchesOf, type ReaderKind, recordAgent } from '../support/batch_agents.ts'
import { batchOf as batchAt, concat, withAttributes } from '../support/batches.ts'
import { settle } from '../support/manual_clock.ts'

const Sample = record('Sample', {
  id: string(),
  value: float64(),
  small: optional(float32()),
  whole: nullable(integer()),
  long: optional(int64()),
  flag: boolean(),
  at: timestamp(),
  note: optional(nullable(string())),
  place: optional(record('Place', { city: string(), zip: optional(integer()) })),
  tags: optional(array(string())),
})
const Point = record('Point', { n: integer(), text: optional(string()) })

const points = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ n: from + i, text: `t${from + i}` }))
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value))

export function batchesContract(name: string, kind: ReaderKind): void {
  const agent = (
    run: (stream: Stream<string, unknown>) => Promise<void>,
    more: Partial<AgentDefinition<string, unknown, unknown>> & { startOffset?: number } = {},
  ): Fixture<unknown> => recordAgent(kind, Point.schema, run, more)
  const collect =
    (into: AnyBatch[], options = {}) =>
    async (stream: Stream<string, unknown>) => {
      for await (const batch of batchesOf(stream, options)) into.push(batch)
    }
  const numbers = (batches: readonly AnyBatch[]) => batches.map((batch) => [...batch.column('n')])

  test(`${name}: every declared type has its array`, async () => {
    const got: AnyBatch[] = []
    const { partition } = recordAgent(kind, Sample.schema, collect(got))
    const base = { id: 'a', value: 1.5, whole: null, flag: true, at: 5 }
    await partition.push(
      batchOf([
        base,
        { ...base, id: 'ü\ud83d', small: 0.1, whole: -7, flag: false, note: 'x', tags: ['t'] },
        '{"id":"\\u0000\\"","value":-0.0,"whole":9,"long":9007199254740993,"flag":true,' +
          '"at":"1970-01-01T00:00:01Z","note":null,"place":{"city":"Ulm","zip":89073}}',
      ]),
    )
    await until(() => partition.acknowledged() === 3)
    assert.equal(got.length, 1)
    const [batch] = got
    assert.equal(batch.length, 3)
    assert.deepStrictEqual(batch.column('id'), ['a', 'ü\ud83d', '\u0000"'])
    assert.deepStrictEqual(batch.column('value'), Float64Array.of(1.5, 1.5, -0))
    assert.deepStrictEqual(batch.column('small'), Float32Array.of(NaN, 0.1, NaN))
    assert.deepStrictEqual(batch.column('whole'), Float64Array.of(NaN, -7, 9))
    assert.deepStrictEqual(batch.column('long'), BigInt64Array.of(0n, 0n, 9007199254740993n))
    assert.deepStrictEqual(batch.column('flag'), Uint8Array.of(1, 0, 1))
    assert.deepStrictEqual(batch.column('at'), Float64Array.of(5, 5, 1000))
    assert.deepStrictEqual(batch.column('note'), [undefined, 'x', undefined])
    assert.deepStrictEqual(batch.column('place.city'), [undefined, undefined, 'Ulm'])
    assert.deepStrictEqual(batch.column('place.zip'), Float64Array.of(NaN, NaN, 89073))
    assert.deepStrictEqual(batch.present('id'), Uint8Array.of(1, 1, 1))
    assert.deepStrictEqual(batch.present('small'), Uint8Array.of(0, 1, 0))
    assert.deepStrictEqual(batch.present('whole'), Uint8Array.of(0, 1, 1))
    assert.deepStrictEqual(batch.present('long'), Uint8Array.of(0, 0, 1))
    assert.deepStrictEqual(batch.present('place.city'), Uint8Array.of(0, 0, 1))
    assert.throws(() => batch.column('tags'), { code: 'APP_INVALID', message: /it has id, value/ })
    assert.throws(() => batch.present('nowhere'), { code: 'APP_INVALID' })
    await partition.close()
  })

  test(`${name}: offsets, timestamps, keys, values and rows are those of events()`, async () => {
    const got: AnyBatch[] = []
    const events: Event<string, unknown>[] = []
    const payload = concat([
      batchOf(points(0, 5), 3),
      batchAt(
        [8, 11, 12].map((offset) => ({
          offset,
          key: Buffer.from('k'),
          value: bytesOf({ n: offset }),
          timestamp: offset * 10,
        })),
        'gzip',
      ),
    ])
    const one = agent(collect(got))
    const other = agent(async (stream) => {
      for await (const event of stream.events()) events.push(event)
    })
    for (const { partition } of [one, other]) {
      await partition.push(payload.slice())
      await until(() => partition.acknowledged() === 13)
    }
    const rows = got.flatMap((batch) => [...batch.rows()])
    assert.deepStrictEqual(rows, events)
    assert.deepStrictEqual(
      got.flatMap((batch) => [...batch.offsets]),
      events.map(({ offset }) => offset),
    )
    assert.deepStrictEqual(
      got.flatMap((batch) => [...batch.timestamps]),
      events.map(({ timestamp }) => timestamp),
    )
    assert.deepStrictEqual(
      got.flatMap((batch) => batch.keys),
      events.map(({ key }) => key),
    )
    assert.deepStrictEqual(
      got.flatMap((batch) => batch.values),
      events.map(({ value }) => value),
    )
    assert.equal(got[0].firstOffset, 3)
    assert.equal(got.at(-1)?.nextOffset, 13)
    assert.equal(got[0].topic, 't')
    assert.equal(got[0].partition, 2)
    for (const { partition } of [one, other]) await partition.close()
  })

  test(`${name}: rows, values and keys of a batch are the same whenever they are asked for`, async () => {
    const got: AnyBatch[] = []
    const { partition } = agent(collect(got, { maxRecords: 3 }))
    const bad = new Map([
      [2, '?'],
      [5, '{}'],
    ])
    await partition.push(batchOf(points(0, 8).map((point, i) => bad.get(i) ?? point)))
    await partition.push(batchOf(points(8, 10), 8))
    await until(() => partition.acknowledged() === 10)
    await partition.close()
    const texts = (batch: AnyBatch) => batch.values.map((value) => (value as { text: string }).text)
    const expected = [
      ['t0', 't1', 't3'],
      ['t4', 't6', 't7'],
      ['t8', 't9'],
    ]
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 1, 0],
    ]) {
      for (const i of order) {
        assert.deepEqual(texts(got[i]), expected[i])
        assert.deepEqual(got[i].column('text'), expected[i])
        assert.deepEqual(
          got[i].keys,
          expected[i].map((text) => text.replace('t', 'k')),
        )
        const rows = [...got[i].rows()]
        assert.deepEqual(
          rows.map(({ timestamp }) => timestamp),
          [...got[i].timestamps],
        )
        assert.equal(rows[0].headers[0].key, 'h')
      }
    }
    const [first] = got[1].rows()
    assert.equal(first.offset, 4)
    assert.deepEqual(
      [...got[1].rows()].map(({ offset }) => offset),
      [4, 6, 7],
    )
  })

  test(`${name}: maxRecords and maxBytes bound a batch, and one event always fits`, async () => {
    const got: AnyBatch[] = []
    const few = agent(collect(got, { maxRecords: 4 }))
    await few.partition.push(batchOf(points(0, 10)))
    await until(() => few.partition.acknowledged() === 10)
    await few.partition.close()
    assert.deepEqual(numbers(got), [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ])
    const sized: AnyBatch[] = []
    // a record of 1 digit takes 34 bytes
    const small = agent(collect(sized, { maxBytes: 34 * 3 + 10 }))
    await small.partition.push(batchOf(points(0, 7)))
    await until(() => small.partition.acknowledged() === 7)
    await small.partition.close()
    assert.deepEqual(numbers(sized), [[0, 1, 2], [3, 4, 5], [6]])
    const single: AnyBatch[] = []
    const tiny = agent(collect(single, { maxBytes: 1 }))
    await tiny.partition.push(batchOf(points(0, 3)))
    await until(() => tiny.partition.acknowledged() === 3)
    await tiny.partition.close()
    assert.deepEqual(numbers(single), [[0], [1], [2]])
    for (const options of [{ maxRecords: 0 }, { maxRecords: 40_000 }, { maxBytes: 1.5 }]) {
      const { partition, stopped } = agent(collect([], options))
      await settle()
      assert.equal((stopped[0].cause as EuphorionError).code, 'APP_INVALID')
      await partition.close()
    }
  })

  test(`${name}: a batch is acknowledged when the loop asks for the next one`, async () => {
    const gates: (() => void)[] = []
    const { partition } = agent(async (stream) => {
      for await (const _ of batchesOf(stream, { maxRecords: 2 }))
        await new Promise<void>((resolve) => gates.push(resolve))
    })
    const pushed = partition.push(batchOf(points(0, 5), 7))
    await until(() => gates.length === 1)
    assert.equal(partition.acknowledged(), 7)
    gates[0]()
    await until(() => gates.length === 2)
    assert.equal(partition.acknowledged(), 9)
    gates[1]()
    await until(() => gates.length === 3)
    assert.equal(partition.acknowledged(), 11)
    gates[2]()
    await pushed
    await until(() => partition.acknowledged() === 12)
    await partition.close()
  })

  test(`${name}: several functions share a partition by batches`, async () => {
    const gates = new Map<number, () => void>()
    const { partition } = agent(
      async (stream) => {
        for await (const batch of batchesOf(stream, { maxRecords: 2 }))
          await new Promise<void>((resolve) => gates.set(batch.firstOffset, resolve))
      },
      { concurrency: 2 },
    )
    void partition.push(batchOf(points(0, 6)))
    await until(() => gates.size === 2)
    gates.get(2)?.()
    await until(() => gates.size === 3)
    assert.equal(partition.acknowledged(), 0)
    gates.get(0)?.()
    await until(() => partition.acknowledged() === 4)
    gates.get(4)?.()
    await until(() => partition.acknowledged() === 6)
    await partition.close()
  })

  test(`${name}: bad records are left out, and go to the dead letters with their bytes`, async () => {
    const got: AnyBatch[] = []
    const { partition, bad, producer } = agent(collect(got))
    void partition.push(batchOf([{ n: 0 }, '{"n":', { n: 2 }, null, { n: 'x' }, { n: 5 }], 10))
    await until(() => got.length === 1)
    assert.deepEqual(numbers(got), [[0, 2, 5]])
    assert.deepEqual([...got[0].offsets], [10, 12, 15])
    assert.deepEqual(
      bad.map((each) => [each.offset, each.reason]),
      [
        [11, 'invalid-json'],
        [13, 'null-value'],
        [14, 'wrong-type'],
      ],
    )
    await until(() => producer.stored.length === 3)
    const [first] = producer.stored
    assert.equal(Buffer.from(first.key ?? []).toString(), 'k11')
    assert.equal(Buffer.from(first.value ?? []).toString(), '{"n":')
    assert.equal(first.timestamp, 1001)
    assert.equal(first.headers?.[0].key, 'h')
    await until(() => partition.acknowledged() === 16)
    await partition.push(batchOf(['?', '?'], 16))
    await partition.push(batchOf([{ n: 18 }], 18))
    await until(() => got.length === 2)
    assert.deepEqual(numbers(got), [[0, 2, 5], [18]])
    await partition.close()
  })

  test(`${name}: keys are checked as the codec says`, async () => {
    const got: AnyBatch[] = []
    const { partition, bad } = agent(collect(got), { onBadRecord: 'skip' })
    const keys = [Buffer.from('a'), null, Buffer.from([0xff]), Buffer.from(''), Buffer.from('ü')]
    const records = keys.map((key, offset) => ({
      offset,
      key,
      value: offset === 4 ? Buffer.from('[]') : bytesOf({ n: offset }),
      timestamp: 0,
    }))
    await partition.push(batchAt(records))
    await until(() => partition.acknowledged() === 5)
    await partition.close()
    assert.deepEqual(numbers(got), [[0, 3]])
    assert.deepEqual(got[0].keys, ['a', ''])
    assert.deepEqual(
      bad.map(({ offset, reason }) => [offset, reason]),
      [
        [1, 'null-key'],
        [2, 'invalid-utf8'],
        [4, 'not-an-object'],
      ],
    )
  })

  test(`${name}: policy stop hands out what is before the bad record, then stops`, async () => {
    const got: AnyBatch[] = []
    const { partition, stopped } = agent(collect(got), { onBadRecord: 'stop' })
    await partition.push(batchOf([{ n: 0 }, { n: 1 }, '?', { n: 3 }]))
    await until(() => partition.stopped)
    assert.deepEqual(numbers(got), [[0, 1]])
    assert.equal(stopped[0].code, 'RECORD_BAD')
    assert.deepEqual(stopped[0].place, { topic: 't', partition: 2, offset: 2 })
    assert.equal(partition.acknowledged(), 2)
    await partition.close()
  })

  test(`${name}: a damaged batch is asked for again, and stops the partition the second time`, async () => {
    const got: AnyBatch[] = []
    const { partition, stopped } = agent(collect(got))
    const first = batchOf(points(0, 3))
    const damaged = batchOf(points(3, 5), 3)
    damaged[damaged.length - 1] ^= 1
    assert.equal(await partition.push(concat([first, damaged])), false)
    await until(() => partition.acknowledged() === 3)
    assert.equal(await partition.push(concat([first, batchOf(points(3, 5), 3)])), true)
    await until(() => partition.acknowledged() === 5)
    assert.deepEqual(numbers(got).flat(), [0, 1, 2, 3, 4])
    const again = batchOf(points(5, 7), 5)
    again[again.length - 1] ^= 1
    for (const _ of [1, 2]) await partition.push(again)
    await until(() => partition.stopped)
    assert.equal(stopped[0].code, 'BATCH_CORRUPT')
    assert.deepEqual(stopped[0].place, { topic: 't', partition: 2, offset: 5 })
    assert.equal(partition.acknowledged(), 5)
    await partition.close()
  })

  test(`${name}: a function that throws keeps its batch and stops the partition`, async () => {
    const { partition, stopped } = agent(async (stream) => {
      for await (const batch of batchesOf(stream, { maxRecords: 2 }))
        if (batch.firstOffset === 2) throw new Error('two!')
    })
    await partition.push(batchOf(points(0, 6)))
    await until(() => partition.stopped)
    assert.equal(partition.acknowledged(), 2)
    assert.equal(stopped[0].code, 'HANDLER_FAILED')
    assert.deepEqual(stopped[0].place, { topic: 't', partition: 2, offset: 2 })
    await partition.close()
  })

  test(`${name}: what is left of the loop comes to the next one, as events or as batches`, async () => {
    const got: unknown[] = []
    const { partition } = agent(async (stream) => {
      for (let round = 0; round < 2; round++) {
        for await (const batch of batchesOf(stream, { maxRecords: 2 })) {
          got.push([...batch.column('n')])
          break
        }
        for await (const { offset, value, headers } of stream.events()) {
          got.push([offset, (value as { n: number }).n, headers.length])
          break
        }
        for await (const value of stream) {
          got.push(value)
          break
        }
      }
      for await (const batch of batchesOf(stream)) got.push([...batch.column('n')])
    })
    await partition.push(batchOf(points(0, 5)))
    await partition.push(batchOf(points(5, 10), 5))
    await until(() => partition.acknowledged() === 10)
    await partition.close()
    const third = { n: 3, text: 't3' }
    assert.deepEqual(got, [
      [0, 1],
      [2, 2, 1],
      third,
      [4],
      [5, 5, 1],
      { n: 6, text: 't6' },
      [7, 8, 9],
    ])
    assert.equal(partition.acknowledged(), 10)
  })

  test(`${name}: control batches, holes, log append time and records below the start`, async () => {
    const got: AnyBatch[] = []
    const { partition } = agent(collect(got), { startOffset: 2 })
    const plain = (offsets: readonly number[]) =>
      offsets.map((offset) => ({
        offset,
        key: Buffer.from('k'),
        value: bytesOf({ n: offset }),
        timestamp: offset,
      }))
    const logAppendTime = 8
    const control = 32
    await partition.push(
      concat([
        batchAt(plain([0, 1, 2, 4])),
        withAttributes(batchAt(plain([6])), control),
        withAttributes(batchAt(plain([8, 9, 12]), 'none', 15), logAppendTime),
        batchAt(plain([20, 21]), 'gzip', 22),
      ]),
    )
    await until(() => partition.acknowledged() === 23)
    assert.deepEqual(numbers(got).flat(), [2, 4, 8, 9, 12, 20, 21])
    assert.deepEqual(
      got.flatMap((batch) => [...batch.timestamps]),
      [2, 4, 12, 12, 12, 20, 21],
    )
    await partition.close()
  })

  test(`${name}: close ends the loop, and leaves what was not taken`, async () => {
    let left = false
    let taken = 0
    let open = (): void => undefined
    const held = new Promise<void>((resolve) => (open = resolve))
    const { partition, stopped } = agent(async (stream) => {
      for await (const _ of batchesOf(stream, { maxRecords: 2 })) {
        taken++
        await held
      }
      left = true
    })
    void partition.push(batchOf(points(0, 6)))
    await until(() => taken === 1)
    const closed = partition.close()
    open()
    await closed
    assert.equal(left, true)
    assert.equal(partition.acknowledged(), 2)
    assert.equal(stopped.length, 0)
  })
}

/** Lets the loop turn until it holds; threads answer when they are done. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle()
}
