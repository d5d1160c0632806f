// Whole programs on the embedded log whose state comes back from changelogs: with their directory,
// without it, and with what they left in the log.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import {
  type AppOptions,
  count,
  type EuphorionError,
  float64,
  hopping,
  max,
  record,
  string,
  sum,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import type { LogRecord } from '../../src/log/log.ts'
import { caughtUp, fillTopic, inTemporary, testApp, until } from '../support/running_app.ts'
import { rocksdbKinds } from '../support/stores.ts'

const View = record('View', { url: string(), ms: float64(), ts: timestamp() })
const PARTITIONS = 3
const RECORDS = 30_000
const KEYS = 4000

/** Times go back and forth, so that some are late; more keys than an arena has room for. */
function views(): LogRecord[][] {
  const random = seededRandom(3)
  const partitions: LogRecord[][] = Array.from({ length: PARTITIONS }, () => [])
  for (let i = 0; i < RECORDS; i++) {
    const page = Math.floor(random() * KEYS)
    const ts = 1_700_000_000_000 + i * 4 - Math.floor(random() * 20_000)
    const url = `/page/${page}`
    const value = Buffer.from(JSON.stringify({ url, ms: Math.floor(random() * 1e6) / 64, ts }))
    partitions[page % PARTITIONS].push({ key: Buffer.from(url), value, timestamp: ts })
  }
  return partitions
}

function program(directory: string, options: AppOptions) {
  const { app, lines } = testApp(
    {
      broker: `embedded:${join(directory, 'log')}`,
      dataDir: join(directory, 'data'),
      memoryMib: 32,
      ...options,
    },
    'restored',
  )
  const topic = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
  const stream = app.stream(topic).keyBy('url').time('ts')
  const tables = [
    stream.aggregate('plain', (v) => ({ views: count(), ms: sum(v.ms), slowest: max(v.ms) })),
    stream
      .window(tumbling('10s', { grace: '2s' }))
      .aggregate('tumbling', (v) => ({ views: count(), ms: sum(v.ms) })),
    stream
      .window(hopping('20s', '5s', { grace: '3s' }))
      .aggregate('hopping', (v) => ({ views: count(), ms: sum(v.ms) })),
  ]
  const rows = async (): Promise<string[]> => {
    const all: string[] = []
    for (const table of tables)
      for await (const row of table.range({})) all.push(JSON.stringify(row))
    return all.sort()
  }
  const counters = () =>
    app
      .statistics()
      .map(({ table, partition, counted, late, streamTimeMs, nextOffset }) =>
        [table, partition, counted, late, streamTimeMs, nextOffset].join(' '),
      )
      .sort()
  const stored = () => app.statistics().reduce((sum, { storedOffset }) => sum + storedOffset, 0)
  const told = (message: string) => lines.filter((line) => line.message === message)
  return { app, topic, rows, counters, stored, told }
}

async function filled(directory: string, options: AppOptions) {
  const first = program(directory, options)
  await fillTopic(await first.app.log(), 'views', views())
  await first.app.start()
  await caughtUp(first.app, 'views')
  const state = { rows: await first.rows(), counters: first.counters(), stored: first.stored() }
  await first.app.stop()
  assert.ok(state.rows.length > KEYS)
  return state
}

const stores = ['memory', ...rocksdbKinds] as const

for (const store of stores) {
  test(`a wiped store is rebuilt exactly, tables of every kind (${store})`, () =>
    inTemporary(async (directory) => {
      const state = await filled(directory, { store })
      rmSync(join(directory, 'data'), { recursive: true, force: true })
      const again = program(directory, { store })
      await again.app.start()
      assert.deepEqual(await again.rows(), state.rows)
      assert.deepEqual(again.counters(), state.counters)
      assert.equal(again.told('restored a table').length, 3 * PARTITIONS)
      await again.app.stop()
    }))
}

test('a warm store is opened as it is', () =>
  inTemporary(async (directory) => {
    const state = await filled(directory, { store: 'rocksdb' })
    const again = program(directory, { store: 'rocksdb' })
    await again.app.start()
    assert.deepEqual(await again.rows(), state.rows)
    assert.deepEqual(again.counters(), state.counters)
    for (const { fields } of again.told('restored a table')) assert.equal(fields.rows, 0)
    await again.app.stop()
  }))

