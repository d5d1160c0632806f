// Tables of agents as users of Faust know them: what the operators of a value come to in each
// window, what is read where nothing was written, and what deletions leave in the changelog.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { App } from '../../src/app/app.ts'
import type { Log } from '../../src/log/log.ts'
import { raw } from '../../src/record/codec.ts'
import { integer, literal, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { resolveSettings } from '../../src/settings.ts'
import type { Table } from '../../src/stream/table.ts'
import { ensureChangelogs } from '../../src/table/changelog_topics.ts'
import { type TestDriver, testDriver } from '../../src/testing/test_driver.ts'
import { all, counter, openWindowed } from '../support/windowed_table.ts'

const operators: readonly { name: string; change: (n: number) => number; gives: number }[] = [
  { name: '+=', change: (n) => n + 3, gives: 15 },
  { name: '-=', change: (n) => n - 3, gives: 9 },
  { name: '*=', change: (n) => n * 3, gives: 36 },
  { name: '/=', change: (n) => n / 3, gives: 4 },
  { name: '//=', change: (n) => Math.floor(n / 5), gives: 2 },
  { name: '%=', change: (n) => n % 5, gives: 2 },
  { name: '**=', change: (n) => n ** 3, gives: 1728 },
  { name: '<<=', change: (n) => n << 3, gives: 96 },
  { name: '>>=', change: (n) => n >> 2, gives: 3 },
  { name: '&=', change: (n) => n & 6, gives: 4 },
  { name: '^=', change: (n) => n ^ 5, gives: 9 },
  { name: '|=', change: (n) => n | 3, gives: 15 },
]

describe('update changes each window that holds the event, as the operator', () => {
  for (const { name, change, gives } of operators)
    test(name, async () => {
      const hopping = (plain: Table<string, number, number>) => plain.hopping(10, 5)
      const { table, hand } = await openWindowed(counter, hopping)
      hand.at(6)
      await table.set('a', 12)
      assert.equal(await table.update('a', change), gives)
      const windows = (await all(table.range())).map(({ start, end, value }) => [start, end, value])
      assert.deepEqual(windows, [
        [0, 10, gives],
        [5, 15, gives],
      ])
    })
})

const Step = record('Step', { does: literal('set', 'delete', 'clear', 'read'), value: integer() })
type Does = 'set' | 'delete' | 'clear' | 'read'

function stepsApp() {
  const app = new App('steps')
  const steps = app.topic('steps', { key: string(), value: Step, partitions: 1 })
  const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
  app.agent(steps, async (stream) => {
    for await (const { key, value } of stream.events())
      if (value.does === 'set') await counts.set(key, value.value)
      else if (value.does === 'delete') await counts.delete(key)
      else if (value.does === 'clear') await counts.clear()
      else await counts.get(key)
  })
  return { app, steps, counts }
}

const histories: readonly {
  readonly name: string
  /** Steps of one cut each. */
  readonly steps: readonly (readonly [does: Does, key: string, value?: number])[]
  /** Rows of the changelog: key and value; null is a tombstone. */
  readonly changelog: readonly string[]
  readonly left: readonly (readonly [string, number])[]
}[] = [
  {
    name: 'a read of a key that is not there gives the default and stores nothing',
    steps: [['read', 'a']],
    changelog: [],
    left: [],
  },
  {
    name: 'what is deleted is a tombstone',
    steps: [
      ['set', 'a', 1],
      ['delete', 'a'],
    ],
    changelog: ['a 1', 'a null'],
    left: [],
  },
  {
    name: 'clear() is a tombstone for each key',
    steps: [
      ['set', 'a', 1],
      ['set', 'b', 2],
      ['clear', ''],
    ],
    changelog: ['a 1', 'b 2', 'a null', 'b null'],
    left: [],
  },
  {
    name: 'what is set after its deletion is back',
    steps: [
      ['set', 'a', 1],
      ['delete', 'a'],
      ['set', 'a', 3],
    ],
    changelog: ['a 1', 'a null', 'a 3'],
    left: [['a', 3]],
  },
]

/** Without the records that say where a cut ends. */
async function changelogRows(driver: TestDriver): Promise<string[]> {
  const raws = { key: raw(), value: raw() }
  const topic = new App('reader').topic('steps-counts-changelog', raws)
  const records = await driver.topic(topic).readAll()
  return records
    .filter(({ key }) => key![1] === 1)
    .map(({ key, value }) => `${text(key!.subarray(2))} ${value === null ? null : text(value)}`)
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('a table and its changelog', () => {
  for (const { name, steps: history, changelog, left } of histories)
    test(`${name}, also when the disk is lost`, async () => {
      const { app, steps, counts } = stepsApp()
      await using driver = await testDriver(app)
      for (const [does, key, value = 0] of history) {
        await driver.topic(steps).send({ key, value: { does, value } })
        await driver.settle()
      }
      assert.deepEqual(await changelogRows(driver), changelog)
      assert.deepEqual(await driver.table(counts).entries(), left)
      await driver.restart({ wipe: true })
      assert.deepEqual(await driver.table(counts).entries(), left)
    })
})

test('who is not in an agent reads, and may not write', async () => {
  const { app, counts } = stepsApp()
  await using driver = await testDriver(app)
  assert.equal(await counts.get('a'), 0)
  assert.equal(await counts.has('a'), false)
  for (const write of [
    () => counts.set('a', 1),
    () => counts.update('a', (n) => n + 1),
    () => counts.delete('a'),
  ])
    await assert.rejects(write(), { code: 'KEY_ELSEWHERE' })
  assert.deepEqual(await driver.table(counts).entries(), [])
})

/** Partitions of the topic that is counted, those that its changelog has, and whether that goes. */
const fitting: readonly (readonly [
  source: number,
  changelog: number | undefined,
  fits: boolean,
])[] = [
  [3, 3, true],
  [3, undefined, true],
  [3, 6, false],
  [6, 3, false],
]

describe('a changelog has the partitions of the topic that is counted', () => {
  for (const [source, found, fits] of fitting)
    test(`${source} where it has ${found ?? 'none, and is made'}`, async () => {
      const infos = found === undefined ? [] : [{ name: 'app-counts-changelog', partitions: found }]
      const made: number[] = []
      const log: Partial<Log> = {
        topics: async () => infos,
        topic: async (name) => ({ name, partitions: made[0] }),
        createTopic: async (_, { partitions }) => made.push(partitions) > 0,
      }
      const tables = [{ name: 'counts', partitions: source }]
      const ensured = ensureChangelogs(log as Log, 'app', tables, resolveSettings({}))
      if (!fits) return assert.rejects(ensured, { code: 'PARTITIONS_MISMATCH' })
      assert.equal((await ensured).get('counts')?.partitions, source)
      assert.deepEqual(made, found === undefined ? [source] : [])
    })
})
