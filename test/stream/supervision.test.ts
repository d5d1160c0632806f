// What becomes of an event that an agent's function throws on, whatever the function looks like.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EuphorionError } from '../../src/errors.ts'
import type { AgentFunction, FailedEvent } from '../../src/stream/agent_definition.ts'
import { AgentCounters } from '../../src/stream/agent_statistics.ts'
import type {
  AgentFailure,
  FailurePolicy,
  SupervisionOptions,
} from '../../src/stream/supervision.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

type Run = AgentFunction<string, number, unknown>
type Work = (value: number) => void

interface Shape {
  readonly name: string
  readonly concurrency?: number
  /** Events that are in one hand. */
  readonly together?: number
  readonly run: (work: Work) => Run
}

const shapes: readonly Shape[] = [
  {
    name: 'a loop over values',
    run: (work) => async (stream) => {
      for await (const value of stream) work(value)
    },
  },
  {
    name: 'a loop over events',
    run: (work) => async (stream) => {
      for await (const { value } of stream.events()) work(value)
    },
  },
  {
    name: 'a generator with a sink',
    run: (work) =>
      async function* (stream) {
        for await (const value of stream) {
          work(value)
          yield value
        }
      },
  },
  {
    name: 'three functions',
    concurrency: 3,
    run: (work) => async (stream) => {
      for await (const value of stream) work(value)
    },
  },
  {
    name: 'a loop over take(2)',
    together: 2,
    run: (work) => async (stream) => {
      for await (const values of stream.take(2)) for (const value of values) work(value)
    },
  },
  {
    name: 'a loop over batches of 2',
    together: 2,
    run: (work) => async (stream) => {
      for await (const batch of stream.batches({ maxRecords: 2 }))
        for (const value of batch.values) work(value)
    },
  },
  {
    name: 'a loop behind a filter',
    run: (work) => async (stream) => {
      for await (const value of stream.filter(() => true)) work(value)
    },
  },
]

/** Runs one over 0 … 5; work fails on 2, `times` times. */
async function runOver(
  shape: Shape,
  supervision: SupervisionOptions<string, number>,
  times: number,
) {
  const clock = new ManualClock()
  const done: number[] = []
  const tried: number[] = []
  const failed: FailedEvent[] = []
  const crashed: EuphorionError[] = []
  const counters = new AgentCounters()
  let left = times
  const work: Work = (value) => {
    tried.push(value)
    if (value === 2 && left-- > 0) throw new TypeError('two!')
    done.push(value)
  }
  const { concurrency = 1 } = shape
  const sunk: unknown[] = []
  const sinks = shape.name.includes('sink') ? [(value: unknown) => sunk.push(value)] : []
  const fixture = agentOf<number>(
    shape.run(work),
    { concurrency, supervision, sinks },
    {
      clock,
      random: () => 1,
      onFailed: (each) => failed.push(each),
      onCrash: (error) => crashed.push(error),
    },
    { counters },
  )
  const pushed = fixture.partition.push(batchOf([0, 1, 2, 3, 4, 5]))
  for (let turn = 0; turn < 20; turn++) {
    await settle()
    await clock.advance(200)
  }
  await pushed
  return { ...fixture, done, tried, failed, crashed, counters, sunk, clock }
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)

