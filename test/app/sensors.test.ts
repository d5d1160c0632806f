// Sensors of a running app: what each is told, and that one that throws disturbs nobody.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sensor } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { freePorts } from '../support/free_ports.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000

test('sensors are told of what an app does', { timeout }, async (t) => {
  const [webPort] = await freePorts(1)
  const app = newApp(t, await newDirectory(), { webPort })
  const numbers = app.topic<number>('numbers', { partitions: 1 })
  let handled = 0
  app.agent(numbers, async (stream) => {
    for await (const _ of stream) handled++
  })
  app.page('/n', () => `${handled}`)
  const told: string[] = []
  let records = 0
  let cuts = 0
  class Counting implements Sensor {
    onBatch(batch: { readonly records: number }): void {
      records += batch.records
    }
  }
  app.sensors.add(new Counting())
  app.sensors.add({
    onAssigned: (partitions) => told.push(`assigned ${partitions.length}`),
    onRebalanced: () => told.push('rebalanced'),
    onRevoked: (partitions, lost) => told.push(`revoked ${partitions.length} ${lost}`),
    onSend: ({ topic, error }) => told.push(`sent to ${topic}: ${error === undefined}`),
    onRequest: ({ method, path, status }) => told.push(`${method} ${path} ${status}`),
    onCut: ({ ms, partitions, error }) => {
      assert.ok(ms >= 0 && partitions <= 1 && error === undefined)
      cuts++
    },
  })
  await app.start()
  await numbers.send({ value: 1 })
  await numbers.sendMany([{ value: 2 }, { value: 3 }])
  await until(() => handled === 3 && cuts > 0)
  await fetch(`http://127.0.0.1:${webPort}/n`)
  await fetch(`http://127.0.0.1:${webPort}/none`)
  await app.stop()
  assert.equal(records, 3)
  assert.deepEqual(told, [
    'assigned 1',
    'rebalanced',
    'sent to numbers: true',
    'sent to numbers: true',
    'GET /n 200',
    'GET /none 404',
    'revoked 1 false',
  ])
})

test('a sensor that throws is logged, one that is taken away hears nothing', async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  const numbers = app.topic<number>('numbers', { partitions: 1 })
  let sent = 0
  app.sensors.add({
    onSend: () => {
      throw new Error('deaf')
    },
  })
  const off = app.sensors.add({ onSend: () => sent++ })
  await app.start()
  await numbers.send({ value: 1 })
  off()
  await numbers.send({ value: 2 })
  assert.equal(sent, 1)
  assert.equal(
    logger.lines.filter((line) => line.startsWith('error a sensor failed deaf')).length,
    2,
  )
})
