// StatsD by a socket: what a server gets of counters, gauges and histograms.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { count, record, string } from '../../src/index.ts'
import { Metrics } from '../../src/metrics/metrics.ts'
import { optionalPackage } from '../../src/metrics/optional_package.ts'
import { StatsdSender } from '../../src/metrics/statsd.ts'
import { newApp, until } from '../support/apps.ts'
import { ManualClock } from '../support/manual_clock.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 30_000
const onError = (error: unknown): never => assert.fail(String(error))

/** A server that keeps every line. */
async function listen(t: TestContext) {
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const lines: string[] = []
  let heard = (): void => undefined
  socket.on('message', (packet) => {
    lines.push(...packet.toString().split('\n').filter(Boolean))
    heard()
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  /** Resolves with the first line that matches, when it is there. */
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((resolve) => {
      heard = () => {
        const found = lines.find((each) => pattern.test(each))
        if (found !== undefined) resolve(found)
      }
      heard()
    })
  return { lines, line, url: `udp://127.0.0.1:${socket.address().port}` }
}

test('StatsD gets what counters grew by, gauges, and times in ms', { timeout }, async (t) => {
  const server = await listen(t)
  const clock = new ManualClock()
  const metrics = new Metrics(100, onError)
  metrics.addSource(() => metrics.add('lag', 7, 'views', 3))
  const options = { metrics, clock, url: server.url, intervalMs: 1000, onError }
  const sender = await StatsdSender.open(options)
  metrics.add('fetchedRecords', 40, 'views', 3)
  metrics.observe('cutSeconds', 0.25)
  clock.advance(1000)
  await server.line(/^euphorion\.fetched_records:40\|c\|#topic:views,partition:3$/)
  await server.line(/^euphorion\.lag_records:7\|g\|#topic:views,partition:3$/)
  await server.line(/^euphorion\.cut:250\|ms/)
  metrics.add('fetchedRecords', 2, 'views', 3)
  clock.advance(1000)
  await server.line(/^euphorion\.fetched_records:2\|c/)
  metrics.add('fetchedRecords', 5, 'views', 3)
  await sender.close()
  await server.line(/^euphorion\.fetched_records:5\|c/)
  const grown = server.lines.filter((line) => line.startsWith('euphorion.fetched_records:'))
  assert.equal(grown.length, 3)
})

test('an app sends what it has counted at its stop, of partitions that are closed by then too', {
  timeout,
}, async (t) => {
  const server = await listen(t)
  const app = newApp(t, await newDirectory(), {
    metricsStatsd: server.url,
    metricsIntervalMs: '1h',
  })
  const value = record('Page', { url: string() })
  const pages = app.topic('pages', { key: string(), value, keyedBy: 'url', partitions: 1 })
  app
    .stream(pages)
    .keyBy('url')
    .aggregate('per-url', () => ({ views: count() }))
  await app.start()
  await pages.sendMany(['/a', '/b', '/a'].map((url) => ({ value: { url } })))
  await until(() => app.statistics().some(({ counted }) => counted === 3))
  await app.stop()
  const place = 'topic:pages,partition:0'
  const lane = `table:per-url,${place}`
  await server.line(new RegExp(`^euphorion\\.sent_records:3\\|c\\|#${place}$`))
  await server.line(new RegExp(`^euphorion\\.fetched_records:3\\|c\\|#${place}$`))
  await server.line(new RegExp(`^euphorion\\.lane_records:3\\|c\\|#${lane},outcome:counted$`))
})

test('a package that is not there is named', async () => {
  const missing = optionalPackage('metricsStatsd', 'hot-shots', () =>
    Promise.reject(new Error('ERR_MODULE_NOT_FOUND')),
  )
  await assert.rejects(missing, {
    code: 'SETTING_INVALID',
    message: /metricsStatsd needs the package hot-shots.*npm install hot-shots/,
  })
})
