// Operators that join, split or end streams, over random events with random delays: what arrives
// where, how much is taken ahead, and what is acknowledged.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Random, seededRandom } from '../../../src/clock.ts'
import { streamOf } from '../../../src/stream/iterable_stream.ts'
import { FakeStream, pass } from '../../support/fake_stream.ts'
import { settle } from '../../support/manual_clock.ts'

const values = fc.array(fc.nat(20), { maxLength: 25 })
const seed = fc.integer()

function delays(random: Random) {
  const turns = (): number => (random() < 0.4 ? 0 : Math.floor(random() * 7))
  return { turns, wait: () => pass(turns()) }
}

const offsetsOf = (all: readonly unknown[]): number[] => all.map((_, offset) => offset)
const ascending = (a: number, b: number): number => a - b

async function collect<T>(all: AsyncIterable<T>, wait = async (): Promise<void> => undefined) {
  const collected: T[] = []
  for await (const each of all) {
    collected.push(each)
    await wait()
  }
  return collected
}

test('merge: all of each stream in its order, and an event of each at most beside the one in hand', async () => {
  const property = fc.asyncProperty(
    fc.array(values, { minLength: 1, maxLength: 4 }),
    seed,
    async (all, from) => {
      const { turns, wait } = delays(seededRandom(from))
      const streams = all.map((each, index) => {
        return new FakeStream(
          each.map((value) => ({ index, value })),
          { turns },
        )
      })
      const [first, ...others] = streams
      const got = await collect(first.merge(...others), wait)
      for (const [index, stream] of streams.entries()) {
        const own = got.filter((each) => each.index === index)
        assert.deepEqual(
          own.map(({ value }) => value),
          all[index],
        )
        assert.deepEqual(stream.acknowledged, offsetsOf(all[index]))
        assert.ok(stream.outstandingMax <= 2)
      }
    },
  )
  await fc.assert(property, { numRuns: 100 })
})

test('merge: a stream that always has events does not keep another waiting', async () => {
  const [busy, other] = [new FakeStream(Array(50).fill('busy')), new FakeStream(['a', 'b', 'c'])]
  const got = await collect(busy.merge(other))
  assert.deepEqual(got.slice(0, 6), ['busy', 'a', 'busy', 'b', 'busy', 'c'])
})

test('merge: the error of one ends all, and what they had comes again', async () => {
  const [good, bad] = [new FakeStream([1, 2, 3]), new FakeStream([4, 5])]
  const merged = good.merge(
    bad.map((n) => {
      if (n === 5) throw new Error('five')
      return n
    }),
  )
  const got: number[] = []
  await assert.rejects(async () => {
    for await (const value of merged) got.push(value)
  }, /five/)
  assert.deepEqual([...bad.inHand], [1])
  const rest = [...(await collect(good)), ...(await collect(bad))]
  assert.deepEqual([...got, ...rest].sort(ascending), [1, 2, 3, 4])
})

test('branch: the first predicate that says yes has the event, and nobody the others', async () => {
  const property = fc.asyncProperty(values, seed, async (all, from) => {
    const { turns, wait } = delays(seededRandom(from))
    const stream = new FakeStream(all, { turns })
    const predicates = [
      (n: number) => n % 3 === 0,
      async (n: number) => {
        await wait()
        return n % 2 === 0
      },
    ]
    const [threes, evens] = stream.branch(...predicates)
    const got = await Promise.all([collect(threes, wait), collect(evens.buffer(2), wait)])
    assert.deepEqual(got, [
      all.filter((n) => n % 3 === 0),
      all.filter((n) => n % 3 !== 0 && n % 2 === 0),
    ])
    assert.deepEqual(stream.acknowledged.sort(ascending), offsetsOf(all))
  })
  await fc.assert(property, { numRuns: 100 })
})

test('branch: one that nobody reads holds the others back at its bound', async () => {
  const stream = new FakeStream(Array.from({ length: 500 }, (_, n) => n))
  const [few, many] = stream.branch(
    (n) => n % 100 === 99,
    () => true,
  )
  const loop = few[Symbol.asyncIterator]()
  assert.deepEqual(await loop.next(), { done: false, value: 99 })
  const second = loop.next()
  await settle()
  assert.equal(stream.outstandingMax, 101)
  const others = many[Symbol.asyncIterator]()
  for (let n = 0; n < 99; n++) assert.deepEqual(await others.next(), { done: false, value: n })
  assert.deepEqual(await second, { done: false, value: 199 })
})