for (const shape of shapes) {
  const { name, together = 1 } = shape
  const inHand = together === 1 ? [2] : [2, 3]
  const others = [0, 1, 2, 3, 4, 5].filter((value) => !inHand.includes(value))

  test(`${name}: an event that fails is tried again by a fresh instance, and then done`, async () => {
    const run = await runOver(shape, { retry: { attempts: 3, backoff: 100 } }, 2)
    assert.deepEqual(sorted(run.done), [0, 1, 2, 3, 4, 5])
    assert.equal(run.tried.filter((value) => value === 2).length, 3)
    assert.equal(run.partition.acknowledged(), 6)
    assert.deepEqual([run.counters.failures, run.counters.restarts], [2, 2])
    assert.deepEqual(
      run.failed.map(({ policy, attempts, offset, error }) => [policy, attempts, offset, error]),
      [
        ['retry', 1, 2, 'TypeError'],
        ['retry', 2, 2, 'TypeError'],
      ],
    )
    if (shape.concurrency === undefined) assert.deepEqual(run.done, sorted(run.done))
    if (run.sunk.length > 0) assert.deepEqual(run.sunk, [0, 1, 2, 3, 4, 5])
    await run.partition.close()
  })

  test(`${name}: 'skip' leaves out what was in hand, and goes on`, async () => {
    const run = await runOver(shape, { onError: 'skip' }, Number.POSITIVE_INFINITY)
    assert.deepEqual(sorted(run.done), others)
    assert.equal(run.partition.acknowledged(), 6)
    assert.equal(run.counters.skipped, inHand.length)
    assert.equal(run.partition.stopped, false)
    await run.partition.close()
  })

  test(`${name}: 'dead-letter' sends what was in hand, with why and how often`, async () => {
    const options = { retry: { attempts: 1 }, onError: 'dead-letter' } as const
    const run = await runOver(shape, options, Number.POSITIVE_INFINITY)
    assert.deepEqual(sorted(run.done), others)
    assert.equal(run.partition.acknowledged(), 6)
    assert.equal(run.counters.deadLettered, inHand.length)
    assert.deepEqual(
      run.producer.stored.map(({ value }) => Buffer.from(value ?? []).toString()),
      inHand.map(String),
    )
    const [{ key, headers }] = run.producer.stored
    assert.equal(Buffer.from(key ?? []).toString(), 'k2')
    assert.deepEqual(
      headers?.map((each) => [each.key, Buffer.from(each.value ?? []).toString()]),
      [
        ['h', 'x'],
        ['euphorion.reason', 'handler-failed'],
        ['euphorion.topic', 't'],
        ['euphorion.partition', '2'],
        ['euphorion.offset', '2'],
        ['euphorion.timestamp', '1002'],
        ['euphorion.agent', 'tested'],
        ['euphorion.error', 'TypeError'],
        ['euphorion.message', 'two!'],
        ['euphorion.attempts', '2'],
      ],
    )
    await run.partition.close()
  })

  for (const policy of ['stop', 'crash'] as const)
    test(`${name}: '${policy}' keeps the offset of what was in hand`, async () => {
      const run = await runOver(shape, { onError: policy }, 1)
      assert.equal(run.partition.stopped, true)
      assert.equal(run.partition.acknowledged(), 2)
      assert.equal(run.stopped[0].code, 'HANDLER_FAILED')
      assert.deepEqual(run.stopped[0].place, { topic: 't', partition: 2, offset: 2 })
      assert.equal(run.crashed.length, policy === 'crash' ? 1 : 0)
      await run.partition.close()
      assert.equal(run.partition.acknowledged(), 2)
    })

  test(`${name}: a function is asked after each failure, with all that was in hand`, async () => {
    const asked: AgentFailure<string, number>[] = []
    const onError = (failure: AgentFailure<string, number>): FailurePolicy | 'retry' => {
      asked.push(failure)
      return failure.attempt < 3 ? 'retry' : 'skip'
    }
    const run = await runOver(shape, { onError }, Number.POSITIVE_INFINITY)
    assert.deepEqual(sorted(run.done.filter((value) => others.includes(value))), others)
    assert.deepEqual(
      asked.map(({ attempt, agent, topic, partition }) => [attempt, agent, topic, partition]),
      [1, 2, 3].map((attempt) => [attempt, 'tested', 't', 2]),
    )
    const [{ error, event, events }] = asked
    assert.equal((error as Error).message, 'two!')
    assert.deepEqual([event?.offset, event?.key, event?.value], [2, 'k2', 2])
    assert.deepEqual(
      events.map(({ value }) => value),
      inHand,
    )
    assert.equal(run.counters.skipped, inHand.length)
    await run.partition.close()
  })
}
