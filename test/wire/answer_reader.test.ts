import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EuphorionError } from '../../src/errors.ts'
import { AnswerReader, type AwaitedAnswer } from '../../src/wire/answer_reader.ts'

const answerBytesMax = 20_000

interface Answer {
  readonly body: Uint8Array
  readonly flexible: boolean
  /** Lengths of tagged fields. */
  readonly tags: readonly number[]
  readonly sink: boolean
}

const answers = fc.array(
  fc.record({
    body: fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ minLength: 4000, maxLength: 12_000, size: 'max' }),
    ),
    flexible: fc.boolean(),
    tags: fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 3 }),
    sink: fc.boolean(),
  }),
  { maxLength: 6 },
)

function uvarint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...uvarint(value >>> 7)]
}

function encode({ body, flexible, tags }: Answer, id: number): Buffer {
  const fields = tags.flatMap((size, tag) => [
    ...uvarint(tag * 100),
    ...uvarint(size),
    ...new Uint8Array(size),
  ])
  const header = Buffer.from([
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...(flexible ? [...uvarint(tags.length), ...fields] : []),
  ])
  header.writeInt32BE(header.length + body.length - 4)
  header.writeInt32BE(id, 4)
  return Buffer.concat([header, body])
}

/** Reads `stream` as a socket would, in reads of at most these sizes, and collects bodies. */
class Reading {
  readonly bodies: Buffer[] = []
  readonly #answers: readonly Answer[]
  readonly #decide: () => number
  #sunk: Buffer[] = []
  readonly reader: AnswerReader

  constructor(given: readonly Answer[], decide: () => number) {
    this.#answers = given
    this.#decide = decide
    this.reader = new AnswerReader(
      {
        awaited: () => this.#awaited(),
        complete: (body) => {
          this.bodies.push(
            this.#answers[this.bodies.length].sink ? Buffer.concat(this.#sunk) : body,
          )
          this.#sunk = []
        },
      },
      answerBytesMax,
    )
  }

  #awaited(): AwaitedAnswer | undefined {
    const answer = this.#answers[this.bodies.length]
    if (answer === undefined) return undefined
    let left = answer.body.length
    const sink = {
      target: (given: number) => {
        assert.equal(given, left)
        const choice = this.#decide() % 4
        return choice === 0 ? undefined : new Uint8Array(choice === 1 ? 0 : choice * 2500)
      },
      take: (bytes: Uint8Array, given: number) => {
        left -= bytes.length
        assert.equal(given, left)
        this.#sunk.push(Buffer.from(bytes))
        return this.#decide() % 3 > 0
      },
    }
    return {
      correlationId: this.bodies.length,
      flexibleHeader: answer.flexible,
      sink: answer.sink ? sink : undefined,
    }
  }

  read(stream: Uint8Array, sizeOf: () => number): void {
    const { reader } = this
    for (let at = 0; at < stream.length; ) {
      const buffer = reader.buffer()
      assert.ok(buffer.length > 0)
      const count = Math.min(buffer.length, stream.length - at, sizeOf())
      buffer.set(stream.subarray(at, at + count))
      reader.arrived(count, buffer)
      at += count
      // Half of the time more comes although it is paused, as with TLS.
      if (this.#decide() % 2 === 0) reader.resume()
    }
  }
}

/** The numbers again and again. */
function cycle(numbers: readonly number[]): () => number {
  let at = 0
  return () => numbers[at++ % numbers.length]
}

const sizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 6000 })), {
  minLength: 1,
})
const decisions = fc.array(fc.nat(100), { minLength: 1, maxLength: 50 })

test('whatever the pieces are, each answer has its own bytes', () => {
  fc.assert(
    fc.property(answers, sizes, decisions, (given, reads, decided) => {
      const reading = new Reading(given, cycle(decided))
      reading.read(Buffer.concat(given.map(encode)), cycle(reads))
      assert.deepEqual(
        reading.bodies.map((body) => body.toString('hex')),
        given.map(({ body }) => Buffer.from(body).toString('hex')),
      )
    }),
  )
})

test('bytes that are no answers are PROTOCOL_VIOLATED, or wait for more', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // Begins well.
    fc
      .uint8Array({ maxLength: 100 })
      .map((rest) => Uint8Array.from([0, 0, 0, 60, 0, 0, 0, 0, ...rest])),
  )
  fc.assert(
    fc.property(noise, sizes, decisions, (bytes, reads, decided) => {
      const answer = { body: new Uint8Array(1 << 20), flexible: true, tags: [], sink: false }
      const reading = new Reading([answer, answer, answer], cycle(decided))
      try {
        reading.read(bytes, cycle(reads))
      } catch (error) {
        assert.equal((error as EuphorionError).code, 'PROTOCOL_VIOLATED')
      }
    }),
    { numRuns: 500 },
  )
})
