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
import { rocksdbKinds } from '../support/stores.ts'

const writer = fileURLToPath(new URL('./store_writer.js', import.meta.url))
const ROWS = 3000

type Kind = (typeof rocksdbKinds)[number]

/** Starts the writer and kills it a little after it has committed `commits` more batches. */
async function runAndKill(
  path: string,
  kind: Kind,
  { commits, delayMs }: { commits: number; delayMs: number },
): Promise<number> {
  const child = fork(writer, [path, String(ROWS), kind])
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

/** What writes, turn by turn, and what reads afterwards. */
const trials: readonly { title: string; writers: readonly Kind[]; reader: Kind }[] = [
  ...rocksdbKinds.map((kind) => ({ title: kind, writers: [kind], reader: kind })),
  ...(rocksdbKinds.includes('rocksdb-native')
    ? [
        {
          title: 'native and package in turn, read by the package',
          writers: ['rocksdb-native', 'rocksdb-package', 'rocksdb-native'] as const,
          reader: 'rocksdb-package' as const,
        },
        {
          title: 'package and native in turn, read by the native store',
          writers: ['rocksdb-package', 'rocksdb-package', 'rocksdb-native'] as const,
          reader: 'rocksdb-native' as const,
        },
      ]
    : []),
]

for (const { title, writers, reader } of trials)
  test(`${title}: after kill -9 the rows are those of exactly the offset that is held`, async (t) => {
    const seed = (process.pid * 7919) >>> 0
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    const directory = await mkdtemp(join(tmpdir(), 'euphorion-crash-'))
    try {
      for (let turn = 0; turn < 8; turn++) {
        const when = { commits: 1 + Math.floor(random() * 4), delayMs: random() * 12 }
        const acknowledged = await runAndKill(directory, writers[turn % writers.length], when)
        const store = await openStore(reader, directory)
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
        const bounds = { gte: Buffer.from('due'), lt: Buffer.from('due!') }
        for await (const [key] of store.scan(bounds))
          assert.ok(Number(key.toString().slice(4)) > acknowledged, `${key}, seed ${seed}`)
        await store.close()
      }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
