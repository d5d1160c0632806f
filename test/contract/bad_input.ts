// What becomes of bad input, whatever the log: the policy of the topic is followed, counts add up,
// and the dead-letter topic holds exactly the bad records, byte for byte. Run on the embedded log
// and on a real Kafka.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type App, type AppOptions, count, type Event, string, sum } from '../../src/index.ts'
import type { BadRecordPolicy } from '../../src/kernel/lane.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import {
  badTimes,
  badValues,
  goodValue,
  mixedRecords,
  Reading,
  type TestRecord,
} from '../support/bad_values.ts'
import { readAll } from '../support/embedded.ts'
import { unique } from '../support/log.ts'
import { caughtUp, fillTopic, inTemporary, testApp, until } from '../support/running_app.ts'

/** Settings of an app on a log; `directory` is new and goes away. */
export type Place = (directory: string) => AppOptions

const LIMIT = { timeout: 120_000 }
const RECORDS = 4600

export function badInputContract(name: string, place: Place): void {
  describe(`Bad input: ${name}`, () => {
    for (const backend of ['wasm', 'js'] as const) {
      for (const policy of ['dead-letter', 'skip'] as const) {
        test(`an aggregation (${backend}), ${policy}`, LIMIT, () =>
          aggregates(place, backend, policy),
        )
      }
      test(`an aggregation (${backend}) stops at the first bad record`, LIMIT, () =>
        aggregationStops(place, backend),
      )
    }
    for (const policy of ['dead-letter', 'skip'] as const)
      test(`an agent, ${policy}`, LIMIT, () => agentReads(place, policy))
    test('an agent stops at the first bad record', LIMIT, () => agentStops(place))
    test('a record that several readers refuse is a dead letter once', LIMIT, () => once(place))
    for (const backend of ['wasm', 'js'] as const)
      test(`keys that are no text (${backend}), once also over a restart`, LIMIT, () =>
        badKeys(place, backend),
      )
    test('more dead letters than the program may send at once', LIMIT, () => many(place))
  })
}

/** Two partitions with every kind of bad value. */
function mixed(): TestRecord[][] {
  const bad = [...badValues, ...badTimes]
  return [0, 1].map((partition) => mixedRecords(RECORDS, bad, partition * RECORDS))
}

const isGood = ({ reason }: TestRecord): boolean => reason === undefined

async function aggregates(
  place: Place,
  backend: 'wasm' | 'js',
  policy: BadRecordPolicy,
): Promise<void> {
  await inTemporary(async (directory) => {
    const { app } = testApp({ ...place(directory), backend })
    const topic = unique('readings')
    const readings = app.topic(topic, { value: Reading, keyedBy: 'id', onBadRecord: policy })
    const perId = app
      .stream(readings)
      .keyBy('id')
      .time('at')
      .aggregate('per-id', (v) => ({ readings: count(), total: sum(v.value) }))
    const partitions = mixed()
    await fillTopic(await app.log(), topic, partitions)
    await app.start()
    await caughtUp(app, topic)
    const expected = partitions.map((records) => records.filter(isGood).length)
    const statistics = app.statistics().sort((a, b) => a.partition - b.partition)
    for (const [partition, { counted, bad, late, filtered }] of statistics.entries()) {
      const good = expected[partition]
      assert.deepEqual([counted, bad, late, filtered], [good, RECORDS - good, 0, 0])
    }
    let readingsInTable = 0
    for await (const row of perId.range()) readingsInTable += row.readings
    assert.equal(readingsInTable, expected[0] + expected[1])
    await checkDeadLetters(app, topic, partitions, policy)
    await app.stop()
  })
}

async function checkDeadLetters(
  app: App,
  topic: string,
  partitions: readonly (readonly TestRecord[])[],
  policy: BadRecordPolicy,
): Promise<void> {
  const log = await app.log()
  const dead = `${app.id}-dead-letter`
  if (policy === 'skip') {
    assert.ok(!(await log.topics()).some(({ name }) => name === dead))
    return
  }
  const letters = (
    await Promise.all(
      (await log.offsets(dead)).map(({ partition }) => readAll(log, dead, partition)),
    )
  ).flat()
  const expected = partitions.flatMap((records, partition) =>
    records.flatMap((record, offset) => {
      const { reason, headers = [] } = record
      if (reason === undefined) return []
      const own = { reason, topic, partition, offset, timestamp: record.timestamp }
      const added = Object.entries(own).map(([name, value]) => `euphorion.${name}=${value}`)
      const kept = headers.map(({ key, value }) => `${key}=${text(value)}`)
      return [{ ...shown(record), headers: [...kept, ...added].sort() }]
    }),
  )
  const found = letters.map((letter) => ({
    ...shown(letter),
    headers: (letter.headers ?? []).map(({ key, value }) => `${key}=${text(value)}`).sort(),
  }))
  assert.deepEqual(sorted(found), sorted(expected))
}

