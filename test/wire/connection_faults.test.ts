import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import type { EuphorionError } from '../../src/errors.ts'
import { Connection } from '../../src/wire/connection.ts'
import { echo, echoAnswer, optionsFor, tlsServer } from '../support/echo.ts'
import {
  answerTo,
  apiKeys,
  type FakeBroker,
  type FakeBrokerOptions,
  type FakeRequest,
  startFakeBroker,
  versionsBody,
} from '../support/fake_broker.ts'
import { rejectsWith } from '../support/log.ts'
import { ManualClock } from '../support/manual_clock.ts'

const toStop: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop()
})

async function fakeBroker(
  onRequest: FakeBrokerOptions['onRequest'],
  tls?: FakeBrokerOptions['tls'],
): Promise<FakeBroker> {
  const broker = await startFakeBroker({ onRequest, ...(tls && { tls }) })
  toStop.push(() => broker.stop())
  return broker
}

/** Answers to ApiVersions; the other requests are for the test. */
function versionsThen(
  onRequest: FakeBrokerOptions['onRequest'] = () => {},
): FakeBrokerOptions['onRequest'] {
  return (request, socket) =>
    request.apiKey === apiKeys.ApiVersions
      ? socket.write(echoAnswer(request))
      : onRequest(request, socket)
}

async function rawServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  toStop.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}

async function failure(promise: Promise<unknown>): Promise<EuphorionError> {
  return promise.then(
    () => assert.fail('it succeeded'),
    (error: EuphorionError) => error,
  )
}

describe('what cannot be reached is named', () => {
  test('nobody listens', async () => {
    const port = await rawServer(() => {})
    await toStop.pop()!()
    const error = await failure(Connection.open(optionsFor(port)))
    assert.equal(error.code, 'BROKER_UNREACHABLE')
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} .*ECONNREFUSED`))
    const named = await failure(Connection.open(optionsFor(port, { host: 'localhost' })))
    assert.match(named.message, new RegExp(`localhost:${port} .*ECONNREFUSED`))
  })

  test('a server that takes connections and says nothing, plain or TLS', async () => {
    const port = await rawServer(() => {})
    for (const tls of [false, {}] as const) {
      const error = await failure(Connection.open(optionsFor(port, { tls, connectTimeoutMs: 50 })))
      assert.equal(error.code, 'BROKER_UNREACHABLE')
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} .*50 ms`))
    }
  })

  test('a certificate that nobody trusts, or of another name', async () => {
    const broker = await fakeBroker(versionsThen(), tlsServer)
    const untrusted = await failure(Connection.open(optionsFor(broker.port, { tls: {} })))
    assert.equal(untrusted.code, 'BROKER_UNREACHABLE')
    assert.match(untrusted.message, /certificate.*sslCaFile/)
    const tls = { ca: tlsServer.cert, servername: 'elsewhere' }
    const other = await failure(Connection.open(optionsFor(broker.port, { tls })))
    assert.equal(other.code, 'BROKER_UNREACHABLE')
    assert.match(other.message, /altnames|elsewhere/)
  })
})

describe('what is no broker is PROTOCOL_VIOLATED', () => {
  test('an HTTP server', async () => {
    const port = await rawServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    )
    await assert.rejects(Connection.open(optionsFor(port)), rejectsWith('PROTOCOL_VIOLATED'))
  })

  test('a TLS server that is asked in plain text', async () => {
    const broker = await fakeBroker(versionsThen(), tlsServer)
    const error = await failure(Connection.open(optionsFor(broker.port)))
    assert.equal(error.code, 'PROTOCOL_VIOLATED')
    assert.match(error.advice, /kafka\+ssl/)
  })

  test('a plain server that is asked in TLS', async () => {
    const port = await rawServer((socket) => socket.once('data', () => socket.write('HTTP/1.1 4')))
    const error = await failure(Connection.open(optionsFor(port, { tls: {} })))
    assert.equal(error.code, 'PROTOCOL_VIOLATED')
    assert.match(error.message, /does not answer in TLS/)
  })

  test('one that hangs up at the first request', async () => {
    const port = await rawServer((socket) => socket.once('data', () => socket.destroy()))
    await assert.rejects(Connection.open(optionsFor(port)), rejectsWith('PROTOCOL_VIOLATED'))
  })
})

