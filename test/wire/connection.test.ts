import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { type Random, seededRandom } from '../../src/clock.ts'
import { Connection } from '../../src/wire/connection.ts'
import type { AnswerSink, RequestType } from '../../src/wire/request.ts'
import { echo, echoAnswer, optionsFor, tlsServer } from '../support/echo.ts'
import { answerTo, apiKeys, type FakeBroker, startFakeBroker } from '../support/fake_broker.ts'

const chunkings = ['merged', 'byte by byte', 'random'] as const

/** Writes bytes in pieces, one per turn of the loop. */
class PieceWriter {
  readonly #pieces: Buffer[] = []
  readonly #socket: Socket
  readonly #size: () => number
  #running = false

  constructor(socket: Socket, size: () => number) {
    this.#socket = socket
    this.#size = size
  }

  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const size = this.#size()
      this.#pieces.push(bytes.subarray(at, at + size))
      at += size
    }
    if (this.#running) return
    this.#running = true
    this.#next()
  }

  #next(): void {
    const piece = this.#pieces.shift()
    this.#running = piece !== undefined
    if (piece !== undefined) this.#socket.write(piece, () => setImmediate(() => this.#next()))
  }
}

async function echoBroker(tls: boolean, size: () => number): Promise<FakeBroker> {
  const writers = new Map<Socket, PieceWriter>()
  return startFakeBroker({
    ...(tls && { tls: tlsServer }),
    onRequest(request, socket) {
      const writer = writers.get(socket) ?? new PieceWriter(socket, size)
      writers.set(socket, writer)
      writer.write(echoAnswer(request))
    },
  })
}

function randomBytes(random: Random, size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, () => random() * 256))
}

/** Fills a shared buffer of the answer's size. */
class CollectingSink implements AnswerSink {
  readonly shared: Uint8Array
  /** Answers to take(): false pauses. */
  readonly #goOn: () => boolean
  /** Whether the next bytes may go to the shared buffer directly. */
  readonly #direct: () => boolean
  at = 0
  pauses = 0
  directBytes = 0

  constructor(size: number, direct = () => true, goOn = () => true) {
    this.shared = new Uint8Array(new SharedArrayBuffer(size + 64))
    this.#direct = direct
    this.#goOn = goOn
  }

  target(left: number): Uint8Array | undefined {
    assert.ok(left > 0 && this.at + left <= this.shared.length)
    // More than is left: the connection has to cut it.
    return this.#direct() ? this.shared.subarray(this.at) : undefined
  }

  take(bytes: Uint8Array): boolean {
    if (bytes.buffer === this.shared.buffer) this.directBytes += bytes.length
    else this.shared.set(bytes, this.at)
    this.at += bytes.length
    const on = this.#goOn()
    if (!on) this.pauses++
    return on
  }
}

for (const tls of [false, true]) {
  for (const chunking of chunkings) {
    describe(`${tls ? 'TLS' : 'plain'}, answers ${chunking}`, () => {
      const seed = 7
      const random = seededRandom(seed)
      const size = {
        merged: () => 1 << 30,
        'byte by byte': () => 1,
        random: () => 1 + Math.floor(random() ** 3 * 20_000),
      }[chunking]
      const broker = echoBroker(tls, size)
      after(async () => (await broker).stop())
      const open = async () =>
        Connection.open(
          optionsFor((await broker).port, {
            tls: tls && { ca: tlsServer.cert },
          }),
        )
      const scale = chunking === 'byte by byte' ? 1 : 100

      test(`pipelined answers come whole and in order (seed ${seed})`, async () => {
        const connection = await open()
        const bodies = [0, 1, 3, 4096, 5, 0, 2, 700 * scale, 40 * scale].map((length) =>
          randomBytes(random, Math.min(length, 50 * scale * scale)),
        )
        const answers = await Promise.all(bodies.map((body) => connection.request(echo, body)))
        assert.deepEqual(answers, bodies)
        connection.close()
      })

      test(`bodies go where a sink wants them, around pauses (seed ${seed})`, async () => {
        const connection = await open()
        const bodies = [100, 3 * scale, 900 * scale, 0, 500 * scale].map((length) =>
          randomBytes(random, length),
        )
        let waiting = 0
        const sinks = bodies.map(
          ({ length }) =>
            new CollectingSink(
              length,
              () => random() < 0.8,
              () => {
                if (random() < 0.7 || waiting > 0) return true
                waiting++
                setImmediate(() => {
                  waiting--
                  connection.resume()
                })
                return false
              },
            ),
        )
        const gathered = randomBytes(random, 300)
        const answers = await Promise.all([
          ...bodies.map((body, index) => connection.requestInto(echo, body, sinks[index])),
          connection.request(echo, gathered),
        ])
        assert.deepEqual(answers.at(-1), gathered)
        for (const [index, body] of bodies.entries()) {
          const { shared, at } = sinks[index]
          assert.equal(at, body.length)
          assert.deepEqual(Buffer.from(shared.subarray(0, at)), body)
          assert.ok(
            shared.subarray(at).every((byte) => byte === 0),
            'nothing behind the answer',
          )
        }
        assert.ok(sinks.some((sink) => sink.pauses > 0))
        assert.ok(sinks.some((sink) => sink.directBytes > 0))
        connection.close()
      })
    })
  }
}

test('a flexible header may carry tagged fields', async () => {
  const flexible: RequestType<Buffer, Buffer> = {
    ...echo,
    apiKey: apiKeys.Metadata,
    flexibleFrom: 9,
    versions: [9, 12],
  }
  for (const piece of [1, 1000]) {
    const broker = await startFakeBroker({
      onRequest(request, socket) {
        if (request.apiKey === apiKeys.ApiVersions) {
          socket.write(echoAnswer(request))
          return
        }
        // Two fields: number 0 without bytes, number 300 with three.
        const tags = Buffer.from([2, 0, 0, 0xac, 2, 3, 1, 2, 3])
        new PieceWriter(socket, () => piece).write(answerTo(request, request.body, tags))
      },
    })
    const connection = await Connection.open(optionsFor(broker.port))
    assert.equal(connection.version(flexible), 12)
    assert.deepEqual(await connection.request(flexible, Buffer.from('abc')), Buffer.from('abc'))
    connection.close()
    await broker.stop()
  }
})