type Shown = ReturnType<typeof shown> & { readonly headers: readonly string[] }

function shown({ key, value, timestamp }: Omit<StoredRecord, 'offset'>) {
  return { key: text(key), value: text(value), timestamp }
}

function sorted(records: readonly Shown[]): Shown[] {
  return [...records].sort((a, b) => (a.headers.join() < b.headers.join() ? -1 : 1))
}

/** Bytes as text; what is long, by its length and its ends. */
function text(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  const whole = Buffer.from(bytes).toString('latin1')
  return whole.length < 500 ? whole : `${whole.slice(0, 80)} ${whole.length} ${whole.slice(-80)}`
}

/** 300 good records, a bad one, and 99 more; without the bad one `at` is -1. */
function withOneBad(bad: Uint8Array | null): TestRecord[] {
  const records = mixedRecords(400, badValues).filter(isGood).slice(0, 300)
  const rest = mixedRecords(200, badValues, 400).filter(isGood).slice(0, 99)
  const key = Buffer.from('k')
  return [...records, { key, value: bad, timestamp: 1, reason: 'x' }, ...rest]
}

/** The app ends with RECORD_BAD at offset 300 of partition 0. */
async function assertStopped(app: App, topic: string): Promise<void> {
  await assert.rejects(app.ended, {
    code: 'RECORD_BAD',
    place: { topic, partition: 0, offset: 300 },
    message: /invalid-json/,
  })
}

async function aggregationStops(place: Place, backend: 'wasm' | 'js'): Promise<void> {
  await inTemporary(async (directory) => {
    const settings = { ...place(directory), backend }
    const topic = unique('readings')
    const declare = (onBadRecord: BadRecordPolicy, id?: string) => {
      const { app, lines } = testApp(settings, id)
      const readings = app.topic(topic, { value: Reading, partitions: 1, onBadRecord })
      app
        .stream(readings)
        .keyBy('id')
        .aggregate('per-id', () => ({ readings: count() }))
      return { app, lines }
    }
    const first = declare('stop')
    await fillTopic(await first.app.log(), topic, [withOneBad(Buffer.from('{"id'))])
    for (const { app, lines } of [first, declare('stop', first.app.id)]) {
      await app.start()
      await assertStopped(app, topic)
      assert.equal(app.statistics()[0].counted, 300)
      assert.ok(
        lines.some(({ fields }) => (fields.err as { code?: string })?.code === 'RECORD_BAD'),
      )
      await app.stop()
      const committed = await (await app.log()).committed(app.id, topic)
      assert.equal(committed.get(0), 300)
      await app.stop()
    }
    const { app } = declare('skip', first.app.id)
    await app.start()
    await caughtUp(app, topic)
    const [{ counted, bad }] = app.statistics()
    assert.deepEqual([counted, bad], [399, 1])
    await app.stop()
  })
}

async function agentReads(place: Place, policy: BadRecordPolicy): Promise<void> {
  await inTemporary(async (directory) => {
    const { app, lines } = testApp(place(directory))
    const topic = unique('readings')
    const readings = app.topic(topic, { value: Reading, onBadRecord: policy })
    const got: Event<Uint8Array | null, unknown>[] = []
    app.agent(readings, async (stream) => {
      for await (const event of stream.events()) got.push(event)
    })
    const partitions = [0, 1].map((each) => mixedRecords(RECORDS, badValues, each * RECORDS))
    await fillTopic(await app.log(), topic, partitions)
    await app.start()
    await caughtUp(app, topic)
    for (const [partition, records] of partitions.entries()) {
      const events = got.filter((each) => each.partition === partition)
      const offsets = records.flatMap((record, offset) => (isGood(record) ? [offset] : []))
      assert.deepEqual(
        events.map((each) => each.offset),
        offsets,
      )
      for (const { offset, key } of events)
        assert.equal(text(key), text(records[offset].key), `key at ${offset}`)
    }
    const warned = lines.filter(({ message }) => message === 'a record cannot be read')
    // the first one by one, a flood by its number (test/app/reject_log.test.ts)
    const bad = 2 * RECORDS - got.length
    assert.ok(warned.length >= 10 && warned.length <= bad, `${warned.length} of ${bad} are logged`)
    await checkDeadLetters(app, topic, partitions, policy)
    await app.stop()
  })
}

