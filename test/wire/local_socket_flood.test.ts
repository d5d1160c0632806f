// A client that asks and never reads its replies must not fill the memory of the one that serves.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { encodeFrame, frameKinds } from '../../src/wire/local_frame.ts'
import { connectLocal, serveLocal } from '../../src/wire/local_socket.ts'

it('a client that does not read is not served on; others are, and it may begin to read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-flood-'))
  const path = join(directory, 'a.sock')
  const requests = 2000
  const replyBytes = 20_000
  let served = 0
  const server = await serveLocal(path, {
    async large() {
      served++
      return { value: null, payload: new Uint8Array(replyBytes) }
    },
    async ping() {
      return { value: 'pong' }
    },
  })
  const flood = net.connect(path)
  await once(flood, 'connect')
  flood.pause()
  const frames = Array.from({ length: requests }, (_, id) => {
    const argument = 'x'.repeat(1000)
    return encodeFrame(id, frameKinds.request, { name: 'large', argument }, undefined).head
  })
  flood.write(Buffer.concat(frames))
  const client = await connectLocal(path)
  let before = -1
  while (before !== served) {
    before = served
    for (let i = 0; i < 50; i++) assert.equal((await client.request('ping', null)).value, 'pong')
  }
  assert.ok(served < 1000, `${served} of ${requests} requests were served`)
  let received = 0
  flood.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  flood.resume()
  while (received < requests * replyBytes) await once(flood, 'data')
  assert.equal(served, requests)
  client.close()
  flood.destroy()
  await server.close()
  await rm(directory, { recursive: true })
})
