// Results in topics across restarts: what was sent is not repeated, and what was declared later
// begins with the next cut.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  App,
  type Clock,
  count,
  record,
  string,
  systemClock,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import { openLog } from '../../src/log/open.ts'

const View = record('View', { url: string(), ts: timestamp() })

/** One life of the app; answers what the topic of results has then, as `url start views`. */
async function live(
  directory: string,
  options: {
    readonly views?: readonly [string, number][]
    /** Records in the topic then. */
    readonly end: number
    readonly results: boolean
  },
): Promise<string[]> {
  const { views = [], end, results } = options
  const broker = `embedded:${join(directory, 'log')}`
  let stored = (): void => undefined
  const allStored = new Promise<void>((resolve) => {
    stored = resolve
  })
  const clock: Clock = {
    ...systemClock,
    after(ms, call) {
      if (app.statistics().some(({ storedOffset }) => storedOffset >= end)) stored()
      return systemClock.after(ms, call)
    },
  }
  const app: App = new App('results', {
    clock,
    broker,
    dataDir: join(directory, 'data'),
    commitIntervalMs: 10,
    topicPartitions: 1,
    logLevel: 'silent',
  })
  const topic = app.topic('views', { key: string(), value: View, keyedBy: 'url' })
  const finals = app.topic('finals')
  const changes = app.topic('changes')
  const perPage = app
    .stream(topic)
    .keyBy('url')
    .time('ts')
    .window(tumbling('10s'))
    .aggregate('per-page', () => ({ views: count() }))
  if (results) {
    perPage.final().to(finals)
    perPage.changes().to(changes)
  }
  try {
    await app.start()
    for (const [url, ts] of views) await topic.send({ value: { url, ts } })
    await allStored
  } finally {
    await app.stop()
  }
  const log = await openLog(broker)
  try {
    const sent: string[] = []
    for (const name of ['finals', 'changes'])
      for (const { value } of await log.read(name, 0, 0)) {
        const row = JSON.parse(Buffer.from(value!).toString())
        sent.push(`${name}: ${row.key} ${row.start} ${row.views}`)
      }
    return sent
  } finally {
    await log.close()
  }
}

test('results begin with the next cut, and are not repeated by a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-results-'))
  try {
    const views: [string, number][] = [
      ['/a', 1_000],
      ['/a', 2_000],
      ['/b', 3_000],
      ['/b', 11_000],
    ]
    assert.deepEqual(await live(directory, { views, end: 4, results: false }), [])
    assert.deepEqual(await live(directory, { end: 4, results: true }), [])
    const sent = ['finals: /b 10000 1', 'changes: /c 20000 1']
    const views5 = { views: [['/c', 21_000] as [string, number]], end: 5, results: true }
    assert.deepEqual(await live(directory, views5), sent)
    assert.deepEqual(await live(directory, { end: 5, results: true }), sent)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
