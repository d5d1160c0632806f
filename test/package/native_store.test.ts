// The build of the native store where something is missing: it says what, and leaves nothing. That
// what it builds works is for test/table to show, where it was built.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newDirectory, runNode } from '../support/program.ts'

const script = join(import.meta.dirname, '../../../scripts/build_native_store.js')
const options = {
  skip: process.platform === 'linux' ? false : 'the native store is made for Linux',
}

async function build(t: TestContext, env: Record<string, string>) {
  const cwd = await newDirectory()
  const ended = await runNode(t, [script, '--out', 'out', '--cache', 'cache'], { cwd, env })
  assert.equal(ended.code, 1, ended.out)
  assert.ok(!existsSync(join(cwd, 'out', 'euphorion_store.node')))
  const cached = existsSync(join(cwd, 'cache')) ? readdirSync(join(cwd, 'cache')) : []
  assert.deepEqual(cached, [])
  assert.equal(ended.err.trim().split('\n').length, 1, ended.err)
  return ended.err
}

/** A registry, and a home in which no tool has anything. */
async function registry(t: TestContext, answer: RequestListener): Promise<Record<string, string>> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const home = await newDirectory()
  return { EUPHORION_MAVEN_URL: url, EUPHORION_CRATES_URL: url, HOME: home, CXX: 'node' }
}

test('without a compiler it says so', options, async (t) => {
  const says = await build(t, { CXX: 'no-such-compiler' })
  assert.match(says, /^build:native:store: there is no C\+\+ compiler \(CXX=no-such-compiler/)
})

test('a library that cannot be fetched: what was tried, and its answer', options, async (t) => {
  const asked: (string | undefined)[] = []
  const sources = await registry(t, (request, response) => {
    asked.push(request.url)
    response.writeHead(404).end()
  })
  const says = await build(t, sources)
  assert.match(says, /rocksdbjni-[\d.]+\.jar cannot be had \(http:[^ ]+: it answers 404\)/)
  assert.match(String(asked), /^\/org\/rocksdb\/rocksdbjni\/[\d.]+\/rocksdbjni-[\d.]+\.jar$/)
})

test('a file with another checksum is not taken', options, async (t) => {
  const sources = await registry(t, (_, response) => response.end('not a jar'))
  const says = await build(t, sources)
  assert.match(says, /cannot be had \(http:[^ ]+: it is another file than it should be\)/)
})
