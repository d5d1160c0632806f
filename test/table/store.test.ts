// The stores: the contract on each, and what only a store on disk does.
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { EuphorionError } from '../../src/errors.ts'
import { openStore } from '../../src/table/open.ts'
import { storeError } from '../../src/table/store_error.ts'
import { storeContract } from '../contract/store.ts'
import { rocksdbKinds } from '../support/stores.ts'

let directory = ''
let opened = 0
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'euphorion-store-'))
})
after(async () => {
  await rm(directory, { recursive: true, force: true })
})

storeContract('memory', () => openStore('memory', ''))
for (const kind of rocksdbKinds)
  storeContract(kind, () => openStore(kind, join(directory, `store-${opened++}`)))

const bytes = (text: string) => new TextEncoder().encode(text)
const coded = (code: string, path: string) => (error: unknown) =>
  error instanceof EuphorionError && error.code === code && error.message.includes(path)

for (const kind of rocksdbKinds) {
  test(`${kind}: rows are there after the store is opened again`, async () => {
    const path = join(directory, kind, 'again')
    const first = await openStore(kind, path, { writeBufferBytes: 65536, cacheBytes: 65536 })
    for (let turn = 0; turn < 20; turn++) {
      const batch = first.batch()
      for (let row = 0; row < 500; row++)
        batch.put(bytes(`${turn}-${row}`), new Uint8Array(100).fill(turn))
      await batch.commit()
    }
    await first.close()
    const second = await openStore(kind, path, { maxOpenFiles: 16 })
    let rows = 0
    for await (const [, value] of second.scan({})) rows += value.length === 100 ? 1 : 0
    assert.equal(rows, 10_000)
    assert.equal((await second.get(bytes('7-13')))?.[0], 7)
    await second.close()
  })

  test(`${kind}: a store that is open already is a coded error with its path`, async () => {
    const path = join(directory, `${kind}-locked`)
    const store = await openStore(kind, path)
    await assert.rejects(openStore(kind, path), coded('STORE_LOCKED', path))
    await store.close()
    await (await openStore(kind, path)).close()
  })

  test(`${kind}: a path that cannot be a directory is a coded error`, async () => {
    const file = join(directory, `${kind}-file`)
    await writeFile(file, 'x')
    await assert.rejects(openStore(kind, join(file, 'store')), coded('STORE_FAILED', file))
  })

  test(`${kind}: nothing is written when the disk has less room than the store must leave`, async () => {
    const path = join(directory, `${kind}-no-room`)
    const store = await openStore(kind, path, { minFreeBytes: Number.MAX_SAFE_INTEGER })
    for (let turn = 0; turn < 2; turn++) {
      const batch = store.batch()
      batch.put(bytes('a'), bytes('1'))
      await assert.rejects(batch.commit(), coded('DISK_FULL', path))
    }
    assert.equal(await store.get(bytes('a')), undefined)
    await store.close()
    const again = await openStore(kind, path)
    const batch = again.batch()
    batch.put(bytes('a'), bytes('1'))
    await batch.commit()
    assert.equal((await again.get(bytes('a')))?.toString(), '1')
    await again.close()
  })
}

test('a full disk is told apart from other failures', () => {
  const full = new Error('IO error: No space left on device: While appending to file: 000005.log')
  assert.equal(storeError('write to', '/data', full).code, 'DISK_FULL')
  assert.equal(storeError('write to', '/data', new Error('IO error')).code, 'STORE_FAILED')
})

test('without the package, opening says how to get it or to do without', async () => {
  const copy = join(directory, 'without')
  await cp(fileURLToPath(new URL('../../src', import.meta.url)), copy, { recursive: true })
  await writeFile(join(copy, 'package.json'), '{"type":"module"}')
  const open = await import(pathToFileURL(join(copy, 'table', 'open.js')).href)
  await assert.rejects(open.openStore('rocksdb', join(copy, 'store')), (error) => {
    assert.match(String(error), /rocksdb cannot be loaded/)
    return (error as { code?: string }).code === 'STORE_UNAVAILABLE'
  })
  await (await open.openStore('memory', '')).close()
})
