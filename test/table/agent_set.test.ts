// Tables of sets: what their changes leave, over rows in memory and in the store; a model of
// JavaScript's sets is asked the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { integer, string } from '../../src/record/fields.ts'
import { defineSetTable, SetTable } from '../../src/stream/set_table.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import { all, cutPart, Hand } from '../support/windowed_table.ts'

async function open(cacheEntries = 1000, store = openMemoryStore()) {
  const definition = defineSetTable('t', { key: string(), value: integer() })
  const running = definition.open({ partitions: 1, cacheEntries, wantsCut: () => undefined })
  Object.assign(definition, { running })
  const hand = new Hand()
  hand.at(1)
  const part = await running.openPart({ partition: 0, store, number: 7, holders: [hand] })
  return { table: new SetTable(definition), part, store, hand, cut: () => cutPart(part, store) }
}

const sorted = async (members: Promise<Set<number>>) => [...(await members)].sort((a, b) => a - b)

test('members come and go, one by one and many at once', async () => {
  const { table, part, cut, hand } = await open()
  await table.add('k', 1)
  await table.update('k', [5, 6])
  await table.discard('k', 1)
  await table.discard('k', 99)
  assert.deepEqual(await sorted(table.members('k')), [5, 6])
  await table.update('k', [7, 8, 9])
  await cut()
  await table.update('k', [2, 3, 4])
  await table.differenceUpdate('k', [6, 7, 8])
  assert.deepEqual(await sorted(table.members('k')), [2, 3, 4, 5, 9])
  assert.deepEqual([await table.has('k', 9), await table.has('k', 6)], [true, false])
  await table.intersectionUpdate('k', [1, 2, 3, 9])
  await table.symmetricDifferenceUpdate('k', [1, 2])
  assert.deepEqual(await sorted(table.members('k')), [1, 3, 9])
  await table.add('other', 1)
  assert.deepEqual(await all(table.keys()), ['k', 'other'])
  await table.clear('k')
  assert.deepEqual(await all(table.entries()), [['other', new Set([1])]])
  assert.deepEqual(await table.members('k'), new Set())
  hand.none()
  await assert.rejects(table.add('k', 1), { code: 'KEY_ELSEWHERE' })
  await assert.rejects(table.clear('k'), { code: 'KEY_ELSEWHERE' })
  assert.equal(part.isClosed, false)
})

test('of members of which one is of another type, none comes', async () => {
  const { table } = await open()
  await assert.rejects(table.update('k', [1, 1.5]), { code: 'RECORD_INVALID' })
  assert.deepEqual(await table.members('k'), new Set())
})

const member = fc.integer({ min: 0, max: 12 })
const members = fc.array(member, { maxLength: 5 })
const step = fc.record({
  key: fc.constantFrom('a', 'b', 'a\u0000', ''),
  what: fc.constantFrom(
    'update',
    'differenceUpdate',
    'intersectionUpdate',
    'symmetricDifferenceUpdate',
    'clear',
    'cut',
    'crash',
  ),
  members,
})

test('whatever is written, cut and lost, sets are as they were at the last cut and since', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      let opened = await open(8)
      let model = new Map<string, Set<number>>()
      let stored = new Map<string, Set<number>>()
      const copy = () => new Map([...model].map(([key, set]) => [key, new Set(set)]))
      for (const { key, what, members: given } of steps) {
        const set = model.get(key) ?? new Set<number>()
        model.set(key, set)
        if (what === 'cut') {
          await opened.cut()
          stored = copy()
        } else if (what === 'crash') {
          opened = await open(8, opened.store)
          model = stored
          stored = copy()
        } else if (what === 'clear') {
          await opened.table.clear(key)
          set.clear()
        } else {
          await opened.table[what](key, given)
          for (const each of what === 'intersectionUpdate' ? [...set] : new Set(given)) {
            if (what === 'update') set.add(each)
            else if (what === 'differenceUpdate') set.delete(each)
            else if (what === 'intersectionUpdate') given.includes(each) || set.delete(each)
            else set.delete(each) || set.add(each)
          }
        }
        assert.deepEqual(
          await sorted(opened.table.members(key)),
          [...(model.get(key) ?? [])].sort((a, b) => a - b),
        )
      }
      const found = new Map(await all(opened.table.entries()))
      const wanted = [...model].filter(([, set]) => set.size > 0)
      assert.deepEqual(found, new Map(wanted))
    }),
    { numRuns: 100 },
  )
})
