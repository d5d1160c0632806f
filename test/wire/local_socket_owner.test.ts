// The local socket is for its user alone, and a process that runs out of descriptors lives on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connectLocal, serveLocal } from '../../src/wire/local_socket.ts'

describe('local socket, its user alone', () => {
  let directory: string
  const temporary = process.env.TMPDIR
  before(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'euphorion-owner-'))
  })
  after(() => {
    if (temporary === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = temporary
    fs.rmSync(directory, { recursive: true })
  })

  it('is closed to other users whatever the umask', async () => {
    const path = join(directory, 'a.sock')
    const umask = process.umask(0)
    try {
      const server = await serveLocal(path, {})
      assert.equal(fs.statSync(path).mode & 0o777, 0o600)
      await server.close()
    } finally {
      process.umask(umask)
    }
  })

  it('a deep path is served in, and looked for in, a directory of this user only', async () => {
    process.env.TMPDIR = directory
    const path = join(directory, 'd'.repeat(120), 'log.sock')
    const server = await serveLocal(path, { ping: async () => ({ value: 'pong' }) })
    const client = await connectLocal(path)
    assert.equal((await client.request('ping', null)).value, 'pong')
    client.close()
    const [made] = fs.readdirSync(directory).filter((name) => name.startsWith('euphorion-'))
    assert.equal(fs.statSync(join(directory, made)).mode & 0o777, 0o700)
    // Only root can give the directory away.
    if (process.getuid?.() === 0) {
      fs.chownSync(join(directory, made), 12_345, 12_345)
      await assert.rejects(connectLocal(path), /nobody answers/)
      await assert.rejects(serveLocal(`${path}2`, {}), /no socket can be opened/)
      fs.chownSync(join(directory, made), 0, 0)
    }
    await server.close()
  })

  it('a connection that cannot be accepted does not end the process', async () => {
    const servers: net.Server[] = []
    const module = (await import('node:net')).default
    const { createServer } = module
    module.createServer = ((...given: Parameters<typeof createServer>) => {
      servers.push(createServer(...given))
      return servers[0]
    }) as typeof createServer
    syncBuiltinESMExports()
    try {
      const path = join(directory, 'b.sock')
      const server = await serveLocal(path, { ping: async () => ({ value: 'pong' }) })
      // As Node tells of accept(2) without a free descriptor.
      servers[0].emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
      const client = await connectLocal(path)
      assert.equal((await client.request('ping', null)).value, 'pong')
      client.close()
      const gone = once(servers[0], 'close')
      await server.close()
      await gone
    } finally {
      module.createServer = createServer
      syncBuiltinESMExports()
    }
  })
})
