// Fetches that are turned while an app runs: what comes out is the same, whatever they are, and what
// they are is told by metrics and the log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, count, float64, record, string } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { parseExposition, sumOf } from '../support/exposition.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000
const KIB = 1024
const Reading = record('Reading', { id: string(), value: float64(), padding: string() })

for (const adaptFetches of [true, false])
  for (const backend of ['wasm', 'js'] as const)
    test(`batches of the log that are larger than 16 KiB come through fetches of 16 KiB: ${backend}, adaptFetches ${adaptFetches}`, {
      timeout,
    }, async (t) => {
      const settings = { batchBytes: 16 * KIB, fetchesInFlight: 1, adaptFetches, backend } as const
      const app = newApp(t, await newDirectory(), { ...settings, topicPartitions: 3 })
      const readings = app.topic('readings', { key: string(), value: Reading, keyedBy: 'id' })
      const perId = app
        .stream(readings)
        .keyBy('id')
        .aggregate('per-id', () => ({ readings: count() }))
      const raw = app.topic('readings', { key: bytes(), value: bytes() })
      let seen = 0
      app.agent(
        raw,
        async (stream) => {
          for await (const value of stream) seen += Math.min(1, value.length)
        },
        { name: 'sees' },
      )
      await app.start()
      // batches of one record each, from a few bytes to six fetches
      const sizes = [1, 15, 16, 17, 40, 100, 3]
      for (let round = 0; round < 20; round++)
        for (const [index, size] of sizes.entries())
          await readings.send({
            value: { id: `i${index}`, value: round, padding: 'x'.repeat(size * KIB) },
          })
      await until(async () => seen === 140)
      await until(async () => {
        const rows = await Promise.all(sizes.map((_, index) => perId.get(`i${index}`)))
        return rows.every((row) => row?.readings === 20)
      })
      const metrics = parseExposition(app.metrics())
      const most = sumOf(metrics, 'euphorion_fetch_bytes')
      const changes = sumOf(metrics, 'euphorion_fetch_changes_total')
      if (!adaptFetches) assert.deepEqual([most, changes], [16 * KIB, 0])
      assert.ok(!metrics.has('euphorion_bad_records_total'))
    })

test('small fetches that hold the lanes up become larger and more, and are told of', {
  timeout,
}, async (t) => {
  const logger = new Lines()
  const small = { batchBytes: 16 * KIB, fetchesInFlight: 1, sendBatchBytes: 8 * KIB }
  const app = newApp(t, await newDirectory(), { ...small, memoryMib: 128, logger })
  const readings = app.topic('readings', { key: string(), value: Reading, keyedBy: 'id' })
  app
    .stream(readings)
    .keyBy('id')
    .aggregate('per-id', () => ({ readings: count() }))
  await (await app.log()).createTopic('readings', { partitions: 2 })
  const values = Array.from({ length: 2000 }, (_, index) => ({
    id: `i${index % 100}`,
    value: index,
    padding: 'x'.repeat(1000),
  }))
  for (let i = 0; i < 40; i++) await readings.sendMany(values.map((value) => ({ value })))
  await app.start()
  const read = () => parseExposition(app.metrics())
  await until(() => sumOf(read(), 'euphorion_fetch_changes_total', { direction: 'up' }) > 0)
  assert.ok(sumOf(read(), 'euphorion_fetch_bytes') > 16 * KIB)
  assert.ok(logger.lines.some((line) => /^debug fetches are adapted .*"what":"bytes"/.test(line)))
})
