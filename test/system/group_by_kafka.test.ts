// stream.groupBy() on Kafka by several workers: one is killed on the way, and another one comes;
// every view is counted once.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import type { SettingsInput } from '../../src/settings.ts'
import { until } from '../support/apps.ts'
import { groupByApp } from '../support/group_by_app.ts'
import { useKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'
import { newDirectory } from '../support/program.ts'

const urls = ['/a', '/b', '/c', '/d', '/e', '/f', '/g']
const views = 7000
const timeout = 180_000
const kafka = await useKafka()

if (kafka) {
  after(() => kafka.stop())
  test('two workers and one that comes count each view once', { timeout }, async (t) => {
    const id = unique('grouping')
    const directory = await newDirectory()
    const settingsOf = (name: string): SettingsInput => ({
      broker: `kafka://${kafka.brokers}`,
      dataDir: `${directory}/${name}`,
      guarantee: 'exactly_once',
      commitIntervalMs: 100,
      sessionTimeoutMs: 6000,
      memoryMib: 32,
      threads: 1,
      logLevel: 'error',
      web: false,
    })
    const workers: ChildProcess[] = []
    const start = async (name: string): Promise<ChildProcess> => {
      const job = JSON.stringify({ id, settings: settingsOf(name) })
      const worker = fork(new URL('../support/group_by_worker.js', import.meta.url), [job])
      workers.push(worker)
      await once(worker, 'message')
      return worker
    }
    t.after(() => {
      for (const worker of workers) worker.kill('SIGKILL')
    })
    const { app, views: topic, counts } = groupByApp(id, settingsOf('reader'))
    t.after(() => app.stop())
    const one = await start('one')
    const two = await start('two')
    const send = (from: number, to: number) =>
      topic.sendMany(
        Array.from({ length: to - from }, (_, i) => ({
          value: { user: `u${(from + i) % 11}`, url: urls[(from + i) % urls.length] },
        })),
      )
    for (let at = 0; at < views / 2; at += 500) await send(at, at + 500)
    one.kill('SIGKILL')
    await once(one, 'exit')
    for (let at = views / 2; at < views; at += 500) await send(at, at + 500)
    const three = await start('three')
    const log = await app.log()
    const grouped = `${id}-counter-${topic.name}-View.url-repartition`
    for (const name of [topic.name, grouped])
      await until(async () => {
        const ends = await log.offsets(name)
        const committed = await log.committed(id, name)
        const isRead = ends.every(({ partition, latest, earliest }) => {
          // the mark of its last transaction may be all that is behind it
          return latest === earliest || (committed.get(partition) ?? 0) >= latest - 1
        })
        return isRead || undefined
      })
    for (const worker of [two, three]) {
      worker.send('stop')
      await once(worker, 'exit')
    }
    await app.start()
    const total = async () => {
      let sum = 0
      for (const url of urls) sum += (await counts.get(url).catch(() => 0)) ?? 0
      return sum
    }
    await until(async () => (await total()) === views)
    for (const url of urls) assert.equal(await counts.get(url), views / urls.length)
  })
}
