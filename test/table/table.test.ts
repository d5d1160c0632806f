// The read side of tables against the definition of windows, over random events with late ones.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { EuphorionError } from '../../src/errors.ts'
import type { WindowPlan } from '../../src/kernel/plan.ts'
import { firstOpenWindow } from '../../src/kernel/slices.ts'
import type { WindowState } from '../../src/table/cell.ts'
import { ChangedWindows } from '../../src/table/changes.ts'
import { closedWindows } from '../../src/table/final.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import { openStore } from '../../src/table/open.ts'
import { resultJson, resultMessage, resultRow, type TableRow } from '../../src/table/result.ts'
import type { Store } from '../../src/table/store.ts'
import { openTable, type Table } from '../../src/table/table.ts'
import { rocksdbKinds } from '../support/stores.ts'
import { byStartAndKey, type Event, eventLists, layout, PartModel, windowPlans } from './model.ts'

const decodeKey = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const encodeKey = (key: string) => Buffer.from(key)
const partitionOf = (key: Uint8Array) => key.reduce((sum, byte) => sum + byte, 0) % 2

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of source) found.push(item)
  return found
}

interface Setup {
  readonly parts: PartModel[]
  readonly table: Table<string>
}

/** A neighbour table on either side shows that reads keep to their range. */
async function setup(window: WindowPlan | undefined, stores: Store[]): Promise<Setup> {
  const parts = stores.map((store) => new PartModel({ store, number: 2 }, window))
  for (const store of stores) {
    const batch = store.batch()
    for (const number of [1, 3]) batch.put(Buffer.from([0, number, 0x80]), Buffer.from('other'))
    await batch.commit()
  }
  const table = openTable({
    name: 't',
    layout,
    window,
    parts: new Map(parts.map((model, partition) => [partition, model.part])),
    encodeKey,
    decodeKey,
    partitionOf,
  })
  return { parts, table }
}

async function feed({ parts }: Setup, events: readonly Event[]): Promise<void> {
  for (const event of events) parts[partitionOf(encodeKey(event.key))].add(event)
  for (const model of parts) await model.cut()
}

const memoryStores = () => [openMemoryStore(), openMemoryStore()]
const rowsOf = ({ parts }: Setup, ...select: Parameters<PartModel['rows']>) =>
  parts.flatMap((model) => model.rows(...select)).sort(byStartAndKey)

test('range gives every window of the definition, by start and key, within its bounds', async () => {
  const bound = fc.option(fc.integer({ min: -60, max: 400 }), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(windowPlans, eventLists, bound, bound, async (window, events, from, to) => {
      const made = await setup(window, memoryStores())
      await feed(made, events)
      const low = from ?? -Infinity
      const high = to ?? Infinity
      const expected = rowsOf(made, ({ start }) => start! >= low && start! < high)
      assert.deepEqual(await all(made.table.range({ from, to })), expected)
      for (const key of ['a', 'é', 'none']) {
        const mine = expected.filter((row) => row.key === key)
        assert.deepEqual(await all(made.table.range({ from, to, key })), mine)
      }
    }),
    {
      examples: [
        [
          { sizeMs: 3, stepMs: 2, graceMs: 0, retentionMs: 0 },
          [{ key: 'a', t: 0, v: 0 }],
          -1,
          undefined,
        ],
      ],
    },
  )
})

test('get is the newest window of the key, windows are those that hold a time', async () => {
  await fc.assert(
    fc.asyncProperty(windowPlans, eventLists, fc.nat(400), async (window, events, at) => {
      const made = await setup(window, memoryStores())
      await feed(made, events)
      for (const key of ['a', '/home', '', 'none']) {
        const mine = rowsOf(made, (naive) => naive.key === key)
        assert.deepEqual(await made.table.get(key), mine.at(-1))
        const holding = mine.filter(({ start, end }) => start! <= at && at < end!)
        assert.deepEqual(await made.table.windows(key, { at }), holding)
      }
    }),
  )
})

test('a table without windows has one row a key', async () => {
  await fc.assert(
    fc.asyncProperty(eventLists, async (events) => {
      const made = await setup(undefined, memoryStores())
      await feed(made, events)
      const expected = rowsOf(made)
      assert.deepEqual(await all(made.table), expected)
      assert.deepEqual(
        await all(made.table.keys()),
        expected.map((row) => row.key),
      )
      assert.deepEqual(
        await all(made.table.entries()),
        expected.map((row) => [row.key, row]),
      )
      for (const key of ['a', 'none']) {
        const mine = expected.filter((row) => row.key === key)
        assert.deepEqual(await made.table.get(key), mine[0])
        assert.deepEqual(await made.table.windows(key, { at: 0 }), mine)
        assert.deepEqual(await all(made.table.range({ key })), mine)
      }
    }),
  )
})

