// Events that the program acknowledges itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferred } from '../../src/deferred.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

type Numbers = Stream<string, number>

test('what is not acknowledged by hand holds the offset, whatever the loop asks for', async () => {
  let stream!: Numbers
  const got: Event<string, number>[] = []
  const { partition } = agentOf<number>(async (given) => {
    stream = given
    for await (const event of stream.noAck().events()) got.push(event)
  })
  await partition.push(batchOf([0, 1, 2, 3]))
  assert.deepEqual([got.length, partition.acknowledged()], [4, 0])
  assert.deepEqual([stream.ack(got[1]), stream.ack(got[1])], [true, false])
  assert.equal(stream.ack({ ...got[0], partition: 7 }), false)
  assert.equal(partition.acknowledged(), 0)
  assert.equal(stream.ack([got[0], got[3]]), true)
  assert.equal(partition.acknowledged(), 2)
  assert.deepEqual([stream.ack(), stream.ack()], [true, false])
  assert.equal(partition.acknowledged(), 4)
  await partition.close()
})

test('operators behind it leave it so; what they leave out is acknowledged', async () => {
  const got: number[] = []
  let stream!: Numbers
  const { partition } = agentOf<number>(async (given) => {
    stream = given
    const derived = stream
      .noAck()
      .filter((value) => value > 1000)
      .map((value) => value * 2)
    for await (const value of derived) got.push(value)
  })
  await partition.push(batchOf([1000, 3000, 99, 5000, 3, 9999]))
  assert.deepEqual(got, [6000, 10_000, 19_998])
  assert.equal(partition.acknowledged(), 1)
  stream.ack({ topic: 't', partition: 2, offset: 1 } as Event<string, number>)
  assert.equal(partition.acknowledged(), 3)
  stream.ack()
  assert.equal(partition.acknowledged(), 6)
  await partition.close()
})

test('without it a filter acknowledges what it leaves out, and hands out the others', async () => {
  const got: number[] = []
  const { partition } = agentOf<number>(async (stream) => {
    for await (const value of stream.filter((each) => each > 1000)) got.push(value)
  })
  await partition.push(batchOf([1000, 3000, 99, 5000, 3, 9999]))
  assert.deepEqual(got, [3000, 5000, 9999])
  assert.equal(partition.acknowledged(), 6)
  await partition.close()
})

test('lists of take are not acknowledged either, and those of others are behind the loop', async () => {
  const byHand: number[][] = []
  let stream!: Numbers
  const manual = agentOf<number>(async (given) => {
    stream = given
    for await (const list of stream.noAck().take(2)) byHand.push(list)
  })
  await manual.partition.push(batchOf([0, 1, 2, 3]))
  assert.deepEqual(
    [byHand, manual.partition.acknowledged()],
    [
      [
        [0, 1],
        [2, 3],
      ],
      0,
    ],
  )
  stream.ack()
  assert.equal(manual.partition.acknowledged(), 4)
  await manual.partition.close()

  const held = deferred()
  const { partition } = agentOf<number>(async (given) => {
    for await (const list of given.take(2)) if (list[0] === 2) await held.promise
  })
  const pushed = partition.push(batchOf([0, 1, 2, 3, 4]))
  await settle()
  assert.equal(partition.acknowledged(), 2)
  held.resolve()
  await pushed
  assert.equal(partition.acknowledged(), 4)
  await partition.close()
})

test('too many that are not acknowledged hold the loop up, and lose nothing', async () => {
  const got: number[] = []
  let stream!: Numbers
  const { partition } = agentOf<number>(
    async (given) => {
      stream = given
      for await (const value of stream.noAck()) got.push(value)
    },
    {},
    { unackedMax: 2 },
  )
  void partition.push(batchOf([0, 1, 2, 3, 4, 5]))
  await settle()
  assert.deepEqual(got, [0, 1])
  stream.ack()
  await settle()
  assert.deepEqual(got, [0, 1, 2, 3])
  stream.ack()
  await settle()
  assert.equal(partition.acknowledged(), 4)
  await partition.close()
  assert.equal(partition.acknowledged(), 4)
})

test('of a function that fails, all that is not acknowledged comes to the next one', async () => {
  const clock = new ManualClock()
  const lives: number[][] = []
  const { partition } = agentOf<number>(
    async (stream) => {
      const got: number[] = []
      lives.push(got)
      for await (const event of stream.noAck().events()) {
        got.push(event.value)
        if (event.value === 1) stream.ack(event)
        if (event.value === 3 && lives.length === 1) throw new Error('three')
      }
    },
    { supervision: { retry: { attempts: 1, backoff: 10 } } },
    { clock },
  )
  const pushed = partition.push(batchOf([0, 1, 2, 3, 4]))
  await settle()
  await clock.advance(10)
  await settle()
  await pushed
  assert.deepEqual(lives, [
    [0, 1, 2, 3],
    [0, 2, 3, 4],
  ])
  assert.equal(partition.acknowledged(), 0)
  await partition.close()
})
