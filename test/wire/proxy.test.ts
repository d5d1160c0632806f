// The fault-injecting proxy itself, between a client and a server that speak frames of Kafka's form.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { FaultProxy } from '../support/proxy.ts'

/** A request whose answer has `answerBytes` bytes behind its length. */
function request(answerBytes: number, apiKey = 1, apiVersion = 2): Buffer {
  const frame = Buffer.alloc(4 + 12)
  frame.writeInt32BE(12, 0)
  frame.writeInt16BE(apiKey, 4)
  frame.writeInt16BE(apiVersion, 6)
  frame.writeInt32BE(answerBytes, 8)
  return frame
}

/** What the server answers to such a request. */
function answer(answerBytes: number, mark: number): Buffer {
  const frame = Buffer.alloc(4 + answerBytes)
  frame.writeInt32BE(answerBytes, 0)
  for (let at = 4; at < frame.length; at++) frame[at] = (at * 31 + mark) & 0xff
  return frame
}

/** Answers requests in order; `mark` tells one server's bytes from another's. */
async function serve(t: TestContext, mark = 0): Promise<number> {
  const open = new Set<Socket>()
  const server: Server = createServer((socket) => {
    open.add(socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      for (; rest.length >= 16; rest = rest.subarray(16))
        socket.write(answer(rest.readInt32BE(8), mark))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}

/** A client's connection, with all that has come. */
class Client {
  readonly socket: Socket
  received: Buffer = Buffer.alloc(0)
  readonly ended: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    socket.on('error', () => undefined)
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  static async connect(t: TestContext, port: number): Promise<Client> {
    const socket = new Socket()
    const client = new Client(socket)
    socket.connect(port, '127.0.0.1')
    await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), client.ended])
    t.after(() => socket.destroy())
    return client
  }

  /** Resolves when so many bytes have come; rejects when it ends before. */
  async receives(bytes: number): Promise<Buffer> {
    while (this.received.length < bytes) {
      const event = await Promise.race([
        once(this.socket, 'data').then(() => 'data'),
        this.ended.then(() => 'end'),
      ])
      if (event === 'end' && this.received.length < bytes)
        throw new Error(`ended after ${this.received.length} of ${bytes} bytes`)
    }
    return this.received
  }
}

async function openProxy(t: TestContext, targets: readonly number[]): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(targets.length)
  proxy.lead(targets)
  t.after(() => proxy.close())
  return proxy
}

