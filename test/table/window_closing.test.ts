// What cuts do for windowed tables of agents besides rows: windows are told to be closed once each,
// in order, and rows that have expired go, also from the changelog.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachRow, ROW_DELETE } from '../../src/batch/rows.ts'
import type { Table } from '../../src/stream/table.ts'
import { tableWindow } from '../../src/stream/windowed_table.ts'
import { windowBound } from '../../src/table/agent_row_keys.ts'
import type { Store } from '../../src/table/store.ts'
import { newestStaleEnd } from '../../src/table/window_clock.ts'
import type { WindowRow } from '../../src/table/windowed_definition.ts'
import { hopping } from '../../src/window/windows.ts'
import { settle } from '../support/manual_clock.ts'
import { all, counter, openWindowed } from '../support/windowed_table.ts'

type Counter = Table<string, number, number>
type Closed = WindowRow<string, number>

const text = ({ key, start, value }: Closed): string => `${key} ${start} ${value}`

async function windowsIn(store: Store): Promise<number> {
  let count = 0
  for await (const _ of store.scan({ gte: windowBound(7, -1000), lt: windowBound(7, 1000) }))
    count++
  return count
}

test('the newest stale end is where a window ended that nobody may ask for', () => {
  const hop = hopping(10, 5, { retention: 20 })
  const tumble = hopping(10, 10, { retention: 20 })
  assert.deepEqual(
    [60, 63, 64.9, 65].map((now) => newestStaleEnd(hop, now)),
    [40, 40, 40, 45],
  )
  assert.deepEqual(
    [60, 65, 69.9, 70, 100].map((now) => newestStaleEnd(tumble, now)),
    [40, 40, 40, 50, 80],
  )
  const short = hopping(10, 10, { retention: 10 })
  assert.deepEqual([newestStaleEnd(short, 19.9), newestStaleEnd(short, 20)], [0, 10])
  const never = tableWindow(10, 10, { expires: 0 })
  assert.equal(newestStaleEnd(never, 1e15), Number.NEGATIVE_INFINITY)
  assert.deepEqual(tableWindow(10, 10, {}), never)
})

test('each window is told of once, when its cut is stored, in order', async () => {
  const told: string[] = []
  const close = (table: Counter) => table.tumbling(10).onWindowClose((row) => told.push(text(row)))
  const { table, hand, cut, stores, parts } = await openWindowed(counter, close)
  for (const time of [5, 15, 3]) {
    hand.at(time)
    for (const key of ['b', 'a']) await table.update(key, (n) => n + 1)
  }
  await settle()
  assert.deepEqual(told, [])
  await cut()
  await settle()
  assert.deepEqual(told, ['a 0 1', 'b 0 1'])
  await cut()
  hand.at(35)
  await table.set('c', 1)
  await cut()
  await settle()
  assert.deepEqual(told.slice(2), ['a 10 1', 'b 10 1'])
  // what was told is part of the next cut only
  const again: string[] = []
  const closeAgain = (plain: Counter) =>
    plain.tumbling(10).onWindowClose((row) => again.push(text(row)))
  parts[0].close()
  const other = await openWindowed(counter, closeAgain, { stores })
  await settle()
  assert.deepEqual(again, ['a 10 1', 'b 10 1'])
  await other.cut()
  other.parts[0].close()
  again.length = 0
  await openWindowed(counter, closeAgain, { stores })
  await settle()
  assert.deepEqual(again, [])
})

test('a cut waits for who is being told, and stores how far that has come', async () => {
  let letGo = (): void => undefined
  const told: string[] = []
  const { table, hand, cut, parts } = await openWindowed(counter, (plain: Counter) =>
    plain.tumbling(10).onWindowClose(async (row) => {
      told.push(text(row))
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
    }),
  )
  hand.at(1)
  for (const key of ['a', 'b']) await table.set(key, 1)
  hand.at(11)
  await table.set('a', 1)
  await cut()
  await settle()
  assert.deepEqual(told, ['a 0 1'])
  let isPaused = false
  const paused = parts[0].pause().then(() => {
    isPaused = true
  })
  await settle()
  assert.equal(isPaused, false)
  letGo()
  await paused
  await settle()
  assert.deepEqual(told, ['a 0 1'])
  parts[0].resume()
  await settle()
  assert.deepEqual(told, ['a 0 1', 'b 0 1'])
})

