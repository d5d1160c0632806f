// Operators on a partition of an agent: what is acknowledged, what a cut waits for, and what comes
// again when a loop is left.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentFunction } from '../../src/stream/agent_definition.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

/** An agent of numbers, which tells what its loop has got. */
function numbers(
  run: (stream: Stream<string, number>, got: unknown[]) => Promise<void>,
  clock = new ManualClock(),
) {
  const got: unknown[] = []
  const agent: AgentFunction<string, number, unknown> = (stream) => run(stream, got)
  return { got, ...agentOf<number>(agent, {}, { clock }) }
}

function isOver(promise: Promise<unknown>): () => boolean {
  let over = false
  void promise.then(() => {
    over = true
  })
  return () => over
}

test('take: a list is acknowledged as a whole, when the loop asks for the next', async () => {
  const clock = new ManualClock()
  const { got, partition } = numbers(async (stream, lists) => {
    for await (const list of stream.take(3, { within: 100 })) {
      lists.push([list, partition.acknowledged()])
      await new Promise<void>((resolve) => void clock.after(10, resolve))
    }
  }, clock)
  void partition.push(batchOf([0, 1, 2, 3, 4, 5, 6]))
  await settle()
  assert.deepEqual(got, [[[0, 1, 2], 0]])
  assert.equal(partition.acknowledged(), 0)
  await clock.advance(10)
  assert.deepEqual(got.slice(1), [[[3, 4, 5], 3]])
  await clock.advance(109)
  assert.equal(got.length, 2)
  await clock.advance(1)
  assert.deepEqual(got.slice(2), [[[6], 6]])
  assert.equal(partition.acknowledged(), 6)
  await clock.advance(10)
  assert.equal(partition.acknowledged(), 7)
  await partition.close()
  assert.equal(clock.alarms, 0)
})

test('a cut waits for a list in hand, and not for one that is not full', async () => {
  const steps: (() => void)[] = []
  const { got, partition } = numbers(async (stream, lists) => {
    for await (const list of stream.take(2)) {
      lists.push(list)
      await new Promise<void>((resolve) => steps.push(resolve))
    }
  })
  void partition.push(batchOf([0]))
  await settle()
  await partition.pause()
  assert.equal(partition.holds, false)
  partition.resume()
  void partition.push(batchOf([1, 2], 1))
  await settle()
  assert.deepEqual(got, [[0, 1]])
  const rests = isOver(partition.pause())
  await settle()
  assert.equal(rests(), false)
  steps.shift()?.()
  await settle()
  assert.equal(rests(), true)
  assert.equal(partition.acknowledged(), 2)
  partition.resume()
  await partition.close()
})

test('buffer: a cut waits for the event in the loop, and what waits is not handed out', async () => {
  const steps: (() => void)[] = []
  const seen: number[] = []
  const { got, partition } = numbers(async (stream, values) => {
    for await (const value of stream.peek((n) => seen.push(n)).buffer(2)) {
      values.push(value)
      await new Promise<void>((resolve) => steps.push(resolve))
    }
  })
  void partition.push(batchOf([0, 1, 2, 3, 4]))
  await settle()
  assert.deepEqual([got, seen], [[0], [0, 1, 2]])
  const rests = isOver(partition.pause())
  steps.shift()?.()
  await settle()
  assert.deepEqual([rests(), got, partition.acknowledged()], [true, [0], 1])
  partition.resume()
  await settle()
  assert.deepEqual(
    [got, seen],
    [
      [0, 1],
      [0, 1, 2, 3],
    ],
  )
  void partition.close()
  steps.shift()?.()
  await settle()
  assert.equal(partition.acknowledged(), 2)
})

test('values that one event was made into are handed out while a cut waits for it', async () => {
  const steps: (() => void)[] = []
  const { got, partition } = numbers(async (stream, lists) => {
    for await (const list of stream.flatMap((n) => [n, n + 0.5]).take(3)) {
      lists.push(list)
      await new Promise<void>((resolve) => steps.push(resolve))
    }
  })
  void partition.push(batchOf([0, 1, 2]))
  await settle()
  assert.deepEqual(got, [[0, 0.5, 1]])
  const rests = isOver(partition.pause())
  await settle()
  assert.equal(rests(), false)
  assert.equal(partition.acknowledged(), 0)
  void partition.close()
  steps.shift()?.()
  await settle()
  assert.equal(partition.acknowledged(), 1)
})