describe('fault proxy', () => {
  test('without rules every byte goes through, however it is cut into pieces', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    let [up, down] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        async (sizes, cuts) => {
          const client = await Client.connect(t, proxy.ports[0])
          const bytes = Buffer.concat(sizes.map((size) => request(size)))
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = cuts[turn % cuts.length]
            client.socket.write(bytes.subarray(at, at + size))
            at += size
            await new Promise(setImmediate)
          }
          const expected = Buffer.concat(sizes.map((size) => answer(size, 0)))
          assert.ok(expected.equals(await client.receives(expected.length)))
          up += bytes.length
          down += expected.length
          client.socket.end()
          await client.ended
        },
      ),
      { numRuns: 30 },
    )
    const { connections, open, bytesUp, bytesDown } = proxy.counts(0)
    assert.deepEqual([connections, open, bytesUp, bytesDown], [30, 0, up, down])
  })

  test('a response is cut behind every one of its bytes', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    const whole = Buffer.concat([answer(9, 0), answer(20, 0)])
    for (let cutAfter = 0; cutAfter <= 24; cutAfter++) {
      proxy.rules = { response: ({ index }) => (index === 1 ? { cutAfter } : undefined) }
      const client = await Client.connect(t, proxy.ports[0])
      client.socket.write(Buffer.concat([request(9), request(20), request(5)]))
      await client.ended
      assert.ok(whole.subarray(0, 13 + cutAfter).equals(client.received), `cut after ${cutAfter}`)
    }
  })

  test('a request is cut, and its connection', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    proxy.rules = { request: ({ index }) => (index === 1 ? { cutAfter: 10 } : undefined) }
    const client = await Client.connect(t, proxy.ports[0])
    client.socket.write(request(3))
    await client.receives(7)
    client.socket.write(request(3))
    await client.ended
    assert.equal(client.received.length, 7)
    assert.equal(proxy.counts(0).bytesUp, 16 + 10)
  })

  test('rules see the key and the version of a request, and of the response to it', async (t) => {
    const proxy = await openProxy(t, [await serve(t), await serve(t)])
    const seen: unknown[] = []
    proxy.rules = {
      request: ({ gate, connection, index, apiKey, apiVersion, bytes }) =>
        void seen.push(['request', gate, connection, index, apiKey, apiVersion, bytes]),
      response: ({ gate, connection, index, apiKey, apiVersion, bytes }) =>
        void seen.push(['response', gate, connection, index, apiKey, apiVersion, bytes]),
    }
    const client = await Client.connect(t, proxy.ports[1])
    client.socket.write(Buffer.concat([request(1, 18, 3), request(70_000, 1, 17)]))
    await client.receives(5 + 70_004)
    assert.deepEqual(seen, [
      ['request', 1, 0, 0, 18, 3, 16],
      ['request', 1, 0, 1, 1, 17, 16],
      ['response', 1, 0, 0, 18, 3, 5],
      ['response', 1, 0, 1, 1, 17, 70_004],
    ])
  })

  test('a response that stalls leaves the connection open, and nothing comes any more', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    proxy.rules = { response: ({ index }) => (index === 1 ? { stallAfter: 6 } : undefined) }
    const client = await Client.connect(t, proxy.ports[0])
    client.socket.write(Buffer.concat([request(9), request(20)]))
    await client.receives(13 + 6)
    client.socket.write(request(1))
    proxy.rules = {}
    // Another connection's answer is the proof that time has passed.
    const other = await Client.connect(t, proxy.ports[0])
    other.socket.write(request(2000))
    await other.receives(2004)
    assert.equal(client.received.length, 19)
    assert.equal(proxy.counts(0).open, 2)
  })

  test('silence: what is open gets nothing, not even an end; new connections work', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    const client = await Client.connect(t, proxy.ports[0])
    client.socket.write(request(3))
    await client.receives(7)
    proxy.silence()
    client.socket.write(request(3))
    const other = await Client.connect(t, proxy.ports[0])
    other.socket.write(request(3))
    await other.receives(7)
    assert.equal(client.received.length, 7)
    assert.equal(client.socket.readableEnded, false)
    client.socket.end()
    await client.ended
    assert.equal(proxy.counts(0).open, 1)
  })

  test('connections are refused, silent, or closed after so many requests', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    proxy.rules = {
      connection: (_, connection) =>
        [{ refuse: true }, { silent: true }, { requestsMax: 2 }, undefined][connection],
    }
    const refused = await Client.connect(t, proxy.ports[0])
    await refused.ended
    const silent = await Client.connect(t, proxy.ports[0])
    silent.socket.write(request(1))
    const counted = await Client.connect(t, proxy.ports[0])
    counted.socket.write(request(1))
    await counted.receives(5)
    counted.socket.write(request(1))
    await counted.receives(10)
    counted.socket.write(request(1))
    await counted.ended
    assert.equal(counted.received.length, 10)
    assert.equal(silent.received.length, 0)
    assert.equal(silent.socket.closed, false)
  })

  test('delays and a low rate hold bytes back, in order', async (t) => {
    const proxy = await openProxy(t, [await serve(t)])
    proxy.rules = { response: ({ index }) => (index === 0 ? { delayMs: 60 } : undefined) }
    const late = await Client.connect(t, proxy.ports[0])
    const began = performance.now()
    late.socket.write(Buffer.concat([request(5), request(6)]))
    assert.ok(Buffer.concat([answer(5, 0), answer(6, 0)]).equals(await late.receives(19)))
    assert.ok(performance.now() - began >= 55, 'held back')
    proxy.rules = { connection: () => ({ bytesPerSecond: 100_000 }) }
    const slow = await Client.connect(t, proxy.ports[0])
    const from = performance.now()
    slow.socket.write(request(10_000))
    assert.ok(answer(10_000, 0).equals(await slow.receives(10_004)))
    assert.ok(performance.now() - from >= 90, 'no faster than it may')
  })

  test('ports lead to other servers, for new connections', async (t) => {
    const servers = [await serve(t, 1), await serve(t, 2)]
    const proxy = await openProxy(t, servers)
    const before = await Client.connect(t, proxy.ports[0])
    before.socket.write(request(4))
    assert.ok(answer(4, 1).equals(await before.receives(8)))
    proxy.lead([servers[1], servers[0]])
    before.socket.write(request(4))
    await before.receives(16)
    assert.ok(answer(4, 1).equals(before.received.subarray(8)))
    const behind = await Client.connect(t, proxy.ports[0])
    behind.socket.write(request(4))
    assert.ok(answer(4, 2).equals(await behind.receives(8)))
    proxy.cut(0)
    await Promise.all([before.ended, behind.ended])
  })
})
