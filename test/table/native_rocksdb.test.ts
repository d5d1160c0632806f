// What only the native store does: it shares its files with the package, makes copies, and ends in
// order whatever is under way. Run where it is built.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ROW_DELETE, ROW_PUT } from '../../src/batch/rows.ts'
import { nativeStoreAddon } from '../../src/table/native_rocksdb_addon.ts'
import { openStore, storeKind } from '../../src/table/open.ts'
import { RowWriter } from '../../src/table/packed.ts'
import type { Store } from '../../src/table/store.ts'
import { isError } from '../support/coded_errors.ts'
import { runNode } from '../support/program.ts'

const built = nativeStoreAddon() !== undefined
const options = { skip: built ? false : 'the native store is not built' }

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'euphorion-native-store-'))
})
after(async () => {
  await rm(directory, { recursive: true, force: true })
})

const kinds = ['rocksdb-package', 'rocksdb-native'] as const
type Kind = (typeof kinds)[number]
const text = new TextEncoder()
const keyOf = (row: number) => text.encode(`row ${String(row).padStart(6, '0')}`)

/** A store of either kind beside what it should hold. */
class Model {
  readonly rows = new Map<number, string>()
  readonly path: string

  constructor(name: string) {
    this.path = join(directory, name)
  }

  async with(kind: Kind, work: (store: Store) => Promise<void>): Promise<void> {
    const store = await openStore(kind, this.path, { writeBufferBytes: 65536 })
    try {
      await this.check(store)
      await work(store)
      await this.check(store)
    } finally {
      await store.close()
    }
  }

  async write(store: Store, numbers: readonly number[], value: string): Promise<void> {
    const rows = new RowWriter()
    for (const row of numbers) {
      if (row % 10 === 9) this.rows.delete(row)
      else this.rows.set(row, value)
      rows.add(row % 10 === 9 ? ROW_DELETE : ROW_PUT, keyOf(row), text.encode(value))
    }
    const batch = store.batch()
    await batch.putRows(rows.take())
    await batch.commit()
  }

  async deleteRange(store: Store, from: number, to: number): Promise<void> {
    await store.deleteRange(keyOf(from), keyOf(to))
    for (let row = from; row < to; row++) this.rows.delete(row)
  }

  async load(store: Store, numbers: readonly number[], value: string): Promise<void> {
    const rows = new RowWriter()
    for (const row of numbers) {
      this.rows.set(row, value)
      rows.add(ROW_PUT, keyOf(row), text.encode(value))
    }
    const load = store.load()
    await load.putRows(rows.take())
    await load.finish()
  }

  async check(store: Store): Promise<void> {
    const found: [number, string][] = []
    for await (const [key, value] of store.scan({}))
      found.push([Number(key.toString().slice(4)), value.toString()])
    assert.deepEqual(
      found,
      [...this.rows].sort(([a], [b]) => a - b),
    )
    for (const row of [0, 1, 9, 500, 777, 1999])
      assert.equal((await store.get(keyOf(row)))?.toString(), this.rows.get(row))
  }
}

const upTo = (end: number, step = 1) =>
  Array.from({ length: Math.ceil(end / step) }, (_, n) => n * step)

/** From a few rows in the log of writes only, to tables of several levels. */
const sizes = { small: 40, flushed: 4000, compacted: 60_000 }

