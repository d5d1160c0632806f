// Events that are ready and taken without asking the partition: what cuts, pauses, ends and failures
// make of a run in the middle is what they make of events that are asked for one by one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../src/clock.ts'
import type { Event } from '../../src/stream/events.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { Turns } from '../../src/stream/turns.ts'
import { recordAgent } from '../support/batch_agents.ts'
import { batchOf } from '../support/batches.ts'
import { pageViewSchema } from '../support/documents.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'
import { below, pick } from '../support/random_json.ts'

const EVENTS = 1000

const payload = batchOf(
  Array.from({ length: EVENTS }, (_, offset) => ({
    offset,
    key: Buffer.from('k'),
    value: Buffer.from(JSON.stringify({ user: 'u', url: '/a', ms: 1, ts: offset })),
    timestamp: 5000 + offset,
  })),
)

/** Functions that stop at some of their events until the test lets them go on. */
class Loops {
  readonly begun: number[] = []
  readonly inHand = new Map<number, () => void>()
  isHeld = true
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  readonly run = async (stream: Stream<string, unknown>): Promise<void> => {
    const events = pick(this.#random, [offsets(stream), stream.events()] as const)
    for await (const { offset } of events) {
      this.begun.push(offset)
      if (!this.isHeld || this.#random() < 0.98) continue
      await new Promise<void>((resolve) => this.inHand.set(offset, resolve))
      this.inHand.delete(offset)
    }
  }

  /** One of them goes on. */
  async goOn(): Promise<void> {
    const [one] = this.inHand.values()
    one?.()
    await settle()
  }
}

/** The values of a stream, which have their offsets as their times. */
function offsets(stream: Stream<string, unknown>): AsyncIterable<{ offset: number }> {
  const values = stream[Symbol.asyncIterator]()
  const next = async () => {
    const { done, value } = await values.next()
    return { done: done ?? false, value: { offset: done ? -1 : (value as { ts: number }).ts } }
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

test('in the middle of runs what is in hand is not acknowledged, what is paused not handed out', async () => {
  const property = fc.asyncProperty(fc.integer(), async (seed) => {
    const random = seededRandom(seed)
    const loops = new Loops(random)
    const concurrency = 1 + below(random, 3)
    const { partition } = recordAgent('extracted', pageViewSchema, loops.run, { concurrency })
    const pushed = partition.push(payload.slice())
    await settle()
    for (let left = 5 + below(random, 30); left > 0; left--) {
      const isPaused = random() < 0.3
      const before = loops.begun.length
      let rests = false
      if (isPaused) void partition.pause().then(() => (rests = true))
      for (let n = below(random, 4); n > 0; n--) await loops.goOn()
      await settle()
      if (isPaused) assert.equal(loops.begun.length, before)
      if (isPaused) assert.equal(rests, loops.inHand.size === 0)
      assert.equal(partition.holds, loops.inHand.size > 0)
      const first = Math.min(loops.begun.length, ...loops.inHand.keys())
      assert.equal(partition.acknowledged(), first)
      if (loops.inHand.size === 1 && concurrency === 1) {
        const { timestamp, value } = partition.inHand!
        const [ts] = loops.inHand.keys()
        assert.deepEqual([timestamp, value], [5000 + ts, { user: 'u', url: '/a', ms: 1, ts }])
      }
      partition.resume()
      await settle()
    }
    loops.isHeld = false
    const isClosed = random() < 0.5
    if (!isClosed) while (loops.begun.length < EVENTS) await loops.goOn()
    const closed = partition.close()
    while (loops.inHand.size > 0) await loops.goOn()
    await Promise.all([closed, pushed])
    assert.equal(partition.acknowledged(), loops.begun.length)
    const inOrder = loops.begun.toSorted((a, b) => a - b)
    assert.deepEqual(inOrder, [...inOrder.keys()])
  })
  await fc.assert(property, { numRuns: 60, includeErrorInReport: true, endOnFailure: true })
})

test('one that throws in the middle of a run spoils its own event, and those before it count', async () => {
  const { partition, stopped } = recordAgent('extracted', pageViewSchema, async (stream) => {
    for await (const { offset } of stream.events()) if (offset === 300) throw new Error('no')
  })
  void partition.push(payload.slice())
  while (!partition.stopped) await settle()
  assert.deepEqual(
    stopped.map(({ place }) => place.offset),
    [300],
  )
  assert.equal(partition.spoiled?.offset, 300)
  assert.equal(partition.acknowledged(), 300)
  await partition.close()
})

test('asking again before the answer is refused, and what was ready comes in order', async () => {
  const seen: number[] = []
  const { partition } = recordAgent('extracted', pageViewSchema, async (stream) => {
    const iterator = stream.events()
    const first = iterator.next()
    await assert.rejects(iterator.next(), /called again before it had answered/)
    const take = ({ value }: IteratorResult<Event<string, unknown>>) => seen.push(value.offset)
    take(await first)
    // ready ones are answered at once, so that several may be asked for
    for (const each of [iterator.next(), iterator.next()]) take(await each)
    for await (const { offset } of iterator) seen.push(offset)
  })
  await partition.push(payload.slice())
  while (seen.length < EVENTS) await settle()
  assert.deepEqual(seen, [...seen.keys()])
  await partition.close()
})

test('agents that never wait share the turns of the event loop: none has one of its own', async () => {
  const clock = new ManualClock()
  const turns = Turns.of(clock)
  assert.equal(Turns.of(clock), turns)
  assert.notEqual(Turns.of(new ManualClock()), turns)
  assert.equal(turns.isDue(true), false)
  await clock.advance(5)
  assert.equal(turns.isDue(false), false)
  turns.count(64)
  assert.equal(turns.isDue(false), true)
  const told: string[] = []
  for (const name of ['a', 'b', 'c']) turns.next(() => told.push(name))
  await Promise.resolve()
  assert.deepEqual(told, [])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(told, ['a', 'b', 'c'])
  assert.equal(turns.isDue(true), false)
})
