// Every operator against what it does to an array, over random events with random delays; and what
// is acknowledged meanwhile: each event once, in order, and only when its outcome was consumed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/clock.ts'
import type { EventStream } from '../../../src/stream/event_stream.ts'
import type { Event } from '../../../src/stream/events.ts'
import { FakeStream, pass } from '../../support/fake_stream.ts'

type Outcome = Event<string, unknown>
/** How long something takes. */
type Wait = () => Promise<void> | undefined

interface Operator {
  /** Lists of events, as the loop gets them at once. */
  readonly apply: (stream: EventStream<string, number>, wait: Wait) => AsyncIterable<Outcome[]>
  /** What is left out in front of a list is acknowledged before the list is. */
  readonly isUnordered?: boolean
  readonly model: (events: readonly Event<string, number>[]) => Outcome[][]
}

const one = (event: Outcome): Outcome[] => [event]
const isEven = (n: number): boolean => n % 2 === 0
const copies = (n: number): number[] => Array.from({ length: n % 4 }, (_, index) => n * 10 + index)

async function* ones(stream: EventStream<string, unknown>): AsyncGenerator<Outcome[]> {
  for await (const event of stream.events()) yield [event]
}

const operators: Record<string, Operator> = {
  events: { apply: (stream) => ones(stream), model: (events) => events.map(one) },
  filter: {
    apply: (stream, wait) =>
      ones(
        stream.filter((n) => {
          const waiting = wait()
          return waiting === undefined ? isEven(n) : waiting.then(() => isEven(n))
        }),
      ),
    model: (events) => events.filter(({ value }) => isEven(value)).map(one),
  },
  map: {
    apply: (stream, wait) =>
      ones(
        stream.map(async (n) => {
          await wait()
          return n + 1
        }),
      ),
    model: (events) => events.map((event) => [{ ...event, value: event.value + 1 }]),
  },
  flatMap: {
    apply: (stream, wait) =>
      ones(
        stream.flatMap(async function* (n) {
          for (const copy of copies(n)) {
            await wait()
            yield copy
          }
        }),
      ),
    model: (events) =>
      events.flatMap((event) => copies(event.value).map((value) => [{ ...event, value }])),
  },
  peek: {
    apply: (stream, wait) => ones(stream.peek(() => wait())),
    model: (events) => events.map(one),
  },
  echo: {
    apply: (stream, wait) => ones(stream.echo(() => wait(), { send: async () => wait() })),
    model: (events) => events.map(one),
  },
  buffer: {
    apply: (stream) => ones(stream.buffer(4)),
    model: (events) => events.map(one),
  },
  take: {
    apply: (stream) => stream.takeEvents(4),
    model: (events) => inLists(events, 4),
  },
  'a merge of one': {
    apply: (stream) => ones(stream.merge()),
    model: (events) => events.map(one),
  },
  'filter, map, flatMap': {
    apply: (stream) =>
      ones(
        stream
          .filter(isEven)
          .map((n) => n + 1)
          .flatMap(copies),
      ),
    model: manyCopies,
  },
  'filter, flatMap, buffer, map, take': {
    apply: (stream, wait) =>
      stream
        .filter(isEven)
        .map((n) => n + 1)
        .flatMap(copies)
        .buffer(3)
        .peek(() => wait())
        .takeEvents(5),
    isUnordered: true,
    model: (events) => inLists(manyCopies(events).flat(), 5),
  },
  'a branch': {
    apply: (stream) => {
      const [even] = stream.branch(isEven)
      return ones(even)
    },
    model: (events) => events.filter(({ value }) => isEven(value)).map(one),
  },
}

function manyCopies(events: readonly Event<string, number>[]): Outcome[][] {
  return events
    .filter(({ value }) => isEven(value))
    .flatMap((event) => copies(event.value + 1).map((value) => [{ ...event, value }]))
}

function inLists<T>(all: readonly T[], size: number): T[][] {
  const lists = Math.ceil(all.length / size)
  return Array.from({ length: lists }, (_, list) => all.slice(list * size, (list + 1) * size))
}

interface Run {
  readonly values: readonly number[]
  readonly seed: number
  /** Times that the loop is left and begun again. */
  readonly breaks: number
}

const runs = fc.record({
  values: fc.array(fc.nat(20), { maxLength: 30 }),
  seed: fc.integer(),
  breaks: fc.nat(3),
})

/** Loops until the stream ends, and checks before each step what is acknowledged. */
async function drive(operator: Operator, { values, seed, breaks }: Run): Promise<void> {
  const random = seededRandom(seed)
  const turns = (): number => (random() < 0.5 ? 0 : Math.floor(random() * 6))
  const wait: Wait = () => (random() < 0.5 ? undefined : pass(turns()))
  const stream = new FakeStream(values, { turns })
  const isWhole = random() < 0.5
  let left = isWhole ? 0 : breaks
  const got: Outcome[][] = []
  for (let hasEnded = false; !hasEnded; ) {
    hasEnded = true
    for await (const list of operator.apply(stream, wait)) {
      got.push(list)
      for (const { offset } of list) {
        assert.ok(!stream.acknowledged.includes(offset), `${offset} is acknowledged too early`)
        assert.ok(stream.inHand.has(offset), `${offset} is not in hand`)
      }
      await wait()
      if (left > 0 && random() < 0.3) {
        left--
        hasEnded = false
        break
      }
    }
    const last = got.at(-1)?.at(-1)?.offset
    if (hasEnded) continue
    assert.ok(!stream.acknowledged.includes(last!), 'what was left with was acknowledged')
    assert.deepEqual([...stream.kept], [])
  }
  const offsets = values.map((_, offset) => offset)
  const { acknowledged } = stream
  if (operator.isUnordered) acknowledged.sort((a, b) => a - b)
  assert.deepEqual(acknowledged, offsets)
  const events = await collect(new FakeStream(values).events())
  if (isWhole || breaks === 0) assert.deepEqual(got, operator.model(events))
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const value of values) collected.push(value)
  return collected
}

for (const [name, operator] of Object.entries(operators)) {
  test(`${name}: as of an array, each event acknowledged once and after its outcome`, async () => {
    await fc.assert(
      fc.asyncProperty(runs, (run) => drive(operator, run)),
      { numRuns: 150 },
    )
  })
}
