// What operators and noAck() stand on: events that asking for the next one does not acknowledge.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferred } from '../../src/deferred.ts'
import type { Event } from '../../src/stream/events.ts'
import type { StreamSource } from '../../src/stream/stream_source.ts'
import { agentOf, batchOf } from '../support/agents.ts'
import { settle } from '../support/manual_clock.ts'

/** An agent whose functions only hand their sources to the test, and end when told. */
async function sourcesOf(concurrency = 1, unackedMax = 1000) {
  const sources: StreamSource<string, number>[] = []
  const ends = Array.from({ length: concurrency }, () => deferred())
  const { partition, stopped } = agentOf<number>(
    async (stream) => {
      sources.push(stream.source)
      await ends[sources.length - 1].promise
    },
    { concurrency },
    { unackedMax },
  )
  await settle()
  return { partition, stopped, sources, source: sources[0], ends }
}

async function take(source: StreamSource<string, number>, count: number): Promise<number[]> {
  const offsets: number[] = []
  for (let i = 0; i < count; i++) {
    const { value } = await source.takeKept()
    offsets.push((value as Event<string, number>).offset)
  }
  return offsets
}

test('a cut waits for kept events that were handed, and for no others', async () => {
  const { partition, source, ends } = await sourcesOf()
  void partition.push(batchOf([0, 1, 2, 3]))
  assert.deepEqual(await take(source, 2), [0, 1])
  await partition.pause()
  assert.equal(partition.acknowledged(), 0)
  partition.resume()
  assert.equal(source.handKept(), true)
  assert.equal(partition.holds, true)
  const rested = partition.pause()
  source.releaseKept()
  await rested
  assert.equal(partition.acknowledged(), 2)
  partition.resume()
  ends[0].resolve()
  await partition.close()
})

test('kept events are acknowledged in any order; the first that is not holds the offset', async () => {
  const { partition, source, ends } = await sourcesOf()
  void partition.push(batchOf([0, 1, 2, 3]))
  await take(source, 4)
  assert.deepEqual([source.ack(1), source.ack(1), source.ack(9)], [true, false, false])
  assert.equal(partition.acknowledged(), 0)
  source.ack(0)
  assert.equal(partition.acknowledged(), 2)
  source.ack(3)
  source.handKept(2)
  source.releaseKept()
  assert.equal(partition.acknowledged(), 4)
  ends[0].resolve()
  await partition.close()
})

test('what was kept and not handed comes again, read anew, in order with the rest', async () => {
  const { partition, source, ends } = await sourcesOf()
  void partition.push(
    new Uint8Array([...batchOf([{ n: 0 }, { n: 1 }]), ...batchOf([{ n: 2 }, { n: 3 }], 2)]),
  )
  const first = await source.takeKept()
  const before = (first.value as Event<string, unknown>).value as { n: number }
  before.n = -1
  await take(source, 2)
  source.handKept(1)
  source.giveBackKept()
  assert.equal(partition.acknowledged(), 0)
  source.releaseKept()
  const again: unknown[] = []
  for (let i = 0; i < 3; i++) again.push((await source.takeKept()).value)
  assert.deepEqual(
    again.map((each) => (each as Event<string, unknown>).value),
    [{ n: 0 }, { n: 2 }, { n: 3 }],
  )
  assert.deepEqual((again[0] as Event<string, unknown>).headers, [
    { key: 'h', value: new Uint8Array([120]) },
  ])
  ends[0].resolve()
  await partition.close()
})

test('who has given back does not wait any more, and somebody else gets what comes', async () => {
  const { partition, sources, ends } = await sourcesOf(2)
  const waiting = sources[0].takeKept()
  sources[0].giveBackKept()
  assert.equal((await waiting).done, true)
  const other = sources[1].takeEvent()
  void partition.push(batchOf([7]))
  assert.equal((await other).value?.value, 7)
  for (const { resolve } of ends) resolve()
  await partition.close()
})

test('events by hand are in hand at once, and the next question leaves them unacknowledged', async () => {
  const { partition, source, ends } = await sourcesOf(1, 2)
  void partition.push(batchOf([0, 1, 2, 3]))
  await source.takeByHand()
  assert.equal(partition.holds, true)
  await source.takeByHand()
  const third = source.takeByHand()
  await settle()
  assert.equal(partition.holds, false)
  let isThere = false
  void third.then(() => {
    isThere = true
  })
  await settle()
  assert.deepEqual([isThere, partition.acknowledged()], [false, 0])
  source.ack(1)
  await settle()
  assert.deepEqual([isThere, partition.acknowledged()], [true, 0])
  source.ack(0)
  assert.equal(partition.acknowledged(), 2)
  ends[0].resolve()
  await partition.close()
  assert.equal(partition.acknowledged(), 2)
})

test('of a function that ends, what is by hand is not acknowledged, and goes to the others', async () => {
  const { partition, sources, ends } = await sourcesOf(2)
  void partition.push(batchOf([0, 1, 2]))
  await sources[0].takeByHand()
  await take(sources[0], 1)
  sources[0].handKept(1)
  ends[0].resolve()
  await settle()
  assert.equal(partition.acknowledged(), 0)
  assert.deepEqual(await take(sources[1], 2), [0, 2])
  assert.equal(sources[0].ack(0), false)
  assert.equal(sources[0].handKept(), false)
  ends[1].resolve()
  await partition.close()
})

test('of a partition that has gone nothing is acknowledged later', async () => {
  const { partition, source, ends, stopped } = await sourcesOf()
  void partition.push(batchOf([0, 1]))
  await source.takeByHand()
  const closed = partition.close()
  assert.equal(source.handKept(), false)
  ends[0].resolve()
  await closed
  assert.equal(source.ack(0), false)
  assert.equal(partition.acknowledged(), 0)
  assert.deepEqual(stopped, [])
})

test('partitions that have much are served in turn', async () => {
  const got: number[] = []
  const partitions = [5, 4, 2, 3, 2].map((length, index) => {
    const { partition } = agentOf<number>(async (stream) => {
      for await (const value of stream) got.push(value)
    })
    const from = [0, 5, 9, 11, 14][index]
    void partition.push(batchOf(Array.from({ length }, (_, i) => from + i)))
    return partition
  })
  await settle()
  assert.deepEqual(got, [0, 5, 9, 11, 14, 1, 6, 10, 12, 15, 2, 7, 13, 3, 8, 4])
  for (const partition of partitions) await partition.close()
})
