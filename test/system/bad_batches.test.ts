// Batches that lie behind a correct checksum: every reader stops in front of them with a code and
// the place, and what came before counts.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type App, count, EuphorionError } from '../../src/index.ts'
import { EmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { goodValue, Reading as ReadingRecord } from '../support/bad_values.ts'
import { boastfulBatch, type HostileBatch, hostileBatches } from '../support/hostile_batches.ts'
import { fillTopic, inTemporary, type LogLine, testApp, until } from '../support/running_app.ts'

const limit = { timeout: 30_000 }

const records = Array.from({ length: 10 }, (_, index) => ({
  key: null,
  value: goodValue(index + 1),
  timestamp: 1_700_000_000_000,
}))

type Kind = 'wasm' | 'js' | 'agent'

interface Reading {
  readonly app: App
  readonly log: EmbeddedLog
  readonly lines: readonly LogLine[]
  readonly counted: () => number
}

/** An app whose topic has ten good records and then this batch. */
async function reading(
  kind: Kind,
  bytes: Uint8Array,
  work: (running: Reading) => Promise<void>,
): Promise<void> {
  await inTemporary(async (directory) => {
    const { app, lines } = testApp({
      broker: `embedded:${join(directory, 'log')}`,
      dataDir: join(directory, 'data'),
      store: 'memory',
      maxDecompressedMib: 1,
      backend: kind === 'js' ? 'js' : 'wasm',
    })
    const readings = app.topic('readings', { value: ReadingRecord, partitions: 1 })
    let got = 0
    if (kind === 'agent')
      app.agent(readings, async (stream) => {
        for await (const _ of stream) got++
      })
    else
      app
        .stream(readings)
        .keyBy('id')
        .aggregate('per-id', () => ({ readings: count() }))
    const log = await app.log()
    await fillTopic(log, 'readings', [records])
    assert.ok(log instanceof EmbeddedLog)
    await log.appendBatches('readings', 0, bytes)
    await app.start()
    const counted = () => (kind === 'agent' ? got : app.statistics()[0].counted)
    await work({ app, log, lines, counted })
  })
}

const check = ({ bytes, code }: HostileBatch, kind: Kind): Promise<void> =>
  reading(kind, bytes, async ({ app, lines, counted }) => {
    await assert.rejects(app.ended, (error) => {
      assert.ok(error instanceof EuphorionError, String(error))
      assert.equal(error.code, code, error.stack)
      const { topic, partition, offset } = error.place
      assert.deepEqual([topic, partition], ['readings', 0])
      assert.ok(Number(offset) >= 10 && Number(offset) < 20, `offset ${offset}`)
      assert.equal(counted(), offset)
      return true
    })
    assert.ok(lines.some(({ level }) => level === 'error'))
  })

for (const kind of ['wasm', 'js', 'agent'] as const) {
  for (const hostile of hostileBatches(records))
    test(`${hostile.name}: ${kind}`, limit, () => check(hostile, kind))

  test(`fewer records than it says, of which none is lost: ${kind}`, limit, () =>
    reading(kind, boastfulBatch(records), async ({ app, log, counted }) => {
      await log.appendBatches('readings', 0, encodeBatch(records))
      await until(app, () => counted() === 30)
    }),
  )
}