const results = async (model: PartModel, source: AsyncIterable<WindowState>) =>
  (await all(source)).map((state) => resultRow({ layout, window: model.window, decodeKey }, state))

test('changes are the changed windows of a cut, each once, as they are after it', async () => {
  const window = fc.option(windowPlans, { nil: undefined })
  await fc.assert(
    fc.asyncProperty(window, fc.array(eventLists, { maxLength: 3 }), async (plan, cuts) => {
      const { parts } = await setup(plan, [openMemoryStore()])
      const [model] = parts
      const many = Array.from({ length: 40 }, (_, n) => ({ key: `key ${n}`, t: 7, v: n }))
      for (const events of [...cuts, many]) {
        for (const event of events) model.add(event)
        const rows = await model.cut()
        const changes = new ChangedWindows(model.part, { layout, window: plan })
        changes.add(rows)
        changes.add(rows.slice())
        const expected = [...model.changed].map((name) => model.rowOf(name)).sort(byStartAndKey)
        assert.deepEqual(await results(model, changes.results()), expected)
        model.changed.clear()
      }
    }),
  )
})

test('changes of tumbling windows look at no row that has not changed', async () => {
  const window = { sizeMs: 10, stepMs: 10, graceMs: 0, retentionMs: 0 }
  const { parts } = await setup(window, [openMemoryStore()])
  const [model] = parts
  const events = Array.from({ length: 600 }, (_, n) => ({ key: `key ${n}`, t: n % 20, v: n }))
  for (const event of events) model.add(event)
  await model.cut()
  for (const event of events.slice(0, 100)) model.add({ ...event, t: 15 })
  const rows = await model.cut()
  const asked: string[] = []
  const { store } = model.part
  const seen = {
    get: (key: Uint8Array) => store.get(key),
    getMany: async (keys: readonly Uint8Array[]) => {
      asked.push(...keys.map(String))
      return store.getMany(keys)
    },
    scan: () => assert.fail('nothing is scanned for'),
  }
  const changes = new ChangedWindows({ store: seen, number: 2 }, { layout, window })
  changes.add(rows)
  const found = await results(model, changes.results())
  assert.equal(found.length, 100)
  assert.equal(new Set(asked).size, 100)
})

test('final gives each window once, when it closes, and never again', async () => {
  await fc.assert(
    fc.asyncProperty(
      windowPlans,
      eventLists,
      fc.integer({ min: 1, max: 9 }),
      async (window, events, perCut) => {
        const { parts } = await setup(window, [openMemoryStore()])
        const [model] = parts
        const found: TableRow<string>[] = []
        let before = -1
        for (let at = 0; at < events.length; at += perCut) {
          for (const event of events.slice(at, at + perCut)) model.add(event)
          await model.cut()
          const closed = closedWindows(model.part, { layout, window }, before, model.streamTime)
          found.push(...(await results(model, closed)))
          await model.expire()
          before = model.streamTime
        }
        const open = firstOpenWindow(window, model.streamTime)
        assert.deepEqual(
          found,
          model.rows(({ start }) => start! < open),
        )
      },
    ),
  )
})

test('expiry leaves the retained windows whole and shows no others, however far it came', async () => {
  await fc.assert(
    fc.asyncProperty(windowPlans, eventLists, fc.boolean(), async (window, events, interrupted) => {
      const made = await setup(window, memoryStores())
      await feed(made, events)
      const kept = (model: PartModel) => (naive: { start: number | undefined }) =>
        naive.start! + window.sizeMs + window.graceMs + window.retentionMs > model.streamTime
      for (const model of made.parts) await model.expire(!interrupted)
      const expected = made.parts.flatMap((model) => model.rows(kept(model))).sort(byStartAndKey)
      assert.deepEqual(await all(made.table.range()), expected)
      for (const key of ['a', 'b']) {
        const mine = expected.filter((row) => row.key === key)
        assert.deepEqual(await all(made.table.range({ key })), mine)
        assert.deepEqual(await made.table.get(key), mine.at(-1))
      }
      for (const model of made.parts) await model.expire()
      assert.deepEqual(await all(made.table.range()), expected)
    }),
  )
})

