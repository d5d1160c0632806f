// Tables of which another worker has partitions: read over HTTP as if they were all here, and what
// a worker says to who may not ask, asks nonsense, or asks for what it does not have.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { App } from '../../src/app/app.ts'
import { PORTABLE_TABLE } from '../../src/app/part_reads.ts'
import { RemotePart, readsPath } from '../../src/app/remote_part.ts'
import { WebServer } from '../../src/app/web_server.ts'
import { systemClock } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { AggregationDefinition, TableReader } from '../../src/ingest/aggregation.ts'
import { resolveSettings, type SettingsSource } from '../../src/settings.ts'
import type { TablePart } from '../../src/table/cell.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import { openTable } from '../../src/table/table.ts'
import { type Event, eventLists, layout, PartModel, planOf, windowPlans } from '../table/model.ts'

const encodeKey = (key: string) => Buffer.from(key)
const decodeKey = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const partitionOf = (key: string) => encodeKey(key).reduce((sum, byte) => sum + byte, 0) % 3

interface Served {
  readonly server: WebServer
  readonly parts: Map<number, TablePart>
}

async function serving(run: (served: Served) => Promise<void>, given: SettingsSource = {}) {
  const parts = new Map<number, TablePart>()
  const reader = (table: string) =>
    table === 't'
      ? (openTable({
          name: 't',
          layout,
          window: undefined,
          parts,
          encodeKey,
          decodeKey,
        }) as unknown as TableReader)
      : undefined
  const definition = {
    plan: planOf(undefined),
    keys: { encode: encodeKey, decode: decodeKey },
    topic: 'views',
  } as unknown as AggregationDefinition
  const server = new WebServer({
    app: new App('served'),
    settings: resolveSettings({ code: given }),
    clock: systemClock,
    queried: [definition],
    reader,
    part: (table, partition) => (table === 't' ? parts.get(partition) : undefined),
  })
  await server.start()
  try {
    await run({ server, parts })
  } finally {
    await server.close()
  }
}

function remote({ server }: Served, partition: number, secret?: string, addresses?: string[]) {
  const store = new RemotePart({
    addresses: () => addresses ?? [server.address],
    mayAsk: true,
    table: 't',
    partition,
    stale: false,
    secret,
    timeoutMs: 5000,
    clock: systemClock,
  })
  return { store, number: PORTABLE_TABLE }
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of source) found.push(item)
  return found
}

const rejectsWith = (code: string) => (error: unknown) =>
  error instanceof EuphorionError && error.code === code

async function models(window: PartModel['window'], events: readonly Event[]): Promise<PartModel[]> {
  const made = [4, 9, 300].map(
    (number) => new PartModel({ store: openMemoryStore(), number }, window),
  )
  for (const event of events) made[partitionOf(event.key)].add(event)
  for (const model of made) await model.cut()
  return made
}

test('what is read over HTTP is what is read here, also after an expiry', async () => {
  await serving(async (served) => {
    const plans = fc.option(windowPlans, { nil: undefined })
    const keys = fc.constantFrom('a', 'é', '/home', '', 'none')
    await fc.assert(
      fc.asyncProperty(plans, eventLists, fc.nat(400), keys, async (window, events, at, key) => {
        const made = await models(window, events)
        const own = { name: 't', layout, window, encodeKey, decodeKey }
        for (const model of made) await model.expire()
        for (const [partition, { part }] of made.entries()) served.parts.set(partition, part)
        const here = openTable({ ...own, parts: served.parts })
        const parts = new Map<number, TablePart>([[0, made[0].part]])
        for (const partition of [1, 2]) parts.set(partition, remote(served, partition))
        const likelyPartitionOf = () => at % 3
        const there = openTable({ ...own, parts, likelyPartitionOf })
        assert.deepEqual(await there.get(key), await here.get(key))
        assert.deepEqual(await there.windows(key, { at }), await here.windows(key, { at }))
        assert.deepEqual(await all(there.range({ from: at })), await all(here.range({ from: at })))
        assert.deepEqual(await all(there.range({ key })), await all(here.range({ key })))
        assert.deepEqual(await all(there.keys()), await all(here.keys()))
      }),
      { numRuns: 60 },
    )
  })
})

