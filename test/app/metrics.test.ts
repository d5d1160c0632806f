// Metrics of a running app: what /metrics says after known work, who may read it, and that off is
// off.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, gt, integer, record, string, timestamp, tumbling } from '../../src/index.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { newApp, until } from '../support/apps.ts'
import { parseExposition, sumOf } from '../support/exposition.ts'
import { freePorts } from '../support/free_ports.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const View = record('View', { url: string(), ts: timestamp(), n: integer() })
const RECORDS = 300
const BAD = 5

for (const backend of ['wasm', 'js'] as const)
  test(`/metrics of a running app has the totals of what it did: ${backend}`, {
    timeout,
  }, async (t) => {
    const [webPort] = await freePorts(1)
    const app = newApp(t, await newDirectory(), { webPort, backend })
    const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
    const counts = app.table('counts', { key: string(), value: integer(), default: 0 })
    let handled = 0
    app.agent(
      views,
      async (stream) => {
        for await (const { url } of stream) {
          await counts.update(url, (n) => n + 1)
          handled++
        }
      },
      { name: 'reader' },
    )
    app
      .stream(views)
      .where((v) => gt(v.n, 99))
      .keyBy('url')
      .time('ts')
      .window(tumbling('10s', { grace: '5s' }))
      .aggregate('per-url', () => ({ views: count() }))
    await app.start()
    const values = Array.from({ length: RECORDS }, (_, n) => ({ url: `/${n % 7}`, ts: 60_000, n }))
    await views.sendMany(values.map((value) => ({ value })))
    const late = { url: '/0', ts: 1, n: 1000 }
    await views.send({ value: late })
    const producer = await (await app.log()).producer()
    const bad = Array.from({ length: BAD }, () => ({
      key: Buffer.from('/0'),
      value: Buffer.from('{'),
      timestamp: 0,
    }))
    await producer.appendBatch('views', 0, encodeBatch(bad))
    const scrape = async () => {
      const answer = await fetch(`http://127.0.0.1:${webPort}/metrics`)
      assert.equal(answer.status, 200)
      assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
      return parseExposition(await answer.text())
    }
    const metrics = await until(async () => {
      const scraped = await scrape()
      const lanes = sumOf(scraped, 'euphorion_lane_records_total')
      const cut = sumOf(scraped, 'euphorion_table_dirty_rows') === 0
      const isDone = lanes === RECORDS + 1 + BAD && handled === RECORDS + 1 && cut
      return isDone && sumOf(scraped, 'euphorion_lag_records') === 0 ? scraped : undefined
    })
    const of = (name: string, labels = {}) => sumOf(metrics, name, labels)
    assert.equal(of('euphorion_fetched_records_total', { topic: 'views' }), RECORDS + 1 + BAD)
    assert.ok(of('euphorion_fetched_bytes_total', { topic: 'views' }) > RECORDS * 30)
    assert.equal(of('euphorion_sent_records_total', { topic: 'views' }), RECORDS + 1)
    const lane = { table: 'per-url', topic: 'views' }
    assert.deepEqual(
      ['counted', 'filtered', 'late', 'bad'].map((outcome) =>
        of('euphorion_lane_records_total', { ...lane, outcome }),
      ),
      [RECORDS - 100, 100, 1, BAD],
    )
    const kernels = { ...lane, backend }
    assert.ok(of('euphorion_kernel_batches_total', kernels) >= 3)
    assert.ok(of('euphorion_kernel_seconds_total', { ...kernels, task: 'consume' }) > 0)
    assert.ok(of('euphorion_kernel_seconds_total', { ...kernels, task: 'other' }) > 0)
    assert.equal(of('euphorion_lane_cells', lane), 7)
    assert.equal(of('euphorion_lanes', { state: 'running' }), 2)
    assert.equal(of('euphorion_agent_lag_records', { agent: 'reader' }), 0)
    assert.equal(of('euphorion_table_cached_rows', { table: 'counts' }), 7)
    assert.equal(of('euphorion_assigned_partitions', { topic: 'views' }), 2)
    // the agent and the aggregation have told of each; one letter is sent for both
    const told = { topic: 'views', reason: 'invalid-json', policy: 'dead-letter' }
    assert.equal(of('euphorion_bad_records_total', told), 2 * BAD)
    assert.equal(of('euphorion_dead_letters_total', { topic: 'views', partition: '0' }), BAD)
    assert.ok(of('euphorion_cut_seconds', {}) > 0)
    assert.equal(of('euphorion_cut_failures_total'), 0)
    assert.equal(of('euphorion_build_info', { driver: 'embedded', backend }), 1)
    assert.equal(of('euphorion_ready'), 1)
    assert.ok(of('process_resident_memory_bytes') > 1 << 20)
    assert.ok(of('euphorion_shared_memory_bytes', { memory: 'lanes' }) >= 32 << 20)
    assert.equal(parseExposition(app.metrics()).size, metrics.size)
  })

test('with metrics off nothing is there', { timeout }, async (t) => {
  const [webPort] = await freePorts(1)
  const app = newApp(t, await newDirectory(), { webPort, metrics: false })
  app.topic<number>('numbers')
  app.page('/n', () => 'n')
  await app.start()
  assert.equal((await fetch(`http://127.0.0.1:${webPort}/metrics`)).status, 404)
  assert.equal(app.metrics(), '')
})

test('a page of the program at /metrics is its own', { timeout }, async (t) => {
  const [webPort] = await freePorts(1)
  const app = newApp(t, await newDirectory(), { webPort })
  app.page('/metrics', () => `mine\n${app.metrics()}`)
  await app.start()
  const text = await (await fetch(`http://127.0.0.1:${webPort}/metrics`)).text()
  assert.match(text, /^mine\n# HELP /)
})

test('metrics are for who may read tables', { timeout }, async (t) => {
  const [webPort] = await freePorts(1)
  const app = newApp(t, await newDirectory(), { webPort, querySecret: 'open sesame' })
  await app.start()
  const url = `http://127.0.0.1:${webPort}/metrics`
  assert.equal((await fetch(url)).status, 401)
  const headers = { authorization: 'Bearer open sesame' }
  assert.equal((await fetch(url, { headers })).status, 200)
})

test('what cannot be sent anywhere is told at the start', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory(), { metricsStatsd: 'http://localhost' })
  await assert.rejects(app.start(), { code: 'SETTING_INVALID', message: /udp:\/\/host:8125/ })
})
