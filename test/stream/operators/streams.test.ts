// What users of Faust rely on of streams, each behaviour with its inputs and outputs, and those of
// chains as a whole.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventStream } from '../../../src/stream/event_stream.ts'
import { streamOf } from '../../../src/stream/iterable_stream.ts'
import { FakeStream } from '../../support/fake_stream.ts'
import { ManualClock, settle } from '../../support/manual_clock.ts'

type Numbers = EventStream<unknown, number>

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const each of all) collected.push(each)
  return collected
}

const upTo = (end: number, from = 0): number[] =>
  Array.from({ length: end - from }, (_, index) => from + index)

interface Row {
  readonly name: string
  readonly given: readonly number[]
  readonly stream: (stream: Numbers) => AsyncIterable<unknown>
  readonly gives: readonly unknown[]
}

const rows: readonly Row[] = [
  {
    name: 'filter gives what passes',
    given: [1000, 3000, 99, 5000, 3, 9999],
    stream: (stream) => stream.filter((n) => n > 1000),
    gives: [3000, 5000, 9999],
  },
  {
    name: 'stages work in the order in which they were added',
    given: [1, 2, 3],
    stream: (stream) => stream.map((n) => n + 1).map(async (n) => n * 10),
    gives: [20, 30, 40],
  },
  {
    name: 'enumerate counts from its start',
    given: [7, 8],
    stream: (stream) => stream.enumerate(5),
    gives: [
      [5, 7],
      [6, 8],
    ],
  },
  {
    name: 'items are pairs of key and value',
    given: [7, 8],
    stream: (stream) => stream.items(),
    gives: [
      ['k0', 7],
      ['k1', 8],
    ],
  },
  {
    name: 'takeWithTimestamp leaves what is no object as it is',
    given: [1, 2, 3],
    stream: (stream) => stream.takeWithTimestamp(2, { field: 'ts' }),
    gives: [[1, 2], [3]],
  },
  {
    name: 'takeWithTimestamp adds the time of the event to objects',
    given: [1, 2],
    stream: (stream) => stream.map((n) => ({ n, ts: 0 })).takeWithTimestamp(2, { field: 'ts' }),
    gives: [
      [
        { n: 1, ts: 1000 },
        { n: 2, ts: 1001 },
      ],
    ],
  },
]

for (const { name, given, stream, gives } of rows) {
  test(name, async () => {
    const source = new FakeStream(given)
    assert.deepEqual(await collect(stream(source)), gives)
    assert.deepEqual(source.acknowledged, upTo(given.length))
  })
}

test('take: 25 events in lists of 10, the last after its time; each list acknowledged later', async () => {
  const clock = new ManualClock()
  const source = new FakeStream(upTo(25), { clock, isOpen: true })
  const lists: number[][] = []
  const acknowledged: number[] = []
  const reading = (async () => {
    for await (const list of source.take(10, { within: '300ms' })) {
      lists.push(list)
      acknowledged.push(source.acknowledged.length)
    }
  })()
  await settle()
  await clock.advance(299)
  assert.deepEqual(lists, [upTo(10), upTo(20, 10)])
  await clock.advance(1)
  assert.deepEqual(lists, [upTo(10), upTo(20, 10), upTo(25, 20)])
  assert.deepEqual(acknowledged, [0, 10, 20])
  await settle()
  await clock.advance(3000)
  assert.equal(lists.length, 3)
  assert.equal(source.acknowledged.length, 25)
  source.push(25)
  await settle()
  assert.equal(lists.length, 3)
  await clock.advance(300)
  assert.deepEqual(lists[3], [25])
  source.finish()
  await reading
  assert.equal(clock.alarms, 0)
})

test('behind a loop of lists, events are acknowledged one by one again', async () => {
  const source = new FakeStream(upTo(5))
  for await (const list of source.take(3)) {
    assert.deepEqual(list, [0, 1, 2])
    break
  }
  const acknowledged: number[] = []
  for await (const _ of source) acknowledged.push(source.acknowledged.length)
  assert.deepEqual(acknowledged, [3, 4])
  assert.equal(source.acknowledged.length, 5)
})