test('more rows than an answer has come in pages, in both directions', async () => {
  await serving(async (served) => {
    const events = Array.from({ length: 2500 }, (_, i) => ({ key: `k${i}`, t: 0, v: 1 }))
    const model = new PartModel({ store: openMemoryStore(), number: 7 }, undefined)
    for (const event of events) model.add(event)
    await model.cut()
    served.parts.set(0, model.part)
    const { store } = remote(served, 0)
    const bounds = { gte: Buffer.from([0, 1]), lt: Buffer.from([0, 2]) }
    const forth = await all(store.scan(bounds))
    const back = await all(store.scan({ ...bounds, reverse: true }))
    assert.equal(forth.length, 2500)
    assert.deepEqual(back.reverse(), forth)
    assert.equal((await all(store.scan({ ...bounds, limit: 1001 }))).length, 1001)
    const many = await store.getMany(forth.map(([key]) => key))
    assert.deepEqual(
      many,
      forth.map(([, value]) => value),
    )
  })
})

test('a partition that the worker does not have is moving, and copies are asked next', async () => {
  await serving(async (served) => {
    const gone = remote(served, 5)
    await assert.rejects(gone.store.get(Buffer.from([0, 1, 65])), rejectsWith('TABLE_MOVING'))
    const nobody = remote(served, 5, undefined, [])
    await assert.rejects(nobody.store.get(Buffer.from([0, 1, 65])), rejectsWith('TABLE_MOVING'))
    const [model] = await models(undefined, [{ key: 'c', t: 0, v: 2 }])
    served.parts.set(0, model.part)
    const second = remote(served, 0, undefined, ['127.0.0.1:1', served.server.address])
    assert.notEqual(await second.store.get(Buffer.from('\0\x01c')), undefined)
  })
})

test('with a secret only signed reads are answered, and people need it as a token', async () => {
  await serving(
    async (served) => {
      const [model] = await models(undefined, [{ key: 'c', t: 0, v: 2 }])
      served.parts.set(0, model.part)
      const key = Buffer.from('\0\x01c')
      assert.notEqual(await remote(served, 0, 'shared').store.get(key), undefined)
      for (const secret of [undefined, 'other'])
        await assert.rejects(remote(served, 0, secret).store.get(key), rejectsWith('ACCESS_DENIED'))
      const url = `http://${served.server.address}/tables/t?key=c`
      assert.equal((await fetch(url)).status, 401)
      const answer = await fetch(url, { headers: { authorization: 'Bearer shared' } })
      const row = JSON.parse(await answer.text())
      assert.deepEqual([row.key, row.views, row.total], ['c', 1, 2])
    },
    { querySecret: 'shared' },
  )
})

test('without a secret a page with another name for this machine is refused', async () => {
  await serving(async ({ server, parts }) => {
    const [model] = await models(undefined, [{ key: 'c', t: 0, v: 2 }])
    parts.set(0, model.part)
    const { request } = await import('node:http')
    const [host, port] = server.address.split(':')
    const status = await new Promise((resolve, reject) => {
      const asked = request(
        { host, port, path: '/tables', headers: { host: 'evil.example' } },
        (answer) => resolve(answer.resume().statusCode),
      )
      asked.on('error', reject).end()
    })
    assert.equal(status, 401)
  })
})

test('nonsense and unknown tables are refused with what is wrong', async () => {
  await serving(async ({ server }) => {
    const url = `http://${server.address}`
    const post = async (body: string) => fetch(url + readsPath, { method: 'POST', body })
    for (const body of ['', '{', '{}', '{"table":"t","partition":0,"keys":["AAk="]}'])
      assert.equal((await post(body)).status, 400, body)
    assert.equal((await fetch(`${url}/tables/none`)).status, 404)
    assert.equal((await fetch(`${url}/tables/t?limit=x`)).status, 400)
    const { tables } = (await (await fetch(`${url}/tables`)).json()) as { tables: unknown[] }
    assert.deepEqual(tables, [{ name: 't', topic: 'views' }])
    // the connection may end before all of it is sent
    const large = await post('x'.repeat(2_000_000)).then(
      ({ status }) => status,
      () => 413,
    )
    assert.equal(large, 413)
  })
})

test('an address that others can reach needs a secret', async () => {
  await assert.rejects(
    serving(async () => undefined, { webHost: '0.0.0.0' }),
    rejectsWith('SETTING_INVALID'),
  )
})
