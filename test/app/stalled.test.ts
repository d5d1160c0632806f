// Partitions of an engine that stand still: a broker that brings nothing of what is there, a kernel's
// task that does not return, an agent's function that never ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventSubscriber, PartitionSink } from '../../src/ingest/subscriber.ts'
import { settle } from '../support/manual_clock.ts'
import { counting, records, startEngine, until } from '../support/scripted_engine.ts'

const code = { stallTimeoutMs: 10_000, commitIntervalMs: 250 }

const stalls = (lines: readonly string[]): unknown[] =>
  lines
    .filter((line) => line.startsWith('a partition makes no progress'))
    .map((line) => {
      const { part, partition, remedy } = JSON.parse(line.slice(line.indexOf('{')))
      return `${part} ${partition} ${remedy}`
    })

test('a broker that brings nothing of what is there is left, the partition opened again, then stopped', async () => {
  const { engine, consumer, clock, errors, lines } = await startEngine([0, 1], code)
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics()[0].counted === 3)
  // There is nothing more: no news.
  await clock.advance(60_000)
  assert.deepEqual(stalls(lines), [])
  consumer.ends.set(0, 9)
  await clock.advance(13_000)
  assert.deepEqual(consumer.reconnected, [0])
  const [{ lag, state }] = engine.statistics()
  assert.deepEqual([lag, state], [6, 'stalled'])
  await clock.advance(12_000)
  assert.deepEqual(stalls(lines), ['fetch 0 reconnect', 'fetch 0 reopen'])
  await until(() => engine.statistics().length === 2)
  // A store in memory has nothing left when it is opened again.
  assert.deepEqual(consumer.sought, [{ topic: 't', partition: 0, offset: 0 }])
  await clock.advance(24_000)
  assert.deepEqual(stalls(lines).slice(2), ['fetch 0 stop'])
  const stopped = engine.statistics().find(({ partition }) => partition === 0)
  assert.equal(stopped?.state, 'stopped')
  // The other partition runs on.
  assert.deepEqual(errors, [])
  consumer.give(1, records(0, 'ab'))
  await until(() => engine.statistics().some(({ counted }) => counted === 2))
  await engine.stop()
})

test('where the last partition is stopped the worker ends with PARTITION_STALLED', async () => {
  const { engine, consumer, clock, errors } = await startEngine([0], code)
  consumer.ends.set(0, 9)
  for (let step = 0; step < 50 && errors.length === 0; step++) {
    await clock.advance(1000)
    await settle()
  }
  assert.equal((errors[0] as { code: string }).code, 'PARTITION_STALLED')
  await engine.stop()
})

test('a reconnect that helps is told, and nothing else is done', async () => {
  const { engine, consumer, clock, lines } = await startEngine([0], code)
  consumer.ends.set(0, 3)
  await clock.advance(13_000)
  consumer.ends.clear()
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics()[0].counted === 3)
  await clock.advance(60_000)
  assert.deepEqual(stalls(lines), ['fetch 0 reconnect'])
  assert.ok(lines.some((line) => line.startsWith('a partition gets on again')))
  assert.equal(engine.statistics()[0].state, 'running')
  await engine.stop()
})

test('a lane whose task does not return is given up, and begins again with another', async () => {
  const wasm = { ...code, backend: 'wasm', threads: 1 }
  const { engine, consumer, clock, errors, lines } = await startEngine([0, 1], wasm)
  const executor = engine.executor!
  const run = executor.run.bind(executor)
  let hanging = 0
  executor.run = (task) => {
    if (hanging > 0) return run(task)
    hanging++
    return new Promise(() => undefined)
  }
  consumer.give(0, records(0, 'aab'))
  await until(() => hanging === 1)
  await clock.advance(11_500)
  assert.deepEqual(stalls(lines), ['lane counts 0 none'])
  await clock.advance(11_000)
  assert.deepEqual(stalls(lines).slice(1), ['lane counts 0 restart'])
  await until(() => consumer.sought.length === 1)
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics().some(({ counted }) => counted === 3))
  await engine.cut()
  assert.deepEqual(errors, [])
  await engine.stop()
})

/** An agent that has the first event for ever. */
function hangs(): EventSubscriber {
  const open = (): PartitionSink => ({
    stopped: false,
    holds: true,
    push: async () => true,
    acknowledged: () => 0,
    spoiled: undefined,
    stall: () => undefined,
    pause: async () => undefined,
    resume: () => undefined,
    close: async () => undefined,
  })
  return { name: 'slow', topic: 't', open }
}

test('an agent that never ends with an event is told of, and waited for', async () => {
  const { engine, consumer, clock, errors, lines } = await startEngine([0], code, [], [hangs()])
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.fetched.records === 3)
  await clock.advance(36_000)
  assert.deepEqual(stalls(lines), ['agent slow 0 none', 'agent slow 0 none', 'agent slow 0 none'])
  assert.deepEqual(errors, [])
  await engine.stop()
})

test('with onAgentStall: stop it ends its partition', async () => {
  const stops = { ...code, onAgentStall: 'stop' }
  const { engine, consumer, clock, errors } = await startEngine([0], stops, [counting], [hangs()])
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.fetched.records === 3)
  await clock.advance(12_000)
  assert.deepEqual(errors, [])
  await clock.advance(12_000)
  assert.equal((errors[0] as { code: string }).code, 'PARTITION_STALLED')
  await engine.stop()
})
