// Fetch sessions against a model of what a broker keeps of them (KIP-227).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FetchSession } from '../../src/log/kafka/fetch_session.ts'
import { FetchSlot } from '../../src/log/kafka/fetch_slot.ts'
import type { FetchBody } from '../../src/wire/requests/fetch.ts'

const limits = {
  maxWaitMs: 10,
  maxBytes: 1000,
  partitionMaxBytes: 100,
  isolationLevel: 1,
  rackId: '',
}

/** Keeps at most one session, as a broker would. */
class ModelBroker {
  #known = new Map<string, number>()
  #epoch = 0
  readonly #id: number
  constructor(id: number) {
    this.#id = id
  }

  /** The offsets that it would fetch from, by partition; undefined where it refuses. */
  ask(body: FetchBody): { readonly id: number; readonly offsets: Map<string, number> } | undefined {
    const isNew = body.sessionEpoch === 0 || body.sessionEpoch === -1
    if (isNew) this.#known = new Map()
    else if (body.sessionId !== this.#id || body.sessionEpoch !== this.#epoch) return undefined
    for (const { topic, partitions } of body.forgottenTopics)
      for (const partition of partitions) assert.ok(this.#known.delete(`${topic} ${partition}`))
    for (const { topic, partitions } of body.topics)
      for (const { partition, fetchOffset } of partitions)
        this.#known.set(`${topic} ${partition}`, fetchOffset)
    this.#epoch = body.sessionEpoch + 1
    return { id: body.sessionEpoch === -1 ? 0 : this.#id, offsets: new Map(this.#known) }
  }
}

const round = fc.record({
  wanted: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
  moved: fc.array(fc.nat({ max: 29 }), { maxLength: 8 }),
  trouble: fc.constantFrom('none', 'none', 'none', 'broker-forgets', 'connection-lost'),
})

test('the broker fetches what is wanted, and nothing else, whatever happened before', () => {
  fc.assert(
    fc.property(
      fc.array(round, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(0, 7),
      (rounds, id) => {
        const slots = Array.from({ length: 30 }, (_, i) => new FetchSlot(`t${i % 4}`, i >> 2, 0))
        const session = new FetchSession()
        let broker = new ModelBroker(id)
        for (const { wanted, moved, trouble } of rounds) {
          for (const index of moved) slots[index].position!++
          if (trouble === 'broker-forgets') broker = new ModelBroker(id)
          if (trouble === 'connection-lost') session.reset()
          const asked = slots.filter((_, index) => wanted[index])
          let answer = broker.ask(session.body(asked, limits))
          if (answer === undefined) {
            session.answered(71, 0)
            answer = broker.ask(session.body(asked, limits))
            assert.ok(answer, 'a new session is always taken')
          }
          session.answered(0, answer.id)
          const expected = asked.map((slot) => [`${slot.topic} ${slot.partition}`, slot.position!])
          assert.deepEqual([...answer.offsets].sort(), expected.sort())
        }
      },
    ),
  )
})

test('few partitions need no session, and many are told once', () => {
  const slots = Array.from({ length: 20 }, (_, i) => new FetchSlot('t', i, 5))
  const few = new FetchSession().body(slots.slice(0, 4), limits)
  assert.deepEqual([few.sessionId, few.sessionEpoch], [0, -1])
  const session = new FetchSession()
  const first = session.body(slots, limits)
  assert.deepEqual([first.sessionId, first.sessionEpoch], [0, 0])
  assert.equal(first.topics[0].partitions.length, 20)
  session.answered(0, 9)
  slots[3].position = 6
  const second = session.body(slots, limits)
  assert.deepEqual([second.sessionId, second.sessionEpoch], [9, 1])
  assert.deepEqual(
    second.topics.flatMap(({ partitions }) => partitions.map(({ partition }) => partition)),
    [3],
  )
})

test('a session that went on without us is named when the next one begins, so that it ends', () => {
  const slots = Array.from({ length: 20 }, (_, i) => new FetchSlot('t', i, 5))
  const session = new FetchSession()
  session.body(slots, limits)
  session.answered(0, 9)
  session.reset()
  const again = session.body(slots, limits)
  assert.deepEqual([again.sessionId, again.sessionEpoch], [9, 0])
  assert.equal(again.topics[0].partitions.length, 20)
  session.answered(0, 10)
  session.reset()
  const few = session.body(slots.slice(0, 2), limits)
  assert.deepEqual([few.sessionId, few.sessionEpoch], [10, -1])
  session.answered(0, 0)
  const next = session.body(slots.slice(0, 2), limits)
  assert.deepEqual([next.sessionId, next.sessionEpoch], [0, -1])
})