async function agentStops(place: Place): Promise<void> {
  await inTemporary(async (directory) => {
    const topic = unique('readings')
    const other = unique('other')
    const { app } = testApp(place(directory))
    const readings = app.topic(topic, { value: Reading, partitions: 1, onBadRecord: 'stop' })
    let got = 0
    let others = 0
    app.agent(readings, async (stream) => {
      for await (const _ of stream) got++
    })
    app.agent(app.topic(other, { partitions: 1 }), async (stream) => {
      for await (const _ of stream) others++
    })
    await fillTopic(await app.log(), topic, [withOneBad(Buffer.from('{"id'))])
    await app.start()
    const log = await app.log()
    await until(app, async () => (await log.committed(app.id, topic)).get(0) === 300)
    await app.send(other, { value: 1 })
    await until(app, () => others === 1)
    assert.equal(got, 300)
    await app.stop()
  })
}

async function once(place: Place): Promise<void> {
  await inTemporary(async (directory) => {
    const { app } = testApp(place(directory))
    const topic = unique('readings')
    const readings = app.topic(topic, { value: Reading, keyedBy: 'id' })
    const stream = app.stream(readings)
    stream.keyBy('id').aggregate('one', () => ({ readings: count() }))
    stream.keyBy('id').aggregate('two', (v) => ({ total: sum(v.value) }))
    app.agent(readings, async (events) => {
      for await (const _ of events);
    })
    const partitions = [mixedRecords(RECORDS, badValues)]
    await fillTopic(await app.log(), topic, partitions)
    await app.start()
    await caughtUp(app, topic)
    await checkDeadLetters(app, topic, partitions, 'dead-letter')
    await app.stop()
  })
}

async function badKeys(place: Place, backend: 'wasm' | 'js'): Promise<void> {
  await inTemporary(async (directory) => {
    const { app } = testApp({ ...place(directory), backend })
    const topic = unique('readings')
    const readings = app.topic(topic, { key: string(), value: Reading })
    const perKey = app.stream(readings).aggregate('per-key', () => ({ readings: count() }))
    const got: string[] = []
    app.agent(readings, async (stream) => {
      for await (const { key } of stream.events()) got.push(key)
    })
    const letters: readonly (readonly [Uint8Array | null, string?])[] = [
      [null, 'null-key'],
      [Buffer.from([0xff, 0xfe]), 'invalid-utf8'],
      [Buffer.from('é')],
      [Buffer.from([0xed, 0xa0, 0x80]), 'invalid-utf8'],
      [Buffer.alloc(0)],
    ]
    const records = letters.map(([key, reason], index) => {
      return { key, value: goodValue(index + 1), timestamp: index, ...(reason && { reason }) }
    })
    await fillTopic(await app.log(), topic, [records])
    for (let run = 0; run < 2; run++) {
      await app.start()
      await caughtUp(app, topic)
      await checkDeadLetters(app, topic, [records], 'dead-letter')
      const rows: unknown[] = []
      for await (const row of perKey.range()) rows.push(row)
      assert.deepEqual(rows, [
        { key: '', readings: 1 },
        { key: 'é', readings: 1 },
      ])
      await app.stop()
    }
    assert.deepEqual(got, ['é', ''])
  })
}

async function many(place: Place): Promise<void> {
  await inTemporary(async (directory) => {
    const { app } = testApp({ ...place(directory), sendBufferRecords: 100 })
    const topic = unique('readings')
    const readings = app.topic(topic, { value: Reading, keyedBy: 'id' })
    app
      .stream(readings)
      .keyBy('id')
      .aggregate('per-id', () => ({ readings: count() }))
    const records = Array.from({ length: 3000 }, (_, index) => {
      return { key: null, timestamp: index, ...badValues[index % badValues.length] }
    })
    await fillTopic(await app.log(), topic, [records], 1000)
    await app.start()
    await caughtUp(app, topic)
    await checkDeadLetters(app, topic, [records], 'dead-letter')
  })
}