test('a store without its changelog, and one that has more than that, is not taken for whole', () =>
  inTemporary(async (directory) => {
    const state = await filled(directory, { store: 'rocksdb' })
    const logs = program(directory, { store: 'rocksdb' })
    const log = await logs.app.log()
    await log.deleteTopic('restored-plain-changelog')
    await logs.app.stop()
    const stopped = program(directory, { store: 'rocksdb' })
    await assert.rejects(stopped.app.start(), { code: 'STATE_LOST' })
    await stopped.app.stop().catch(() => undefined)
    const rebuilt = program(directory, { store: 'rocksdb', onStateLost: 'rebuild' })
    await rebuilt.app.start()
    // what the group has read is further at first
    const isCounted = () => rebuilt.stored() === state.stored
    await until(rebuilt.app, isCounted)
    assert.deepEqual(await rebuilt.rows(), state.rows)
    await rebuilt.app.stop()
    rmSync(join(directory, 'data'), { recursive: true, force: true })
    const wiped = program(directory, { store: 'rocksdb' })
    await wiped.app.start()
    assert.deepEqual(await wiped.rows(), state.rows)
    await wiped.app.stop()
  }))

test('with changelog: false a table leaves its changelog, and is not taken for what that has', () =>
  inTemporary(async (directory) => {
    const state = await filled(directory, { store: 'rocksdb' })
    const without = program(directory, { store: 'rocksdb', changelog: false })
    await without.app.start()
    assert.deepEqual(await without.rows(), state.rows)
    await without.app.stop()
    const again = program(directory, { store: 'rocksdb' })
    await assert.rejects(again.app.start(), (error: EuphorionError) => {
      assert.equal(error.code, 'STATE_LOST')
      assert.match(error.message, /changelog: false keeps it on this machine alone/)
      return true
    })
    await again.app.stop().catch(() => undefined)
    const still = program(directory, { store: 'rocksdb', changelog: false })
    await still.app.start()
    assert.deepEqual(await still.rows(), state.rows)
    await still.app.stop()
  }))

test('an aggregation beside an agent that has come further is not taken for lost', () =>
  inTemporary(async (directory) => {
    const first = program(directory, { store: 'rocksdb' })
    await fillTopic(await first.app.log(), 'views', views())
    let taken = 0
    const take = ({ app, topic }: typeof first): void => {
      app.agent(topic, async (stream) => {
        for await (const _view of stream) taken++
      })
    }
    take(first)
    await first.app.start()
    await until(first.app, () => taken > 0)
    await first.app.stop()
    rmSync(join(directory, 'data'), { recursive: true, force: true })
    const again = program(directory, { store: 'rocksdb' })
    take(again)
    await again.app.start()
    await until(again.app, () => again.stored() === 3 * RECORDS)
    await again.app.stop()
  }))

test('a partition that is restored holds up none of the others, and can be asked about', () =>
  inTemporary(async (directory) => {
    const state = await filled(directory, { store: 'rocksdb' })
    const again = program(directory, { store: 'rocksdb' })
    const log = await again.app.log()
    await fillTopic(log, 'views', views())
    // nobody fences it: the end of this changelog is not known yet
    const options = { transactionalId: 'somebody', transactionTimeoutMs: 60_000 }
    const somebody = await log.transactionalProducer(options)
    const record = { key: Buffer.from('\0\x01x'), value: Buffer.from('x'), timestamp: 1 }
    await somebody.append('restored-plain-changelog', 0, [record])
    await again.app.start()
    const isRead = ({ partition, storedOffset }: { partition: number; storedOffset: number }) =>
      partition > 0 && storedOffset === 2 * views()[partition].length
    await until(again.app, () => again.app.statistics().filter(isRead).length === 6)
    assert.deepEqual(
      again.app.recoveries().map(({ table, partition, rows }) => [table, partition, rows]),
      [['plain', 0, 0]],
    )
    assert.ok(!again.app.statistics().some(({ partition }) => partition === 0))
    await somebody.abort()
    await until(again.app, () => again.stored() === 2 * state.stored)
    assert.deepEqual(again.app.recoveries(), [])
    await again.app.stop()
  }))