test('what waited when a loop was left comes again, in order, to the next loop', async () => {
  const { got, partition } = numbers(async (stream, values) => {
    for await (const value of stream.buffer(3)) {
      values.push(value)
      if (value === 1) break
    }
    values.push(partition.acknowledged())
    for await (const [index, list] of entries(stream.filter((n) => n % 2 === 0).take(2))) {
      values.push(list, partition.acknowledged())
      if (index === 1) break
    }
    for await (const value of stream) values.push(value, partition.acknowledged())
  })
  void partition.push(batchOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
  await settle()
  assert.deepEqual(got, [0, 1, 1, [2, 4], 2, [6, 8], 6, 9, 9])
  await partition.close()
})

async function* entries<T>(values: AsyncIterable<T>): AsyncGenerator<[number, T]> {
  let index = 0
  for await (const value of values) yield [index++, value]
}

test('noAck: only ack() acknowledges, in any order; cuts wait for the loop alone', async () => {
  const steps: (() => void)[] = []
  const events: Event<string, number>[] = []
  let stream: Stream<string, number> | undefined
  const { partition } = numbers(async (given) => {
    stream = given
    for await (const event of given
      .noAck()
      .filter((n) => n !== 1)
      .events()) {
      events.push(event)
      await new Promise<void>((resolve) => steps.push(resolve))
    }
  })
  void partition.push(batchOf([0, 1, 2, 3, 4]))
  for (let asked = 0; asked < 3; asked++) {
    await settle()
    steps.shift()?.()
  }
  await settle()
  assert.deepEqual(
    events.map(({ value }) => value),
    [0, 2, 3, 4],
  )
  const rests = isOver(partition.pause())
  steps.shift()?.()
  await settle()
  assert.deepEqual([rests(), partition.acknowledged()], [true, 0])
  partition.resume()
  assert.equal(stream?.ack(events[2]), true)
  assert.equal(partition.acknowledged(), 0)
  assert.equal(stream?.ack(events[0]), true)
  assert.equal(partition.acknowledged(), 2)
  assert.equal(stream?.ack(events[0]), false)
  assert.equal(stream?.ack(events[1]), true)
  assert.equal(partition.acknowledged(), 4)
  await partition.close()
})

test('noAck: lists are acknowledged event by event', async () => {
  const { got, partition } = numbers(async (stream, acknowledged) => {
    for await (const list of stream.noAck().takeEvents(2)) {
      if (list[0].value === 2) stream.ack(list[1])
      else for (const event of list) stream.ack(event)
      acknowledged.push(partition.acknowledged())
    }
  })
  void partition.push(batchOf([0, 1, 2, 3, 4, 5]))
  await settle()
  assert.deepEqual(got, [2, 2, 2])
  await partition.close()
})

test('what an operator throws at is skipped, and nothing else is', async () => {
  const bad = [2, 3, 7]
  const fail = (n: number): number => {
    if (bad.includes(n)) throw new Error(`${n}`)
    return n
  }
  type Chain = (stream: Stream<string, number>) => AsyncIterable<number | number[]>
  const chains: Record<string, Chain> = {
    map: (stream) => stream.map(fail),
    'map, take': (stream) => stream.map(async (n) => fail(n)).take(3, { within: 10 }),
    'filter, buffer': (stream) => stream.filter((n) => fail(n) >= 0).buffer(3),
    'flatMap, take': (stream) => stream.flatMap((n) => [fail(n)]).take(2, { within: 10 }),
    'peek, merge': (stream) => stream.peek(fail).merge(),
    branch: (stream) => stream.branch((n) => fail(n) >= 0)[0],
  }
  for (const [name, chain] of Object.entries(chains)) {
    const got: number[] = []
    const clock = new ManualClock()
    const { partition, stopped } = agentOf<number>(
      async (stream) => {
        for await (const given of chain(stream)) got.push(...[given].flat())
      },
      { supervision: { onError: 'skip' } },
      { clock },
    )
    void partition.push(batchOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    for (let waited = 0; waited < 5; waited++) {
      await settle()
      await clock.advance(10)
    }
    assert.deepEqual([name, got, stopped], [name, [0, 1, 4, 5, 6, 8, 9], []])
    await partition.close()
    assert.equal(partition.acknowledged(), 10)
  }
})
