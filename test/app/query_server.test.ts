// The queries of a worker: paged, bounded, and over when whoever asked is gone.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { QueryServer } from '../../src/app/query_server.ts'
import { App, count, text } from '../../src/index.ts'
import type { ResultRow } from '../../src/ingest/aggregation.ts'
import { connectLocal } from '../../src/wire/local_socket.ts'
import { until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const ROWS = 2500

/** A server of one table of so many rows; `open` counts the scans that are not over. */
async function serve(t: TestContext) {
  const app = new App('queries')
  app.stream(app.topic('t', { key: text() })).aggregate('n', () => ({ n: count() }))
  const scans = { open: 0 }
  async function* range(): AsyncGenerator<ResultRow, void> {
    scans.open++
    try {
      for (let row = 0; row < ROWS; row++) yield { key: `k${row}`, n: row }
    } finally {
      scans.open--
    }
  }
  const reader = { get: async () => undefined, windows: async () => [], range }
  const server = new QueryServer({
    queried: app.topology.aggregations,
    reader: (table) => (table === 'n' ? reader : undefined),
  })
  const path = join(await newDirectory(), 'worker.sock')
  await server.start([path])
  t.after(() => server.close())
  const connect = () => connectLocal(path, { unavailable: 'QUERY_UNAVAILABLE' })
  return { connect, scans, server }
}

const query = { table: 'n', format: 'object' }

test('rows come in pages, the last of which says so', async (t) => {
  const { connect, scans } = await serve(t)
  const client = await connect()
  const { value: id } = await client.request('query', query)
  const lines: string[] = []
  for (let isLast: unknown = false; !isLast; ) {
    const { value, payload } = await client.request('rows', id)
    lines.push(
      ...Buffer.from(payload ?? [])
        .toString()
        .split('\n'),
    )
    isLast = value
  }
  assert.equal(lines.length, ROWS)
  assert.equal(lines[0], '{"key":"k0","n":0}')
  assert.equal(scans.open, 0)
  client.close()
})

test('a query ends with the connection of whoever asked', async (t) => {
  const { connect, scans } = await serve(t)
  const [one, two] = [await connect(), await connect()]
  for (const client of [one, two]) {
    const { value: id } = await client.request('query', query)
    await client.request('rows', id)
  }
  assert.equal(scans.open, 2)
  one.close()
  await until(() => scans.open === 1)
  two.close()
  await until(() => scans.open === 0)
})

test('the oldest query gives way to a seventeenth', async (t) => {
  const { connect, scans, server } = await serve(t)
  const client = await connect()
  const ids: unknown[] = []
  for (let each = 0; each < 17; each++) {
    const { value: id } = await client.request('query', query)
    await client.request('rows', id)
    ids.push(id)
  }
  await assert.rejects(client.request('rows', ids[0]), { code: 'QUERY_UNAVAILABLE' })
  await client.request('rows', ids[1])
  assert.equal(scans.open, 16)
  await server.close()
  assert.equal(scans.open, 0)
})
