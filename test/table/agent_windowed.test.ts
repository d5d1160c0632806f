// Windowed tables of agents: which windows a write changes, what reads see of them at which time,
// and what is too late. Numbers in ms; the cases of Faust's windowed tables are among them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Table } from '../../src/stream/table.ts'
import { all, counter, openWindowed } from '../support/windowed_table.ts'

type Counter = Table<string, number, number>

const hopping = (table: Counter) => table.hopping(10, 5, { expires: 3600 })
const tumbling = (table: Counter) => table.tumbling(10)

/** Windows as 'key start value'. */
async function rows(table: {
  range(): AsyncIterable<{ key: string; start: number; value: number }>
}) {
  return (await all(table.range())).map(({ key, start, value }) => `${key} ${start} ${value}`)
}

test('a write changes every window that holds the time of the event in hand', async () => {
  const { table, hand } = await openWindowed(counter, hopping)
  hand.at(6)
  await table.update('a', (n) => n + 1)
  assert.equal(await table.update('a', (n) => n + 2), 3)
  assert.deepEqual(await rows(table), ['a 0 3', 'a 5 3'])
  await table.set('b', 100)
  assert.deepEqual(await rows(table), ['a 0 3', 'b 0 100', 'a 5 3', 'b 5 100'])
  await table.delete('a')
  assert.deepEqual(await rows(table), ['b 0 100', 'b 5 100'])
  assert.equal(await table.has('a'), false)
})

test('reads are relative to the event, to stream time, and to times before', async () => {
  const { table, hand } = await openWindowed(counter, hopping)
  const read = async () => [
    await table.value('a'),
    await table.current('a'),
    await table.now('a'),
    await table.delta('a', 5),
    await table.delta('a', 10),
  ]
  hand.at(6)
  await table.update('a', (n) => n + 3)
  assert.deepEqual(await read(), [3, 3, 3, 3, 0])
  hand.at(12)
  await table.update('a', (n) => n + 10)
  assert.deepEqual(await read(), [10, 10, 10, 13, 3])
  assert.equal(await table.get('a', { at: 4 }), 3)
  assert.deepEqual(await table.windows('a', { at: 6 }), [
    { key: 'a', start: 0, end: 10, value: 3 },
    { key: 'a', start: 5, end: 15, value: 13 },
  ])
  assert.deepEqual(await all(table.keys()), ['a'])
  assert.deepEqual(await all(table.entries()), [['a', 10]])
  assert.deepEqual(await all(table.entries({ at: -4 })), [['a', 0]])
})

test('what comes for windows that have closed changes nothing, and is counted', async () => {
  const late: unknown[] = []
  const { table, hand, cut } = await openWindowed(counter, (plain: Counter) =>
    plain.hopping(10, 5, { grace: 5 }).onLate((write) => late.push(write)),
  )
  hand.at(20)
  await table.set('a', 1)
  // windows that end at 15 or before have closed: [5, 15) has, [10, 20) has not
  hand.at(11)
  assert.equal(await table.update('a', (n) => n + 7), 7)
  hand.at(9)
  assert.equal(await table.update('a', (n) => n + 7), 0)
  assert.deepEqual(await rows(table), ['a 10 7', 'a 15 1', 'a 20 1'])
  assert.deepEqual([table.late, late], [1, [{ key: 'a', at: 9 }]])
  await cut()
  assert.deepEqual(await rows(table), ['a 10 7', 'a 15 1', 'a 20 1'])
})

test('no call has a time where no event, or several, are in hand', async () => {
  const { table, hand } = await openWindowed(counter, tumbling)
  await assert.rejects(table.set('a', 1), { code: 'KEY_ELSEWHERE' })
  await assert.rejects(table.current('a'), { code: 'TIME_UNKNOWN' })
  hand.at(5)
  hand.inHand = undefined
  await assert.rejects(table.set('a', 1), { code: 'TIME_UNKNOWN' })
  await assert.rejects(
    table.update('a', (n) => n + 1),
    { code: 'TIME_UNKNOWN' },
  )
  const event = { timestamp: 12, value: {}, partition: 0 }
  await table.update('a', (n) => n + 1, event)
  await assert.rejects(table.set('a', 1, { ...event, partition: 1 }), { code: 'KEY_ELSEWHERE' })
  hand.none()
  assert.equal(await table.current('a', event), 1)
  assert.equal(await table.get('a'), 1)
  assert.equal(await table.get('b'), 0)
  assert.deepEqual(await rows(table), ['a 10 1'])
})

test('the wall clock, a field, or stream time may choose the window', async () => {
  const { table, hand, clock } = await openWindowed(counter, tumbling, { now: 25 })
  hand.at(5, { when: 17, day: new Date(31), text: 'x' })
  await table.relativeToField<{ when: number }>('when').set('a', 17)
  await table.relativeToNow().set('a', 25)
  await table.relativeToField<{ day: Date }>('day').set('a', 31)
  await table.relativeToStream().update('a', (n) => n + 1)
  assert.deepEqual(await rows(table), ['a 10 17', 'a 20 25', 'a 30 32'])
  assert.equal(clock.now(), 25)
  assert.equal(await table.relativeToNow().value('a'), 25)
  assert.equal(await table.relativeToNow().delta('a', 10), 17)
  assert.equal(await table.relativeToStream().value('a'), 32)
  hand.at(2_000_000)
  await assert.rejects(table.set('a', 1), { code: 'RECORD_INVALID' })
  hand.at(5, { text: 'x' })
  const wrong = table.relativeToField<{ text: number }>('text')
  await assert.rejects(wrong.set('a', 1), { code: 'RECORD_INVALID' })
})

test('an update that throws changes none of its windows', async () => {
  const { table, hand } = await openWindowed(counter, hopping)
  hand.at(6)
  await table.set('a', 1)
  hand.at(11)
  let calls = 0
  const second = (n: number): number => {
    if (++calls === 2) throw new Error('second')
    return n + 1
  }
  await assert.rejects(table.update('a', second), { message: 'second' })
  await assert.rejects(
    table.update('a', () => 1.5),
    { code: 'RECORD_INVALID' },
  )
  assert.deepEqual(await rows(table), ['a 0 1', 'a 5 1'])
})