test('windows with thousands of steps are looked up without asking for every pair', async () => {
  const window = { sizeMs: 3000, stepMs: 2, graceMs: 100, retentionMs: 0 }
  const made = await setup(window, memoryStores())
  const events = [5, 2900, 3500, 3100, 1, 2200, 2201, 9000, 8000].map((t) => ({
    key: 'a',
    t,
    v: t,
  }))
  await feed(made, events)
  const expected = rowsOf(made)
  assert.deepEqual(await made.table.get('a'), expected.at(-1))
  const at = 3000
  const holding = expected.filter(({ start, end }) => start! <= at && at < end!)
  assert.deepEqual(await made.table.windows('a', { at }), holding)
  assert.deepEqual(await all(made.table.range({ key: 'a' })), expected)
})

for (const kind of rocksdbKinds)
  test(`${kind}: a range goes on over what it saw while cuts are written`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'euphorion-table-'))
    const window = { sizeMs: 60, stepMs: 20, graceMs: 10, retentionMs: 1e9 }
    const stores = await Promise.all([0, 1].map((n) => openStore(kind, join(directory, `${n}`))))
    try {
      const made = await setup(window, stores)
      const events = Array.from({ length: 5000 }, (_, n) => ({
        key: `k${n % 40}`,
        t: n,
        v: n % 100,
      }))
      await feed(made, events)
      const expected = rowsOf(made)
      const found: TableRow<string>[] = []
      for await (const row of made.table.range()) {
        if (found.length === 0)
          await feed(
            made,
            Array.from({ length: 40 }, (_, n) => ({ key: `k${n}`, t: 5000, v: 1 })),
          )
        found.push(row)
      }
      assert.deepEqual(found, expected)
      for await (const row of made.table.range()) {
        assert.equal(row.key, expected[0].key)
        break
      }
      assert.deepEqual(
        await made.table.get('k3'),
        rowsOf(made, (naive) => naive.key === 'k3').at(-1),
      )
    } finally {
      await Promise.all(stores.map((store) => store.close()))
      await rm(directory, { recursive: true, force: true })
    }
  })

test('what several partitions hold of one key and window is one row', async () => {
  const window = { sizeMs: 20, stepMs: 10, graceMs: 0, retentionMs: 0 }
  const { parts } = await setup(window, [...memoryStores(), ...memoryStores()])
  for (const model of parts) {
    model.add({ key: 'a', t: 15, v: 2 })
    await model.cut()
  }
  const table = openTable({
    name: 't',
    layout,
    window,
    parts: new Map(parts.map((model, partition) => [partition, model.part])),
    encodeKey,
    decodeKey,
  })
  const row = (start: number) => ({
    key: 'a',
    start,
    end: start + 20,
    views: 4,
    total: 8,
    least: 2,
    most: 2n,
  })
  assert.deepEqual(await all(table.range()), [row(0), row(10)])
  assert.deepEqual(await table.get('a'), row(10))
  assert.deepEqual(await table.windows('a', { at: 12 }), [row(0), row(10)])
  assert.deepEqual(await all(table.keys()), ['a'])
})

test('a key of a partition that is elsewhere is a coded error, not a missing row', async () => {
  const table = openTable({
    name: 't',
    layout,
    window: undefined,
    parts: new Map(),
    encodeKey,
    decodeKey,
    partitionOf,
  })
  await assert.rejects(
    () => table.get('a'),
    (error) => error instanceof EuphorionError && error.code === 'QUERY_UNAVAILABLE',
  )
})

test('results are JSON messages with key and window', async () => {
  const window = { sizeMs: 20, stepMs: 20, graceMs: 0, retentionMs: 0 }
  const { parts } = await setup(window, [openMemoryStore()])
  parts[0].add({ key: 'a "b"', t: 25, v: 7 })
  await parts[0].cut()
  const [state] = await all(closedWindows(parts[0].part, { layout, window }, -1, 40))
  assert.deepEqual(resultMessage({ layout, window, decodeKey }, state), {
    key: '{"key":"a \\"b\\"","start":20,"end":40}',
    value: '{"views":1,"total":7,"least":7,"most":7}',
  })
  const odd = {
    key: [2n ** 62n, 'x'],
    bytes: Uint8Array.of(1, 2),
    none: undefined,
    sum: Infinity,
    mean: null,
  }
  assert.equal(
    resultJson(odd),
    '{"key":[4611686018427387904,"x"],"bytes":"AQI=","sum":null,"mean":null}',
  )
})
