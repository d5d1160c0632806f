// A process that commits batches is killed at random points; the store holds whole batches only.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/clock.ts'
import { openStore } from '../../src/table/open.ts'

const writer = fileURLToPath(new URL('./store_writer.js', import.meta.url))
const ROWS = 3000

/** Starts the writer and kills it a little after it has committed `commits` more batches. */
async function runAndKill(path: string, commits: number, delayMs: number): Promise<number> {
  const child = fork(writer, [path, String(ROWS)])
  let acknowledged = 0
  let seen = 0
  child.on('message', (offset: number) => {
    acknowledged = offset
    if (++seen === commits) setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL')
  return acknowledged
}

test('after kill -9 the rows are those of exactly the offset that the store holds', async (t) => {
  const seed = (process.pid * 7919) >>> 0
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-crash-'))
  try {
    for (let turn = 0; turn < 8; turn++) {
      const acknowledged = await runAndKill(directory, 1 + Math.floor(random() * 4), random() * 12)
      const store = await openStore('rocksdb', directory)
      const offset = Number((await store.get(Buffer.from('!offset')))?.toString())
      assert.ok(
        offset >= acknowledged,
        `offset ${offset}, acknowledged ${acknowledged}, seed ${seed}`,
      )
      let rows = 0
      for await (const [key, value] of store.scan({ gte: Buffer.from('row ') })) {
        assert.equal(Number(value.toString()), offset, `${key}, seed ${seed}`)
        rows++
      }
      assert.equal(rows, offset % 2 === 0 ? ROWS - ROWS / 3 : ROWS)
      await store.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