test('who throws is told of nothing more, also when the partition is opened again', async () => {
  const told: string[] = []
  const { table, hand, cut, parts, running, stores, failures } = await openWindowed(
    counter,
    (plain: Counter) =>
      plain.tumbling(10).onWindowClose((row) => {
        if (row.key === 'b') throw new Error('no b')
        told.push(text(row))
      }),
  )
  hand.at(1)
  for (const key of ['a', 'b', 'c']) await table.set(key, 1)
  hand.at(11)
  await table.set('a', 1)
  await cut()
  await settle()
  assert.deepEqual(told, ['a 0 1'])
  assert.equal(failures.length, 1)
  assert.equal(parts[0].spoiled, failures[0])
  running.closePart(parts[0])
  const opened = { partition: 0, store: stores[0], number: 7, holders: [hand] }
  const part = await running.openPart(opened)
  await settle()
  assert.deepEqual(told, ['a 0 1', 'a 0 1'])
  assert.deepEqual([part.spoiled, failures.length], [undefined, 1])
})

test('expired rows are deleted with a later cut, and with tombstones', async () => {
  const { table, hand, cut, stores, parts } = await openWindowed(counter, (plain: Counter) =>
    plain.tumbling(10, { expires: 20 }),
  )
  for (const time of [5, 15, 25, 45]) {
    hand.at(time)
    await table.set('a', time)
  }
  assert.deepEqual((await all(table.range())).map(text), ['a 20 25', 'a 40 45'])
  assert.equal(await table.get('a', { at: 15 }), 0)
  await cut()
  await settle()
  assert.equal(await windowsIn(stores[0]), 4)
  let deleted = 0
  const rows = parts[0].take()
  eachRow(rows, (op) => {
    if (op === ROW_DELETE) deleted++
  })
  assert.equal(deleted, 2)
  const batch = stores[0].batch()
  await batch.putRows(rows)
  await batch.commit()
  parts[0].written()
  assert.equal(await windowsIn(stores[0]), 2)
  await cut()
  assert.equal(parts[0].dirty, false)
})

test('rows are not deleted before they were told of', async () => {
  let letGo = (): void => undefined
  const { table, hand, cut, stores } = await openWindowed(counter, (plain: Counter) =>
    plain.tumbling(10, { expires: 10 }).onWindowClose(
      () =>
        new Promise<void>((resolve) => {
          letGo = resolve
        }),
    ),
  )
  hand.at(5)
  await table.set('a', 1)
  hand.at(95)
  await table.set('a', 2)
  await cut()
  await settle()
  assert.equal(await windowsIn(stores[0]), 2)
  letGo()
  await settle()
  for (let i = 0; i < 3; i++) {
    await cut()
    await settle()
  }
  assert.equal(await windowsIn(stores[0]), 1)
})

test('where nothing comes any more, all windows close, once', async () => {
  const told: string[] = []
  const close = (table: Counter) =>
    table.tumbling(10, { closeAfterIdle: 1000 }).onWindowClose((row) => told.push(text(row)))
  const { table, hand, cut, clock, parts, stores } = await openWindowed(counter, close)
  hand.at(15)
  await table.set('a', 1)
  await clock.advance(1000)
  await cut()
  // an event is in hand, and it was written just now
  assert.deepEqual(told, [])
  await clock.advance(1000)
  hand.none()
  await cut()
  assert.deepEqual(told, [])
  await clock.advance(1000)
  await cut()
  await settle()
  assert.deepEqual(told, ['a 10 1'])
  assert.equal(await table.now('a'), 1)
  hand.at(16)
  await table.set('a', 2)
  assert.equal(table.late, 1)
  hand.at(21)
  await table.set('a', 3)
  await cut()
  hand.none()
  parts[0].close()
  const other = await openWindowed(counter, close, { stores })
  await other.clock.advance(3000)
  await other.cut()
  await settle()
  assert.deepEqual(told, ['a 10 1', 'a 20 3'])
})