test('branch: leaving one loop ends the others, and what they had not got comes again', async () => {
  const stream = new FakeStream([0, 1, 2, 3, 4, 5])
  const [even, odd] = stream.branch(
    (n) => n % 2 === 0,
    (n) => n % 2 === 1,
  )
  for await (const value of even) if (value === 4) break
  assert.deepEqual(await collect(odd), [])
  assert.throws(() => odd[Symbol.asyncIterator](), { code: 'APP_INVALID' })
  assert.deepEqual(await collect(stream), [1, 3, 5])
})

test('to: resolves when all is stored, and acknowledges what is', async () => {
  const property = fc.asyncProperty(values, seed, async (all, from) => {
    const random = seededRandom(from)
    const { turns, wait } = delays(random)
    const stream = new FakeStream(all, { turns })
    const sent: number[] = []
    const stored = new Set<number>()
    const send = async ({ key, value }: { key: string; value: number }): Promise<void> => {
      sent.push(value)
      await wait()
      for (const offset of stream.acknowledged) assert.ok(stored.has(offset))
      stored.add(Number(key.slice(1)))
    }
    const target = { send }
    await (random() < 0.5 ? stream.to(target) : stream.to((value, { key }) => send({ key, value })))
    assert.deepEqual(sent, all)
    assert.deepEqual(stream.acknowledged.sort(ascending), offsetsOf(all))
  })
  await fc.assert(property, { numRuns: 100 })
})

test('to: a function has one event at a time, a topic as many as are on their way', async () => {
  const stream = new FakeStream([1, 2, 3])
  let running = 0
  await stream.to(async () => {
    running++
    await pass(4)
    assert.equal(running--, 1)
  })
  const many = new FakeStream(Array(1500).fill(0))
  const ends: (() => void)[] = []
  const sending = many.to({ send: () => new Promise<void>((resolve) => ends.push(resolve)) })
  await settle()
  assert.equal(many.outstandingMax, 1000)
  for (let sent = 0; sent < 1500; sent++) {
    if (ends.length === sent) await settle()
    ends[sent]()
  }
  await sending
  assert.equal(many.acknowledged.length, 1500)
})

test('to: rejects with what sending rejects with, which stays unacknowledged', async () => {
  const stream = new FakeStream([0, 1, 2])
  const send = async ({ value }: { value: number }): Promise<void> => {
    if (value === 1) throw new Error('refused')
  }
  await assert.rejects(stream.to({ send }), /refused/)
  assert.deepEqual(stream.acknowledged, [0, 2])
  assert.deepEqual([...stream.inHand], [1])
})

test('buffer: as many as the bound are taken ahead, and no more', async () => {
  for (const max of [1, 5]) {
    const stream = new FakeStream([1, 2, 3, 4, 5, 6, 7, 8, 9])
    const loop = stream.buffer(max)[Symbol.asyncIterator]()
    await loop.next()
    await settle()
    assert.equal(stream.outstandingMax, max + 1)
  }
})

test('bounds of operators are checked where they are declared', () => {
  const stream = streamOf([1])
  const wrong = [
    () => stream.take(0),
    () => stream.take(1.5),
    () => stream.take(2e6),
    () => stream.take(1, { within: 0 }),
    () => stream.take(1, { within: 'soon' as '1s' }),
    () => stream.buffer(0),
    () => stream.buffer(1e9),
  ]
  for (const each of wrong) assert.throws(each, { code: 'APP_INVALID' })
})

test('what a function of an operator throws at is in hand then, and nothing else', async () => {
  const fail = (n: number): number => {
    if (n === 3) throw new Error('three')
    return n
  }
  const ways: ((stream: FakeStream<number>) => Promise<unknown>)[] = [
    (stream) => collect(stream.map(fail)),
    (stream) => collect(stream.map(fail).take(10)),
    (stream) => collect(stream.filter((n) => fail(n) >= 0).buffer(2)),
    (stream) => collect(stream.peek(fail).merge()),
    (stream) => collect(stream.flatMap(async (n) => [fail(n)]).take(2)),
    (stream) => collect(stream.branch((n) => fail(n) >= 0)[0]),
    (stream) => stream.map(fail).to(() => settle()),
  ]
  for (const way of ways) {
    const stream = new FakeStream([1, 2, 3, 4, 5])
    await assert.rejects(way(stream), /three/)
    assert.deepEqual([...stream.inHand], [2])
    const rest = await collect(stream)
    assert.deepEqual(rest.slice(-2), [4, 5])
    assert.ok(!rest.includes(3))
  }
})
