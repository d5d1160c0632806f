// Fetch answers read as they arrive, whatever the pieces are, against the object decoder.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  FetchAnswer,
  type FetchAnswerHandler,
  type PartitionHead,
  type RecordPlace,
} from '../../src/log/kafka/fetch_answer.ts'
import { Decoder } from '../../src/wire/decoder.ts'
import { Encoder } from '../../src/wire/encoder.ts'
import { fetchRequest } from '../../src/wire/requests/fetch.ts'
import { rejectsWith } from '../support/log.ts'

interface Partition {
  readonly errorCode: number
  readonly records: Uint8Array | null
  readonly aborted: readonly (readonly [producerId: number, firstOffset: number])[] | null
}

/** The body of an answer in the version; topics t0, t1 … with partitions 0, 1 … */
function answerOf(version: number, topics: readonly (readonly Partition[])[]): Buffer {
  const to = new Encoder()
  to.flexible = version >= fetchRequest.flexibleFrom
  to.int32(0)
  to.int16(0)
  to.int32(77)
  to.arrayLength(topics.length)
  topics.forEach((partitions, number) => {
    to.string(`t${number}`)
    to.arrayLength(partitions.length)
    partitions.forEach((partition, index) => {
      to.int32(index)
      to.int16(partition.errorCode)
      to.int64(1000 + index)
      to.int64(900 + index)
      to.int64(5)
      to.array(partition.aborted, ([producerId, firstOffset]) => {
        to.int64(producerId)
        to.int64(firstOffset)
        to.end()
      })
      to.int32(index === 3 ? 2 : -1)
      to.bytes(partition.records)
      to.end()
    })
    to.end()
  })
  to.end()
  return to.finish()
}

/** Gives each partition a target of its own of `room` bytes, or none at first where `late`. */
class Collector implements FetchAnswerHandler {
  readonly heads: PartitionHead[] = []
  readonly records_ = new Map<string, Buffer>()
  readonly #room: number
  readonly #late: boolean
  session = -1
  refusals = 0

  constructor(room = 1 << 20, late = false) {
    this.#room = room
    this.#late = late
  }

  begin(errorCode: number, sessionId: number): void {
    assert.equal(errorCode, 0)
    assert.equal(this.session, -1, 'begin is called once')
    this.session = sessionId
  }

  partition(head: PartitionHead): void {
    this.heads.push(head)
  }

  place(head: PartitionHead): RecordPlace | undefined {
    if (this.#late && this.refusals <= this.records_.size) {
      this.refusals++
      return undefined
    }
    return head.partition === 1 ? { bytes: undefined } : { bytes: new Uint8Array(this.#room) }
  }

  records(head: PartitionHead, place: RecordPlace, filled: number): void {
    const bytes = Buffer.from((place.bytes ?? new Uint8Array(0)).subarray(0, filled))
    this.records_.set(`${head.topic} ${head.partition}`, bytes)
  }
}

/** Feeds the answer as a connection does, in pieces of these sizes, again and again. */
function feed(answer: FetchAnswer, body: Buffer, sizes: readonly number[]): void {
  const landing = new Uint8Array(64)
  for (let at = 0, turn = 0; at < body.length; turn++) {
    const left = body.length - at
    const given = answer.target(left)
    const target = given ?? landing
    const count = Math.min(left, target.length, sizes[turn % sizes.length])
    target.set(body.subarray(at, at + count))
    at += count
    let goesOn = answer.take(target.subarray(0, count), body.length - at)
    while (!goesOn) goesOn = answer.proceed()
  }
}

const partition = fc.record({
  errorCode: fc.constantFrom(0, 0, 0, 1, 6),
  records: fc.option(fc.uint8Array({ maxLength: 300 })),
  aborted: fc.option(fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 5 })),
})
const topics = fc.array(fc.array(partition, { maxLength: 5 }), { maxLength: 4 })
const pieces = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 })

for (const version of [11, 12])
  test(`an answer of version ${version} in any pieces is what the object decoder reads`, () => {
    fc.assert(
      fc.property(topics, pieces, fc.boolean(), (content, sizes, late) => {
        const body = answerOf(version, content)
        const from = new Decoder(Buffer.from(body))
        from.flexible = version >= fetchRequest.flexibleFrom
        const expected = fetchRequest.decode(from, version)
        const collector = new Collector(1 << 10, late)
        feed(new FetchAnswer(from.flexible, collector), Buffer.from(body), sizes)
        assert.equal(collector.session, expected.sessionId)
        const partitions = expected.topics.flatMap(({ topic, partitions: all }) =>
          all.map((each) => ({ topic, ...each })),
        )
        assert.equal(collector.heads.length, partitions.length)
        for (const [index, head] of collector.heads.entries()) {
          const { abortedTransactions, records, ...rest } = partitions[index]
          const { recordBytes, abortedTransactions: aborted, ...same } = head
          const { divergingEpoch: _, currentLeader: __, ...facts } = rest
          assert.deepEqual(same, facts)
          assert.deepEqual(aborted, abortedTransactions ?? [])
          assert.equal(recordBytes, records.length)
          if (records.length === 0) continue
          const taken = collector.records_.get(`${head.topic} ${head.partition}`)
          assert.deepEqual(taken, head.partition === 1 ? Buffer.alloc(0) : Buffer.from(records))
        }
      }),
    )
  })

test('records beyond the room of their place are passed over, and the next ones come whole', () => {
  const records = Uint8Array.from({ length: 200 }, (_, index) => index)
  const content = [
    [{ errorCode: 0, records, aborted: null }],
    [{ errorCode: 0, records: Uint8Array.of(1, 2, 3), aborted: null }],
  ]
  const collector = new Collector(50)
  feed(new FetchAnswer(false, collector), answerOf(11, content), [64, 7])
  assert.deepEqual(collector.records_.get('t0 0'), Buffer.from(records.subarray(0, 50)))
  assert.deepEqual(collector.records_.get('t1 0'), Buffer.of(1, 2, 3))
})

test('a torn answer, one that goes on, and one that lies about lengths are violations', () => {
  const content = [[{ errorCode: 0, records: Uint8Array.of(1, 2, 3), aborted: null }]]
  const whole = Buffer.from(answerOf(11, content))
  const torn = () => feed(new FetchAnswer(false, new Collector()), whole.subarray(0, 20), [9])
  assert.throws(torn, rejectsWith('PROTOCOL_VIOLATED'))
  const longer = Buffer.concat([whole, Buffer.from([0])])
  assert.throws(
    () => feed(new FetchAnswer(false, new Collector()), longer, [100]),
    rejectsWith('PROTOCOL_VIOLATED'),
  )
  const lying = Buffer.from(whole)
  lying.writeInt32BE(1_000_000, whole.length - 7)
  assert.throws(
    () => feed(new FetchAnswer(false, new Collector()), lying, [100]),
    rejectsWith('PROTOCOL_VIOLATED'),
  )
})

test('no bytes make the reader loop, over-read or keep more than an answer', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.boolean(),
      pieces,
      (bytes, flexible, sizes) => {
        const ignoring: FetchAnswerHandler = {
          begin: () => undefined,
          partition: () => undefined,
          place: () => ({ bytes: undefined }),
          records: () => undefined,
        }
        try {
          feed(new FetchAnswer(flexible, ignoring), Buffer.from(bytes), sizes)
        } catch (error) {
          rejectsWith('PROTOCOL_VIOLATED')(error)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
