import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { App, count, record, string, timestamp, tumbling } from '../../src/index.ts'

const View = record('View', { url: string(), ts: timestamp() })

for (const [backend, guarantee] of [
  ['wasm', 'at_least_once'],
  ['js', 'at_least_once'],
  ['wasm', 'exactly_once'],
] as const) {
  test(`late records go to a topic as they were, and are counted: ${backend}, ${guarantee}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'euphorion-late-'))
    const app = new App('late', {
      broker: `embedded:${join(directory, 'log')}`,
      dataDir: join(directory, 'data'),
      commitIntervalMs: 20,
      topicPartitions: 1,
      logLevel: 'silent',
      backend,
      guarantee,
    })
    const views = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
    const tooLate = app.topic('too-late', { key: string(), value: View })
    const perPage = app
      .stream(views)
      .keyBy('url')
      .time('ts')
      .window(tumbling('10s', { grace: '5s' }))
      .aggregate('per-page', () => ({ views: count() }))
    perPage.late().to(tooLate)
    const arrived: unknown[] = []
    const done = new Promise<void>((resolve) => {
      app.agent(tooLate, async (stream) => {
        for await (const { key, value, headers } of stream.events()) {
          const names = headers.map((each) => `${each.key}=${Buffer.from(each.value ?? [])}`)
          arrived.push({ key, value, names })
          if (arrived.length === 2) resolve()
        }
      })
    })
    try {
      await app.start()
      const headers = { from: 'test' }
      const offsets: number[] = []
      for (const [url, ts] of [
        ['/a', 9_000],
        ['/a', 14_999],
        ['/a', 8_000],
        ['/b', 15_000],
        ['/b', 9_999],
        ['/c', 7_000],
      ] as const)
        offsets.push((await views.send({ value: { url, ts }, timestamp: ts, headers })).offset)
      await done
      const place = (offset: number) => [
        'from=test',
        'euphorion.reason=late',
        'euphorion.topic=views',
        'euphorion.partition=0',
        `euphorion.offset=${offset}`,
      ]
      assert.deepEqual(arrived, [
        {
          key: '/b',
          value: { url: '/b', ts: 9_999 },
          names: [...place(offsets[4]), 'euphorion.timestamp=9999'],
        },
        {
          key: '/c',
          value: { url: '/c', ts: 7_000 },
          names: [...place(offsets[5]), 'euphorion.timestamp=7000'],
        },
      ])
      const [{ counted, late, bad }] = app.statistics()
      assert.deepEqual({ counted, late, bad }, { counted: 4, late: 2, bad: 0 })
    } finally {
      await app.stop()
      await rm(directory, { recursive: true, force: true })
    }
  })
}