test('echo: both targets have the value before the loop has', async () => {
  const sent: unknown[] = []
  const slow = { send: async (message: unknown) => settle().then(() => sent.push(message)) }
  const quick = (value: number) => sent.push(value)
  const source = new FakeStream([1])
  for await (const value of source.echo(slow, quick)) {
    assert.equal(value, 1)
    assert.deepEqual(sent, [1, { key: 'k0', value: 1, timestamp: 1000, headers: [] }])
  }
})

test('echo: what one target rejects with is thrown when the other is done', async () => {
  const source = new FakeStream([1, 2])
  let other = 0
  const failing = source.echo(
    () => Promise.reject(new Error('full')),
    async () => {
      await settle()
      other++
    },
  )
  await assert.rejects(collect(failing), /full/)
  assert.equal(other, 1)
  assert.deepEqual(source.acknowledged, [])
})

/** A chain of ten operators. */
function chain(stream: Numbers): Numbers {
  let derived = stream
  for (let stage = 0; stage < 10; stage++) derived = derived.map((n) => n + 1)
  return derived
}

test('throw: what was thrown into a stream is raised in its loop, also where it waits', async () => {
  for (const end of [chain, (stream: Numbers) => stream.buffer(2), (stream: Numbers) => stream]) {
    const source = new FakeStream<number>([1], { isOpen: true })
    const derived = end(source)
    const got: number[] = []
    const reading = (async () => {
      for await (const value of derived) got.push(value)
    })()
    await settle()
    derived.throw(new Error('thrown'))
    await assert.rejects(reading, /thrown/)
    assert.equal(got.length, 1)
    source.push(2)
    source.finish()
    assert.deepEqual(await collect(source), [2])
  }
})

test('stop: the whole chain ends, from wherever it is called', async () => {
  for (const stop of [(source: Numbers) => source, (_: Numbers, derived: Numbers) => derived]) {
    const source = new FakeStream<number>([1], { isOpen: true })
    const derived = chain(source)
    const lists = collect(derived.take(5, { within: '1h' }))
    await settle()
    stop(source, derived).stop()
    assert.deepEqual(await lists, [[11]])
    source.push(2)
    assert.deepEqual(await collect(source), [])
  }
})

test('a stream over an async generator ends with it, and ends it when the loop is left', async () => {
  const ends: string[] = []
  async function* numbers() {
    try {
      for (const n of [1, 2, 3]) yield n
    } finally {
      ends.push('ended')
    }
  }
  assert.deepEqual(await collect(streamOf(numbers()).filter((n) => n > 1)), [2, 3])
  for await (const _ of streamOf(numbers())) break
  await settle()
  assert.deepEqual(ends, ['ended', 'ended'])
})

test('a stream over an array begins anew with each loop; its events have keys and numbers', async () => {
  const clock = new ManualClock(50)
  const stream = streamOf(['a', 'b'], { key: (value) => value + value, topic: 'letters', clock })
  assert.deepEqual(await collect(stream), ['a', 'b'])
  const place = { topic: 'letters', partition: -1, timestamp: 50, headers: [] }
  assert.deepEqual(await collect(stream.events()), [
    { key: 'aa', value: 'a', offset: 0, ...place },
    { key: 'bb', value: 'b', offset: 1, ...place },
  ])
})

test('stop and throw reach loops over iterables that wait', async () => {
  const never = new Promise<never>(() => undefined)
  async function* silent() {
    yield 1
    await never
  }
  const stopped = streamOf(silent())
  const reading = collect(stopped)
  await settle()
  stopped.stop()
  assert.deepEqual(await reading, [1])
  const thrown = streamOf(silent())
  const failing = collect(thrown)
  await settle()
  thrown.throw(new Error('enough'))
  await assert.rejects(failing, /enough/)
})

test('forward: an event that is no record of a log is an error that says so', async () => {
  const topic = { sendBytes: async () => undefined }
  await assert.rejects(collect(streamOf([1]).forward(topic)), { code: 'APP_INVALID' })
})

test('a loop asks for one event at a time', async () => {
  const loop = new FakeStream<number>([], { isOpen: true }).map((n) => n)[Symbol.asyncIterator]()
  void loop.next()
  await assert.rejects(loop.next(), { code: 'APP_INVALID' })
})