describe('answers that break the protocol end the connection', () => {
  const cases: Readonly<Record<string, (request: FakeRequest) => Buffer>> = {
    'to another request': (request) =>
      answerTo({ ...request, correlationId: request.correlationId + 1 }, Buffer.alloc(4)),
    'larger than is allowed': () => Buffer.from([0x00, 0x20, 0, 1, 0, 0, 0, 2]),
    'of a negative size': () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2]),
    'shorter than a header': () => Buffer.from([0, 0, 0, 3, 0, 0, 0, 2]),
  }
  for (const [name, answer] of Object.entries(cases))
    test(name, async () => {
      const broker = await fakeBroker(
        versionsThen((request, socket) => socket.write(answer(request))),
      )
      const connection = await Connection.open(optionsFor(broker.port))
      const first = connection.request(echo, Buffer.alloc(1))
      const second = connection.request(echo, Buffer.alloc(1))
      await assert.rejects(first, rejectsWith('PROTOCOL_VIOLATED'))
      await assert.rejects(second, rejectsWith('PROTOCOL_VIOLATED'))
      assert.equal(connection.closed, true)
    })

  test('one to no request', async () => {
    const broker = await fakeBroker(
      versionsThen((request, socket) =>
        socket.write(Buffer.concat([echoAnswer(request), echoAnswer(request)])),
      ),
    )
    const connection = await Connection.open(optionsFor(broker.port))
    await connection.request(echo, Buffer.alloc(1))
    const error = await new Promise<EuphorionError>((resolve) => connection.onClose(resolve))
    assert.equal(error.code, 'PROTOCOL_VIOLATED')
  })

  test('one that cannot be decoded', async () => {
    const broker = await fakeBroker(versionsThen((each, socket) => socket.write(echoAnswer(each))))
    const connection = await Connection.open(optionsFor(broker.port))
    const wide = { ...echo, decode: (from: { int32(): number }) => from.int32() }
    const asked = connection.request(wide, Buffer.alloc(3))
    await assert.rejects(asked, rejectsWith('PROTOCOL_VIOLATED'))
    assert.equal(connection.closed, true)
  })

  test('a sink that throws', async () => {
    const broker = await fakeBroker(versionsThen((each, socket) => socket.write(echoAnswer(each))))
    for (const thrower of ['target', 'take'] as const) {
      const connection = await Connection.open(optionsFor(broker.port))
      const fails = () => {
        throw new Error('no room')
      }
      const sink = { target: () => undefined, take: () => true, [thrower]: fails }
      const error = await failure(connection.requestInto(echo, Buffer.alloc(9000), sink))
      assert.equal(error.code, 'LOG_FAILED')
      assert.equal((error.cause as Error).message, 'no room')
    }
  })
})

describe('what is under way when a connection ends is rejected', () => {
  test('the broker goes away', async () => {
    const broker = await fakeBroker(versionsThen())
    const connection = await Connection.open(optionsFor(broker.port))
    const asked = [1, 2, 3].map(() => connection.request(echo, Buffer.alloc(1)))
    while (broker.requests.length < 4) await new Promise((resolve) => setImmediate(resolve))
    broker.cut()
    for (const each of asked) {
      const error = await failure(each)
      assert.equal(error.code, 'LOG_FAILED')
      assert.equal(error.retriable, true)
    }
    assert.equal(connection.closed, true)
    await assert.rejects(connection.request(echo, Buffer.alloc(1)), rejectsWith('LOG_FAILED'))
  })

  test('it is closed here', async () => {
    const broker = await fakeBroker(versionsThen())
    const connection = await Connection.open(optionsFor(broker.port))
    const heard: string[] = []
    connection.onClose((error) => heard.push(error.code))
    const asked = connection.request(echo, Buffer.alloc(1))
    connection.close()
    connection.close()
    await assert.rejects(asked, rejectsWith('LOG_FAILED'))
    connection.onClose((error) => heard.push(error.code))
    assert.deepEqual(heard, ['LOG_FAILED', 'LOG_FAILED'])
  })

  test('too many requests are under way', async () => {
    const broker = await fakeBroker(versionsThen())
    const connection = await Connection.open(optionsFor(broker.port))
    const asked = Array.from({ length: 1000 }, () => connection.request(echo, Buffer.alloc(1)))
    await assert.rejects(connection.request(echo, Buffer.alloc(1)), /owes 1000 answers/)
    connection.close()
    await Promise.allSettled(asked)
  })
})

