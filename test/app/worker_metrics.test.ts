// What the worker tells its metrics as it happens, and what its engine shows: queues, restores,
// copies, where partitions end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Engine } from '../../src/app/engine.ts'
import { EngineMetrics } from '../../src/app/engine_metrics.ts'
import { UnreadEnds } from '../../src/app/unread_ends.ts'
import { WorkerMetrics } from '../../src/app/worker_metrics.ts'
import type { LogConsumer } from '../../src/log/log.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { Metrics } from '../../src/metrics/metrics.ts'
import { newApp } from '../support/apps.ts'
import { parseExposition, sumOf } from '../support/exposition.ts'
import { ManualClock } from '../support/manual_clock.ts'
import { newDirectory } from '../support/program.ts'

test('cuts are a histogram; those that failed are counted, and had no transaction', async (t) => {
  const app = newApp(t, await newDirectory())
  const metrics = new WorkerMetrics({ app, settings: app.settings, logger: console })
  t.after(() => metrics.close())
  metrics.cut({ ms: 4, partitions: 1, error: undefined }, 1)
  metrics.cut({ ms: 40, partitions: 1, error: undefined }, 30)
  metrics.cut({ ms: 400, partitions: 1, error: new Error('no') }, 30)
  const text = metrics.text()
  const buckets = parseExposition(text).get('euphorion_cut_seconds')!.samples
  const upTo = (le: string) => buckets.find(({ labels }) => labels.le === le)?.value
  assert.deepEqual(['0.002', '0.005', '0.05', '0.5', '+Inf'].map(upTo), [0, 1, 2, 3, 3])
  const own = parseExposition(text).get('euphorion_cut_transaction_seconds')!.samples
  assert.equal(own.find(({ name }) => name.endsWith('_count'))?.value, 2)
  assert.equal(sumOf(parseExposition(text), 'euphorion_cut_failures_total'), 1)
})

test('queues, restores and copies are shown while there are some', () => {
  const metrics = new Metrics(100, (error) => assert.fail(String(error)))
  let recoveries = [{ table: 't', topic: 'views', partition: 2, rows: 30, of: 100 }]
  const services = {
    clock: new ManualClock(),
    settings: {},
    agentTables: { placed: [] },
    recovery: { copies: () => [{ topic: 'views', partition: 3, lag: 12 }] },
    memory: { bytes: { length: 1000 }, freeBytes: () => 400 },
  }
  const sizes = { bytes: 65_536, fetches: 8, counts: [0, 3, 0, 1, 0] }
  const loop = { queue: { fetches: 2, free: 5, used: 3 }, consumer: undefined, sizes }
  const engine = {
    parts: { services, loop, tasks: new Map() },
    executor: { queued: 9 },
    statistics: () => [{ state: 'stalled' }, { state: 'running' }, { state: 'running' }],
    recoveries: () => recoveries,
  }
  new EngineMetrics(metrics, engine as unknown as Engine)
  const first = parseExposition(exposition(metrics.read()))
  const place = { topic: 'views', partition: '2', table: 't' }
  assert.equal(sumOf(first, 'euphorion_restore_records', place), 30)
  assert.equal(sumOf(first, 'euphorion_restore_remaining_records', place), 70)
  assert.equal(sumOf(first, 'euphorion_standby_lag_records', { partition: '3' }), 12)
  assert.equal(sumOf(first, 'euphorion_fetches_in_flight'), 2)
  assert.equal(sumOf(first, 'euphorion_fetch_regions', { state: 'used' }), 3)
  assert.equal(sumOf(first, 'euphorion_fetch_bytes'), 65_536)
  assert.equal(sumOf(first, 'euphorion_fetches_max'), 8)
  const changes = (labels: Record<string, string>): number =>
    sumOf(first, 'euphorion_fetch_changes_total', labels)
  assert.equal(changes({ what: 'bytes', direction: 'up', reason: 'starved' }), 3)
  assert.equal(changes({ direction: 'down' }), 1)
  assert.equal(changes({ what: 'fetches' }), 0)
  assert.equal(sumOf(first, 'euphorion_kernel_queue_tasks'), 9)
  assert.equal(sumOf(first, 'euphorion_lanes', { state: 'running' }), 2)
  assert.equal(sumOf(first, 'euphorion_lanes', { state: 'stopped' }), 0)
  assert.equal(sumOf(first, 'euphorion_shared_memory_bytes', { state: 'used' }), 600)
  recoveries = []
  const second = parseExposition(exposition(metrics.read()))
  assert.equal(second.has('euphorion_restore_records'), false)
})

test('the log is asked for the ends of partitions once in a while, whatever it answers', async () => {
  const clock = new ManualClock()
  const ends = new UnreadEnds(clock)
  const place = { topic: 'views', partition: 1 }
  const asked: string[] = []
  let answer = async () => new Map([[1, 500]])
  const consumer = {
    unread: (topic: string) => {
      asked.push(topic)
      return answer()
    },
  } as unknown as LogConsumer
  const look = async () => {
    ends.look(consumer, new Set(['views']))
    await setImmediate()
  }
  assert.equal(ends.of(place), 0)
  await look()
  await look()
  assert.deepEqual([ends.of(place), asked.length], [500, 1])
  clock.advance(5000)
  answer = () => Promise.reject(new Error('away'))
  await look()
  assert.deepEqual([ends.of(place), asked.length], [500, 2])
  clock.advance(5000)
  answer = async () => new Map([[1, 700]])
  await look()
  assert.deepEqual([ends.of(place), asked.length], [700, 3])
})