describe('the two kinds of RocksDB share their files', options, () => {
  for (const [first, second] of [kinds, kinds.toReversed()]) {
    for (const [size, rows] of Object.entries(sizes)) {
      test(`${first} and ${second} in turn, ${size}`, async () => {
        const model = new Model(`${first}-${size}`)
        for (const [round, kind] of [first, second, first, second].entries()) {
          await model.with(kind, async (store) => {
            const step = 1 + (round % 3)
            const numbers = upTo(rows, step).reverse()
            for (let at = 0; at < numbers.length; at += 3000)
              await model.write(store, numbers.slice(at, at + 3000), `${kind} ${round}`)
            await model.deleteRange(store, 10 + round, rows >> (round + 1))
            await model.load(store, upTo(rows, 7).slice(0, 500), `loaded ${round}`)
          })
        }
        await model.with(first, async () => undefined)
      })
    }
  }

  for (const kind of kinds)
    test(`tables of a version to come are refused: ${kind}`, async () => {
      const model = new Model(`foreign-${kind}`)
      await model.with('rocksdb-package', async (store) => {
        for (const value of 'xyz') await model.write(store, upTo(4000), value)
      })
      const tables = readdirSync(model.path).filter((each) => each.endsWith('.sst'))
      assert.ok(tables.length > 0)
      for (const name of tables) {
        const bytes = readFileSync(join(model.path, name))
        bytes.writeUInt32LE(99, bytes.length - 12)
        writeFileSync(join(model.path, name), bytes)
      }
      const reading = model.with(kind, async () => undefined)
      const says = /cannot read/
      await assert.rejects(reading, isError('STORE_INCOMPATIBLE', says, { path: model.path }))
    })

  test('a store is open in one of them at a time, also within a process', async () => {
    for (const [first, second] of [kinds, kinds.toReversed()]) {
      const path = join(directory, `both-${first}`)
      const store = await openStore(first, path)
      await assert.rejects(openStore(second, path), isError('STORE_LOCKED', /is open/, { path }))
      await store.close()
      await (await openStore(second, path)).close()
    }
  })
})

describe('a copy', options, () => {
  test('holds the rows of its moment, for either kind', async () => {
    const model = new Model('copied')
    const path = join(directory, 'copy')
    await model.with('rocksdb-native', async (store) => {
      await model.write(store, upTo(3000), 'x')
      await store.checkpoint!(path)
      const says = /cannot copy the store/
      const refused = isError('STORE_FAILED', says, { path: model.path })
      await assert.rejects(store.checkpoint!(path), refused)
    })
    const rows = [...model.rows]
    await model.with('rocksdb-native', (store) => model.write(store, upTo(100), 'later'))
    for (const kind of kinds) {
      const copy = new Model('copy')
      for (const [row, value] of rows) copy.rows.set(row, value)
      await copy.with(kind, async () => undefined)
    }
  })
})

/** How a process, or a thread of one, may end while work is under way: its exit code. */
const endings = {
  'not closed': 0,
  closed: 0,
  exit: 7,
  thrown: 1,
  'worker not closed': 0,
  'worker terminated': 0,
}

describe('an end while work is under way leaves whole batches and no lock', options, () => {
  for (const [ending, code] of Object.entries(endings))
    test(ending, async () => {
      const path = join(directory, `ending ${ending}`)
      const file = fileURLToPath(new URL('./store_ending.js', import.meta.url))
      for (let turn = 0; turn < 3; turn++) {
        const child = fork(file, [path, ending], { silent: true })
        assert.deepEqual(await once(child, 'exit'), [code, null])
        const store = await openStore('rocksdb-native', path)
        const round = (await store.get(text.encode('!round')))?.toString()
        let rows = 0
        for await (const [key, value] of store.scan({ gte: text.encode('row') })) {
          assert.equal(value.toString(), round, key.toString())
          rows++
        }
        assert.equal(rows, 2000)
        await store.close()
        assert.ok(!existsSync(join(path, 'loads')), 'what a load has left is removed')
      }
    })
})

const tell = `
const { openStore, storeKind } = await import(process.argv[1])
console.log(storeKind('rocksdb'))
await openStore('rocksdb-native', '').catch((error) => console.log(error.code, error.message))
`

test('the native store is taken where it is, unless EUPHORION_NATIVE is 0', async (t) => {
  assert.equal(storeKind('rocksdb'), built ? 'rocksdb-native' : 'rocksdb-package')
  assert.equal(storeKind('rocksdb-package'), 'rocksdb-package')
  const open = new URL('../../src/table/open.js', import.meta.url).href
  const ended = await runNode(t, ['--input-type=module', '-e', tell, open], {
    cwd: directory,
    env: { EUPHORION_NATIVE: '0' },
  })
  const [kind, refusal] = ended.out.trim().split('\n')
  assert.equal(kind, 'rocksdb-package')
  assert.match(refusal, /^STORE_UNAVAILABLE there is no native store: EUPHORION_NATIVE is 0/)
})