describe('answers that do not come in time', () => {
  test('end the connection, at the earliest deadline of all', async () => {
    const clock = new ManualClock()
    const broker = await fakeBroker(versionsThen())
    const options = { clock, requestTimeoutMs: 1000 }
    const connection = await Connection.open(optionsFor(broker.port, options))
    const slow = failure(connection.request(echo, Buffer.alloc(1)))
    const quick = failure(connection.request(echo, Buffer.alloc(1), { timeoutMs: 300 }))
    await clock.advance(298)
    assert.equal(connection.closed, false)
    await clock.advance(2)
    const error = await quick
    assert.match(error.message, /did not answer Echo in 300 ms/)
    assert.equal(error.retriable, true)
    assert.equal(await slow, error)
    assert.equal(clock.alarms, 0)
  })

  test('an answer in time stops the clock for its request only', async () => {
    const clock = new ManualClock()
    const asked: [FakeRequest, Socket][] = []
    const broker = await fakeBroker(
      versionsThen((request, socket) => {
        asked.push([request, socket])
        if (asked.length === 1) socket.write(echoAnswer(request))
      }),
    )
    const connection = await Connection.open(optionsFor(broker.port, { clock }))
    await connection.request(echo, Buffer.alloc(1), { timeoutMs: 100 })
    await clock.advance(50)
    const second = failure(connection.request(echo, Buffer.alloc(1), { timeoutMs: 100 }))
    await clock.advance(90)
    assert.equal(connection.closed, false)
    await clock.advance(10)
    assert.match((await second).message, /in 100 ms/)
  })

  test('may take the time beside it that the broker was asked to wait', async () => {
    const clock = new ManualClock()
    const broker = await fakeBroker(versionsThen())
    const options = { clock, requestTimeoutMs: 1000 }
    const connection = await Connection.open(optionsFor(broker.port, options))
    const late = failure(connection.request(echo, Buffer.alloc(1), { waitMs: 5000 }))
    await clock.advance(5900)
    assert.equal(connection.closed, false)
    await clock.advance(100)
    assert.match((await late).message, /in 6000 ms/)
  })

  test('that wait behind a sink are not late, however close they were', async () => {
    const clock = new ManualClock()
    const asked: [FakeRequest, Socket][] = []
    const broker = await fakeBroker(versionsThen((...each) => void asked.push(each)))
    const connection = await Connection.open(optionsFor(broker.port, { clock }))
    const sink = { target: () => undefined, take: () => false }
    const taken = connection.requestInto(echo, Buffer.alloc(1), sink, { timeoutMs: 100 })
    const behind = connection.request(echo, Buffer.from('b'), { timeoutMs: 100 })
    await clock.advance(98)
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const [[first, socket], [second]] = asked
    socket.write(echoAnswer(first))
    await taken
    await clock.advance(5000)
    assert.equal(connection.closed, false)
    assert.equal(clock.alarms, 0)
    connection.resume()
    assert.equal(clock.alarms, 1)
    socket.write(echoAnswer(second))
    assert.deepEqual(await behind, Buffer.from('b'))
    connection.close()
    assert.equal(clock.alarms, 0)
  })

  test('are not late while a sink has us read no more', async () => {
    const clock = new ManualClock()
    const broker = await fakeBroker(versionsThen((each, socket) => socket.write(echoAnswer(each))))
    const connection = await Connection.open(optionsFor(broker.port, { clock }))
    const paused = new Promise<void>((resolve) => {
      const sink = {
        target: () => undefined,
        take: () => {
          resolve()
          return false
        },
      }
      void connection.requestInto(echo, Buffer.alloc(1), sink, { timeoutMs: 100 })
    })
    await paused
    const behind = connection.request(echo, Buffer.from('b'), { timeoutMs: 100 })
    await clock.advance(5000)
    assert.equal(connection.closed, false)
    connection.resume()
    assert.deepEqual(await behind, Buffer.from('b'))
    connection.close()
  })
})

describe('versions', () => {
  test('the highest that both sides know, below the bound', async () => {
    const broker = await fakeBroker(versionsThen())
    const options = optionsFor(broker.port, { versionsMax: { Echo: 5 } })
    const connection = await Connection.open(options)
    assert.equal(connection.version(echo), 5)
    assert.equal(connection.version({ ...echo, name: 'Other' }), 7)
    const missing = { ...echo, versions: [101, 102] as const, name: 'New' }
    assert.throws(() => connection.version(missing), rejectsWith('CAPABILITY_MISSING'))
    await assert.rejects(
      connection.request(missing, Buffer.alloc(0)),
      rejectsWith('CAPABILITY_MISSING'),
    )
    assert.throws(() => connection.version({ ...echo, apiKey: 999 }), /none of the request Echo/)
    connection.close()
  })

  test('a broker of old answers ApiVersions in version 0', async () => {
    const broker = await fakeBroker((request, socket) => {
      const errorCode = request.version > 0 ? 35 : 0
      socket.write(answerTo(request, versionsBody(0, errorCode)))
    })
    const connection = await Connection.open(optionsFor(broker.port))
    assert.deepEqual(
      broker.requests.map(({ version }) => version),
      [3, 0],
    )
    assert.equal(connection.version(echo), 7)
    connection.close()
  })

  test('long bytes are sent as they are, from shared memory too', async () => {
    const answer = versionsThen((each, socket) => socket.write(echoAnswer(each)))
    const plain = await fakeBroker(answer)
    const secure = await fakeBroker(answer, tlsServer)
    const tls = { ca: tlsServer.cert }
    const connections = await Promise.all([
      Connection.open(optionsFor(plain.port)),
      Connection.open(optionsFor(secure.port, { tls })),
    ])
    const shared = Buffer.from(new SharedArrayBuffer(300_000))
    for (let at = 0; at < shared.length; at++) shared[at] = at * 7
    for (const connection of connections) {
      assert.ok((await connection.request(echo, shared)).equals(shared))
      connection.close()
    }
  })
})
