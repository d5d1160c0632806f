// Agents' tables over a store: what calls see of rows that are in memory, on their way from the
// store, taken by a cut, or dropped from memory; and that writes need an event in hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { json } from '../../src/record/codec.ts'
import { array, date, float64, integer, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { defineTable, type TableDefault, type TableOptions } from '../../src/stream/table.ts'
import type { AgentTablePart } from '../../src/table/agent_part.ts'
import { AgentTable } from '../../src/table/agent_table.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import type { Store } from '../../src/table/store.ts'

interface Setup {
  readonly partitions?: number
  readonly cacheEntries?: number
}

/** A table of which all partitions are here, each in its store. */
async function open<K, V>(
  options: TableOptions<K, V> & Partial<TableDefault<V>>,
  { partitions = 1, cacheEntries = 1000 }: Setup = {},
) {
  const wanted: number[] = []
  const definition = defineTable('t', options, false)
  const table = new AgentTable(definition, {
    partitions,
    cacheEntries,
    wantsCut: ({ partition }) => wanted.push(partition),
  })
  const holder = { holds: true }
  const stores = Array.from({ length: partitions }, openMemoryStore)
  const openPart = (partition: number) =>
    table.openPart({ partition, store: stores[partition], number: 7, holders: [holder] })
  const parts = await Promise.all(stores.map((_, partition) => openPart(partition)))
  return { table, parts, stores, holder, wanted, openPart }
}

async function cut(part: AgentTablePart, store: Store): Promise<void> {
  const rows = part.take()
  const batch = store.batch()
  await batch.putRows(rows)
  await batch.commit()
  part.written()
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** A store whose reads wait until they are let go. */
function slowStore() {
  const store = openMemoryStore()
  const waiting: (() => void)[] = []
  let reads = 0
  const slow: Store = Object.create(store, {
    get: {
      value: async (key: Uint8Array) => {
        reads++
        await new Promise<void>((resolve) => waiting.push(resolve))
        return store.get(key)
      },
    },
  })
  for (const name of ['batch', 'scan'] as const)
    Object.defineProperty(slow, name, { value: store[name].bind(store) })
  const letGo = (): void => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { slow, letGo, reads: () => reads }
}

const counter = { key: string(), value: integer(), default: 0 }

test('an update sees what the one before it has made', async () => {
  const { table } = await open(counter)
  assert.equal(await table.get('a'), 0)
  assert.equal(await table.update('a', (n) => n + 1), 1)
  assert.equal(await table.update('a', (n) => n + 1), 2)
  assert.equal(await table.get('a'), 2)
  assert.equal(await table.has('b'), false)
})

test('a default is not stored, and a function makes a new one for each', async () => {
  let made = 0
  const options = { key: string(), value: integer(), default: () => ++made }
  const { table, parts } = await open(options)
  assert.equal(await table.get('a'), 1)
  assert.equal(await table.get('a'), 2)
  assert.equal(parts[0].dirty, false)
  assert.deepEqual(await all(table.entries()), [])
})

test('rows outlive their part: what a cut has taken is read from the store', async () => {
  const { table, parts, stores, openPart } = await open(counter)
  await table.set('a', 1)
  await table.set('b', 2)
  await table.delete('b')
  await cut(parts[0], stores[0])
  await table.set('c', 3)
  table.closePart(parts[0])
  await openPart(0)
  assert.deepEqual(
    [await table.get('a'), await table.has('b'), await table.has('c')],
    [1, false, false],
  )
})

test('a row is packed once a cut, whatever the number of its updates', async () => {
  const { table, parts } = await open(counter)
  for (let i = 0; i < 100; i++) await table.update('a', (n) => n + 1)
  const rows = parts[0].take()
  assert.equal(Buffer.from(rows).toString('latin1', 8), '\0\x07a100')
  parts[0].written()
  assert.equal(parts[0].dirty, false)
})

test('what is taken and not yet written is seen, and so is what is written over it', async () => {
  const { table, parts, stores } = await open(counter, { cacheEntries: 100 })
  await table.set('a', 1)
  parts[0].take()
  for (let i = 0; i < 500; i++) await table.get(`other ${i}`)
  assert.equal(await table.get('a'), 1)
  await table.set('a', 2)
  assert.deepEqual(await all(table.entries()), [['a', 2]])
  parts[0].written()
  await cut(parts[0], stores[0])
  assert.deepEqual(await all(table.entries()), [['a', 2]])
})

test('calls for a key on its way from the store are made in their order', async () => {
  const { table, parts } = await open(counter)
  const { slow, letGo, reads } = slowStore()
  await table.set('a', 40)
  const rows = parts[0].take()
  const batch = slow.batch()
  await batch.putRows(rows)
  await batch.commit()
  table.closePart(parts[0])
  const holders = [{ holds: true }]
  const again = await table.openPart({ partition: 0, store: slow, number: 7, holders })
  const answers = [
    table.update('a', (n) => n + 1),
    table.get('a'),
    table.update('a', (n) => n * 2),
    table.set('a', 7),
    table.update('a', (n) => n - 1),
  ]
  const settled = again.pause()
  assert.ok(settled !== undefined, 'a cut has to wait for these writes')
  letGo()
  assert.deepEqual(await Promise.all(answers), [41, 41, 82, undefined, 6])
  await settled
  await again.pause()
  assert.equal(reads(), 1)
  assert.deepEqual(await all(table.entries()), [['a', 6]])
})

test('a read of the store that fails rejects the calls that waited, and is tried anew', async () => {
  const { table, parts, stores, openPart } = await open(counter)
  await table.set('a', 1)
  await cut(parts[0], stores[0])
  table.closePart(parts[0])
  await openPart(0)
  const { get } = stores[0]
  Object.assign(stores[0], { get: () => Promise.reject(new Error('disk')) })
  await assert.rejects(table.get('a'), /disk/)
  await assert.rejects(
    table.update('a', (n) => n),
    /disk/,
  )
  Object.assign(stores[0], { get })
  assert.equal(await table.get('a'), 1)
})

test('what an update throws rejects it and changes nothing', async () => {
  const { table, parts } = await open(counter)
  await assert.rejects(
    table.update('a', () => {
      throw new RangeError('no')
    }),
    RangeError,
  )
  assert.equal(parts[0].dirty, false)
  const asynchronous = (async () => 1) as unknown as (n: number) => number
  await assert.rejects(table.update('a', asynchronous), { code: 'RECORD_INVALID' })
  await assert.rejects(table.set('a', 1.5), { code: 'RECORD_INVALID' })
  await assert.rejects(table.set('a', null as unknown as number), { code: 'RECORD_INVALID' })
  await assert.rejects(table.set('\ud800', 1), { code: 'RECORD_INVALID' })
  await assert.rejects(table.get(3 as unknown as string), { code: 'RECORD_INVALID' })
  assert.equal(await table.has('a'), false)
})

test('an asynchronous function given to update of an object is refused', async () => {
  const { table } = await open({ key: string(), value: json<object>(), default: {} })
  const asynchronous = (async () => ({})) as unknown as (value: object) => object
  await assert.rejects(table.update('a', asynchronous), { code: 'APP_INVALID' })
})

test('a value that was read or written is the own copy of whoever has it', async () => {
  const Page = record('Page', { views: integer(), by: array(string()), at: date() })
  const page = () => ({ views: 1, by: ['u'], at: new Date(5) })
  const { table } = await open({ key: string(), value: Page, default: page() })
  const written = page()
  await table.set('a', written)
  written.by.push('changed later')
  written.at.setTime(0)
  const read = (await table.get('a'))!
  assert.deepEqual(read, page())
  read.views = 100
  assert.deepEqual(await table.get('a'), page())
  const absent = (await table.get('none'))!
  absent.by.length = 0
  assert.deepEqual(await table.get('none'), page())
  const made = await table.update('a', (value) => {
    value.views++
    return value
  })
  made.views = 0
  assert.equal((await table.get('a'))!.views, 2)
})

test('what memory gives is what the store would give', async () => {
  const { table, parts, stores, openPart } = await open({ key: float64(), value: float64() })
  const values = [-0, 0, 0.1 + 0.2, 5e-324, 1e21, -1.5]
  for (const value of values) await table.set(value, value)
  const before = await Promise.all(values.map((value) => table.get(value)))
  await cut(parts[0], stores[0])
  table.closePart(parts[0])
  await openPart(0)
  const after = await Promise.all(values.map((value) => table.get(value)))
  for (const [i, value] of before.entries()) assert.ok(Object.is(value, after[i]))
})

test('only who has an event of the partition in hand may write', async () => {
  const { table, holder } = await open(counter)
  holder.holds = false
  for (const write of [
    () => table.set('a', 1),
    () => table.delete('a'),
    () => table.update('a', (n) => n + 1),
  ])
    await assert.rejects(write, { code: 'KEY_ELSEWHERE', place: { table: 't', partition: 0 } })
  assert.equal(await table.get('a'), 0)
  holder.holds = true
  await table.update('a', (n) => n + 1)
  holder.holds = false
  await assert.rejects(
    table.update('a', (n) => n + 1),
    { code: 'KEY_ELSEWHERE' },
  )
})

test('a key of a partition that is not here is elsewhere, or on its way', async () => {
  const { table, parts } = await open(counter, { partitions: 2 })
  const key = ['a', 'b', 'c', 'd'].find((each) => partitionOfKey(Buffer.from(each), 2) === 1)!
  table.closePart(parts[1])
  await assert.rejects(table.get(key), { code: 'KEY_ELSEWHERE' })
  await assert.rejects(table.set(key, 1), { code: 'KEY_ELSEWHERE' })
  table.expect(1, true)
  await assert.rejects(table.get(key), { code: 'TABLE_MOVING' })
  await assert.rejects(
    table.update(key, (n) => n),
    { code: 'TABLE_MOVING' },
  )
})

test('calls and loops that were under way when the part closed hear that it moves', async () => {
  const { slow, letGo } = slowStore()
  const { table, parts, stores } = await open(counter)
  await table.set('a', 1)
  await table.set('b', 1)
  await cut(parts[0], stores[0])
  const loop = table.entries()
  await loop.next()
  table.closePart(parts[0])
  await assert.rejects(loop.next(), { code: 'TABLE_MOVING' })
  const batch = slow.batch()
  batch.put(Buffer.from('\0\x07a'), Buffer.from('1'))
  await batch.commit()
  const holders = [{ holds: true }]
  const part = await table.openPart({ partition: 0, store: slow, number: 7, holders })
  const update = table.update('a', (n) => n + 1)
  table.closePart(part)
  letGo()
  await assert.rejects(update, { code: 'TABLE_MOVING' })
})

test('memory keeps a bounded number of rows that are in the store', async () => {
  const { table, parts, stores, wanted } = await open(counter, { cacheEntries: 100 })
  for (let i = 0; i < 400; i++) await table.update(`key ${i}`, () => i)
  assert.deepEqual(wanted, [0], 'a cut is asked for once')
  assert.equal(table.rowsInMemory, 400)
  await cut(parts[0], stores[0])
  assert.equal(table.rowsInMemory, 100)
  for (let i = 0; i < 400; i++) assert.equal(await table.get(`key ${i}`), i)
  assert.ok(table.rowsInMemory <= 100, `${table.rowsInMemory} rows`)
})

type Operation = readonly [what: 'set' | 'add' | 'delete' | 'get' | 'cut' | 'reopen', key: number]

test('a table is a map, with whatever cuts, reopened parts and dropped rows in between', async () => {
  const operation = fc.tuple(
    fc.constantFrom('set', 'add', 'add', 'delete', 'get', 'cut', 'reopen'),
    fc.integer({ min: 0, max: 300 }),
  ) as fc.Arbitrary<Operation>
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 400 }), async (operations) => {
      const setup = await open(
        { key: integer(), value: integer(), default: 0 },
        { partitions: 2, cacheEntries: 8 },
      )
      const { table, stores, openPart } = setup
      const parts = [...setup.parts]
      const model = new Map<number, number>()
      const cutAll = () => Promise.all(parts.map((part, i) => cut(part, stores[i])))
      for (const [what, key] of operations) {
        if (what === 'set') {
          await table.set(key, key * 2)
          model.set(key, key * 2)
        } else if (what === 'add') {
          await table.update(key, (n) => n + 1)
          model.set(key, (model.get(key) ?? 0) + 1)
        } else if (what === 'delete') {
          await table.delete(key)
          model.delete(key)
        } else if (what === 'get') assert.equal(await table.get(key), model.get(key) ?? 0)
        else await cutAll()
        if (what !== 'reopen') continue
        table.closePart(parts[key % 2])
        parts[key % 2] = await openPart(key % 2)
      }
      const sorted = (entries: Iterable<[number, number]>) => [...entries].sort(([a], [b]) => a - b)
      assert.deepEqual(sorted(await all(table.entries())), sorted(model))
    }),
    { numRuns: 150 },
  )
})
