import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EuphorionError } from '../../src/errors.ts'
import { connectLocal, type LocalHandler, serveLocal } from '../../src/wire/local_socket.ts'

const handlers: Record<string, LocalHandler> = {
  async echo(argument, payload) {
    return { value: argument, payload }
  },
  async fail() {
    throw new EuphorionError('TOPIC_UNKNOWN', 'no such topic', {
      place: { topic: 't', offset: 5n },
      cause: new Error('because'),
    })
  },
  async crash() {
    throw new TypeError('a mistake')
  },
  async never() {
    return new Promise(() => {})
  },
  async large() {
    return { value: null, payload: new Uint8Array(2000) }
  },
}

describe('local socket', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'euphorion-socket-'))
  })
  after(() => rm(directory, { recursive: true }))

  it('answers requests with JSON and bytes, several at once', async () => {
    const path = join(directory, 'a.sock')
    const server = await serveLocal(path, handlers)
    const client = await connectLocal(path)
    const big = new Uint8Array(3_000_000).fill(7)
    const replies = await Promise.all(
      Array.from({ length: 400 }, (_, i) =>
        client.request('echo', { i, text: 'ü😀' }, i % 50 === 0 ? big : new Uint8Array([i])),
      ),
    )
    for (const [i, { value, payload }] of replies.entries()) {
      assert.deepEqual(value, { i, text: 'ü😀' })
      if (i % 50 === 0) assert.ok(Buffer.from(payload!).equals(big))
      else assert.deepEqual(payload, new Uint8Array([i]))
    }
    assert.equal((await client.request('echo', undefined)).value, null)
    client.close()
    await server.close()
  })

  it('lets errors cross with their code, place and cause', async () => {
    const path = join(directory, 'b.sock')
    const server = await serveLocal(path, handlers)
    const client = await connectLocal(path)
    await assert.rejects(client.request('fail', null), (error: EuphorionError) => {
      assert.ok(error instanceof EuphorionError)
      assert.equal(error.code, 'TOPIC_UNKNOWN')
      assert.deepEqual({ ...error.place }, { topic: 't', offset: 5 })
      assert.equal((error.cause as Error).message, 'because')
      return true
    })
    await assert.rejects(client.request('crash', null), { message: 'a mistake' })
    await assert.rejects(client.request('toString', null), { code: 'CAPABILITY_MISSING' })
    client.close()
    await server.close()
  })

  it('bounds the size of messages in both directions', async () => {
    const path = join(directory, 'c.sock')
    const server = await serveLocal(path, handlers, { maxFrameBytes: 1000 })
    const client = await connectLocal(path, { maxFrameBytes: 1000 })
    await assert.rejects(client.request('echo', null, new Uint8Array(1000)), {
      code: 'RECORD_TOO_LARGE',
    })
    await assert.rejects(client.request('large', null), { code: 'RECORD_TOO_LARGE' })
    assert.equal((await client.request('echo', 1)).value, 1)
    const reckless = await connectLocal(path)
    await assert.rejects(reckless.request('echo', null, new Uint8Array(5000)), {
      code: 'LOG_FAILED',
    })
    client.close()
    await server.close()
  })

  it('closes a connection that sends nonsense', async () => {
    const path = join(directory, 'd.sock')
    const server = await serveLocal(path, handlers)
    for (const nonsense of ['ffffffff', '0000000000', '0a00000001000000000100000000']) {
      const socket = net.connect(path)
      socket.on('error', () => {})
      socket.write(Buffer.from(nonsense, 'hex'))
      await once(socket, 'close')
    }
    await server.close()
  })

  it('tells pending and later requests that the connection was lost', async () => {
    const path = join(directory, 'e.sock')
    const server = await serveLocal(path, handlers)
    const client = await connectLocal(path, { unavailable: 'QUERY_UNAVAILABLE' })
    const pending = assert.rejects(client.request('never', null), { code: 'QUERY_UNAVAILABLE' })
    await client.request('echo', null)
    await server.close()
    await pending
    await assert.rejects(client.request('echo', null), { code: 'QUERY_UNAVAILABLE' })
    await assert.rejects(connectLocal(path), { code: 'LOG_FAILED' })
  })

  it('takes over the socket of a killed process, but not of a live one', async () => {
    const path = join(directory, 'f.sock')
    const server = await serveLocal(path, handlers)
    await assert.rejects(serveLocal(path, handlers), { code: 'LOG_LOCKED' })
    await server.close()
    const child = fork(fileURLToPath(new URL('../support/local_server.js', import.meta.url)), [
      path,
    ])
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const again = await serveLocal(path, handlers)
    const client = await connectLocal(path)
    assert.equal((await client.request('echo', 2)).value, 2)
    client.close()
    await again.close()
  })

  it('serves paths longer than a socket address', async () => {
    const path = join(directory, 'x'.repeat(200), 'g.sock')
    const server = await serveLocal(path, handlers)
    const client = await connectLocal(path)
    assert.equal((await client.request('echo', 3)).value, 3)
    client.close()
    await server.close()
  })
})
