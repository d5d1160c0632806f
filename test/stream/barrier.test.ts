// What a cut asks of agents that write tables, or whose output has to count once: to rest, and to
// go on; and what becomes of those that fail, or do not come to rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import type { AgentFunction } from '../../src/stream/agent_definition.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { settle } from '../support/manual_clock.ts'

/** Handlers that have an event until the test lets them go on with it. */
function handlers() {
  const begun: number[] = []
  const ends = new Map<number, (error?: Error) => void>()
  const run: AgentFunction<string, unknown, unknown> = async (stream) => {
    for await (const value of stream) {
      const n = value as number
      begun.push(n)
      await new Promise<void>((resolve, reject) =>
        ends.set(n, (error) => (error ? reject(error) : resolve())),
      )
    }
  }
  const end = async (n: number, error?: Error) => {
    ends.get(n)!(error)
    await settle()
  }
  return { run, begun, end }
}

function told(promise: Promise<void>) {
  const state = { isOver: false }
  void promise.then(() => {
    state.isOver = true
  })
  return state
}

test('a pause waits for all events in hand, and nothing is handed out before resume', async () => {
  const { run, begun, end } = handlers()
  const { partition } = agentOf(run, { concurrency: 2 })
  void partition.push(batchOf([0, 1, 2, 3, 4]))
  await settle()
  const rests = told(partition.pause())
  await end(0)
  assert.deepEqual([begun, rests.isOver], [[0, 1], false])
  await end(1)
  assert.deepEqual([begun, rests.isOver], [[0, 1], true])
  assert.equal(partition.holds, false)
  assert.equal(partition.acknowledged(), 2)
  partition.resume()
  await settle()
  assert.deepEqual(begun, [0, 1, 2, 3])
  for (const n of [2, 3, 4]) await end(n)
  await partition.close()
})

test('an agent with nothing in hand rests at once, also one that has stopped or is closed', async () => {
  const { run } = handlers()
  const idle = agentOf(run).partition
  await idle.pause()
  idle.resume()
  await idle.close()
  await idle.pause()
  const { partition, stopped } = agentOf(async () => undefined)
  await settle()
  assert.equal(stopped.length, 1)
  await partition.pause()
  assert.equal(partition.spoiled, undefined)
  await partition.close()
})

test('batches that were taken ahead are not handed out while a cut waits', async () => {
  const got: number[][] = []
  const { partition } = agentOf(async (stream) => {
    const kernel = { name: 'k', columns: {}, run: async () => 0, close: () => undefined }
    const map = stream.mapBatch as unknown as (
      kernel: unknown,
      options: object,
    ) => AsyncIterable<{ batch: { length: number; offsets: Float64Array } }>
    for await (const { batch } of map.call(stream, kernel, { maxRecords: 2 })) {
      got.push([...batch.offsets].map(Number))
      await settle()
    }
  })
  const pushed = partition.push(batchOf([0, 1, 2, 3, 4, 5, 6, 7]))
  while (got.length === 0) await settle()
  await partition.pause()
  const seen = got.length
  const acknowledged = partition.acknowledged()
  assert.equal(acknowledged, got.flat().length)
  for (let i = 0; i < 5; i++) await settle()
  assert.equal(got.length, seen)
  assert.equal(partition.acknowledged(), acknowledged)
  partition.resume()
  await pushed
  while (got.flat().length < 8) await settle()
  await partition.close()
})

test('an event that fails in the hand spoils what was done for it; a bad record does not', async () => {
  const { run, end } = handlers()
  const { partition } = agentOf(run)
  void partition.push(batchOf([0, 1, 2]))
  await settle()
  await end(0)
  const rests = told(partition.pause())
  await end(1, new Error('mine'))
  assert.equal(rests.isOver, true)
  assert.equal(partition.spoiled?.offset, 1)
  assert.equal(partition.acknowledged(), 1)
  await partition.close()
  const bad = agentOf(handlers().run, { onBadRecord: 'stop' })
  await bad.partition.push(batchOf(['{']))
  assert.equal(bad.stopped[0].code, 'RECORD_BAD')
  assert.equal(bad.partition.spoiled, undefined)
  await bad.partition.close()
})

test('an agent that does not come to rest is stopped, with its name, and not waited for', async () => {
  const { run, end } = handlers()
  const { partition, stopped } = agentOf(run)
  void partition.push(batchOf([0, 1]))
  await settle()
  await end(0)
  void partition.pause()
  partition.stall(500)
  assert.equal(stopped[0].code, 'PARTITION_STALLED')
  assert.match(stopped[0].message, /agent tested .* 500 ms/)
  assert.deepEqual(stopped[0].place, { topic: 't', partition: 2, offset: 1 })
  assert.equal(partition.spoiled?.offset, 1)
  partition.resume()
  await partition.close()
  const idle = agentOf(handlers().run)
  idle.partition.stall(500)
  assert.equal(idle.partition.stopped, false)
  await idle.partition.close()
})

test('a partition that is to stop at an offset hands out what is before it, and says why', async () => {
  for (const as of ['value', 'batch'] as const) {
    const got: unknown[] = []
    const error = new EuphorionError('HANDLER_FAILED', 'before')
    const { partition, stopped } = agentOf(
      async (stream) => {
        if (as === 'value') for await (const value of stream) got.push(value)
        else for await (const batch of stream.batches()) got.push(...batch.values)
      },
      { startOffset: 1, until: { offset: 3, error } },
    )
    await partition.push(batchOf([0, 1, 2, 3, 4]))
    assert.deepEqual(got, [1, 2])
    assert.deepEqual(stopped, [error])
    assert.equal(partition.acknowledged(), 3)
    assert.equal(partition.spoiled, undefined)
    await partition.close()
  }
})
