// What a plain table of agents tells besides values: changes of cuts, snapshots, many keys at once;
// and what clears it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachRow, ROW_DELETE } from '../../src/batch/rows.ts'
import { defineTable, Table } from '../../src/stream/table.ts'
import type { TableChange } from '../../src/table/agent_definition.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import type { Store } from '../../src/table/store.ts'
import { settle } from '../support/manual_clock.ts'
import { all, counter, cutPart, Hand } from '../support/windowed_table.ts'

async function open(
  stores: readonly Store[] = [openMemoryStore()],
  listen?: (change: TableChange<string, number>) => unknown,
) {
  const definition = defineTable('t', counter, false)
  const table = new Table<string, number, number>(definition)
  if (listen !== undefined) table.onChange(listen)
  const failures: Error[] = []
  const running = definition.open({
    partitions: stores.length,
    cacheEntries: 100,
    wantsCut: () => undefined,
    failed: (error) => failures.push(error),
  })
  Object.assign(definition, { running })
  const hand = new Hand()
  hand.at(1)
  const parts = await Promise.all(
    stores.map((store, partition) =>
      running.openPart({ partition, store, number: 7, holders: [hand] }),
    ),
  )
  const cut = async (): Promise<void> => {
    for (const [i, part] of parts.entries()) await cutPart(part, stores[i])
  }
  return { table, running, parts, hand, cut, failures }
}

test('changes are told once they are stored, each key once a cut', async () => {
  const told: TableChange<string, number>[] = []
  const stores = [openMemoryStore()]
  const first = await open(stores, (change) => void told.push(change))
  await first.table.set('a', 1)
  await first.table.update('a', (n) => n + 1)
  await first.table.set('b', 5)
  await settle()
  assert.equal(told.length, 0)
  await first.cut()
  await settle()
  assert.deepEqual(told.splice(0), [
    { key: 'a', before: undefined, after: 2 },
    { key: 'b', before: undefined, after: 5 },
  ])
  const second = await open(stores, (change) => void told.push(change))
  await second.table.set('a', 7)
  await second.table.delete('b')
  const rows = second.parts[0].take()
  await second.table.set('a', 8)
  const batch = stores[0].batch()
  await batch.putRows(rows)
  await batch.commit()
  second.parts[0].written()
  await second.cut()
  await settle()
  assert.deepEqual(told, [
    { key: 'a', before: 2, after: 7 },
    { key: 'b', before: 5, after: undefined },
    { key: 'a', before: 7, after: 8 },
  ])
  assert.throws(() => second.table.onChange(() => undefined), { code: 'APP_INVALID' })
})

test('who throws is told of the next change all the same', async () => {
  const told: string[] = []
  const { table, cut, failures } = await open(undefined, ({ key }) => {
    told.push(key)
    if (key === 'a') throw new Error('no a')
  })
  await table.set('a', 1)
  await table.set('b', 1)
  await cut()
  await settle()
  assert.deepEqual(told, ['a', 'b'])
  assert.equal(failures.length, 1)
})

test('a snapshot is one cut of all partitions, whatever is written meanwhile', async () => {
  const stores = [openMemoryStore(), openMemoryStore(), openMemoryStore()]
  const { table, cut, parts } = await open(stores)
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
  for (const key of keys) await table.set(key, 1)
  await cut()
  for (const key of keys) await table.set(key, 2)
  // a cut under way: one store has it, the others do not yet
  const taken = parts.map((part) => part.take())
  const write = async (i: number): Promise<void> => {
    const batch = stores[i].batch()
    await batch.putRows(taken[i])
    await batch.commit()
    parts[i].written()
  }
  await write(0)
  const coming = table.snapshot()
  await settle()
  await write(1)
  await write(2)
  const snapshot = await coming
  for (const key of keys) await table.set(key, 3)
  await cut()
  assert.deepEqual(new Set((await all(snapshot)).map(([, n]) => n)), new Set([2]))
  assert.deepEqual(await all(snapshot), [])
  const closed = await table.snapshot()
  await closed.close()
  assert.deepEqual(await all(closed), [])
})

test('many keys are answered in their order', async () => {
  const { table, cut } = await open([openMemoryStore(), openMemoryStore()])
  for (const [i, key] of ['a', 'b', 'c'].entries()) await table.set(key, i + 1)
  await cut()
  assert.deepEqual(await table.getMany(['c', 'none', 'a', 'b', 'a']), [3, 0, 1, 2, 1])
})

test('clear() deletes what is stored and what is not, with tombstones', async () => {
  const { table, cut, parts, hand } = await open()
  await table.set('a', 1)
  await cut()
  await table.set('b', 2)
  hand.none()
  await assert.rejects(table.clear(), { code: 'KEY_ELSEWHERE' })
  hand.at(2)
  await assert.rejects(table.clear({ partition: 3 }), { code: 'KEY_ELSEWHERE' })
  await table.clear({ partition: 0 })
  assert.deepEqual(await all(table.entries()), [])
  let deleted = 0
  eachRow(parts[0].take(), (op) => {
    if (op === ROW_DELETE) deleted++
  })
  assert.equal(deleted, 2)
})
