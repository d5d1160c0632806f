// Rows of a changelog on their way to a store: whatever ends a copy, the next one goes on from what
// the store says, and comes to the same.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { ROW_DELETE, ROW_PUT } from '../../src/batch/rows.ts'
import type { ChangelogMeta } from '../../src/table/changelog.ts'
import {
  readChangelogPosition,
  readPosition,
  readSources,
  writeChangelogPosition,
  writePosition,
} from '../../src/table/meta.ts'
import { openStore } from '../../src/table/open.ts'
import { RowWriter } from '../../src/table/packed.ts'
import {
  CopiedSources,
  dropTable,
  leaveChangelog,
  markStale,
  TableCopy,
  tableRange,
} from '../../src/table/recovery.ts'
import type { Store } from '../../src/table/store.ts'
import { rocksdbKinds } from '../support/stores.ts'

const TABLE = 3
const now = () => 1000
const counters = (nextOffset: number) => {
  return { nextOffset, streamTimeMs: 1, counted: nextOffset, late: 0, bad: 0, filtered: 0 }
}

async function copyInto(store: Store, loadBytes?: number): Promise<TableCopy> {
  const sources = await CopiedSources.of(store)
  const options = { store, table: TABLE, sources, topicId: 'id', isBehind: undefined, now }
  return new TableCopy({ ...options, ...(loadBytes && { loadBytes }) })
}

const keyOf = (number: number): Buffer => Buffer.from([0, TABLE, number >> 8, number & 255])

async function inStore(kind: Store['kind'] | 'memory', work: (store: Store) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-copy-'))
  const store = await openStore(kind, join(directory, 'store'))
  try {
    await work(store)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Keys that change, by batch; a negative one is deleted. What is done after it. */
const batches = fc.array(
  fc.record({
    keys: fc.array(fc.integer({ min: -20, max: 40 }), { maxLength: 30 }),
    bulk: fc.boolean(),
    after: fc.constantFrom('go on', 'go on', 'crash', 'close'),
  }),
  { minLength: 1, maxLength: 12 },
)

for (const kind of ['memory', ...rocksdbKinds] as const)
  test(`later rows win, in bulk or not, whatever breaks off (${kind})`, () =>
    inStore(kind, async (store) => {
      let run = 0
      const property = fc.asyncProperty(batches, async (all) => {
        const { gte, lt } = tableRange(TABLE)
        await dropTable(store, TABLE, { nextOffset: 0, atMs: 0, state: 'between' })
        const rowsOf = (index: number): Uint8Array => {
          const rows = new RowWriter()
          for (const key of all[index].keys) {
            const value = Buffer.from(`${run} ${index}`)
            rows.add(
              key < 0 ? ROW_DELETE : ROW_PUT,
              keyOf(Math.abs(key)),
              key < 0 ? Buffer.alloc(0) : value,
            )
          }
          return rows.take()
        }
        run++
        let copy = await copyInto(store, 200)
        const broken = new Set<number>()
        for (let next = 0; next < all.length; ) {
          const { bulk, after } = all[next]
          const meta: ChangelogMeta = { shape: '', position: counters(next), sources: { t: next } }
          await copy.put(rowsOf(next), meta, next + 1, bulk)
          next++
          if (after === 'go on' || broken.has(next)) continue
          broken.add(next)
          if (after === 'close') await copy.flush()
          else await copy.drop()
          copy = await copyInto(store, 200)
          next = (await readChangelogPosition(store, TABLE))!.nextOffset
        }
        await copy.finish(all.length)
        const wanted = new Map<string, string>()
        for (const [index, { keys }] of all.entries())
          for (const key of keys) {
            const name = keyOf(Math.abs(key)).toString('hex')
            if (key < 0) wanted.delete(name)
            else wanted.set(name, `${run} ${index}`)
          }
        const found = new Map<string, string>()
        for await (const [key, value] of store.scan({ gte, lt }))
          found.set(key.toString('hex'), value.toString())
        assert.deepEqual(
          [...found],
          [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)),
        )
        assert.deepEqual(await readPosition(store, TABLE), counters(all.length - 1))
        const { nextOffset, state } = (await readChangelogPosition(store, TABLE))!
        assert.deepEqual([nextOffset, state], [all.length, undefined])
      })
      await fc.assert(property, { numRuns: kind === 'memory' ? 200 : 40 })
    }))

test('sources of several tables are the later ones of each topic', () =>
  inStore('memory', async (store) => {
    const sources = await CopiedSources.of(store)
    assert.deepEqual(sources.merge({ a: 5, b: 1 }), { a: 5, b: 1 })
    assert.deepEqual(sources.merge({ a: 3, c: 2 }), { a: 5, b: 1, c: 2 })
    const copy = await copyInto(store)
    await copy.put(new Uint8Array(0), { shape: '', sources: { a: 7 } }, 1, false)
    assert.deepEqual(await readSources(store), { a: 7 })
  }))

test('stale rows have no position, and a table that leaves its changelog must be whole', () =>
  inStore('memory', async (store) => {
    const batch = store.batch()
    batch.put(keyOf(1), Buffer.from('row'))
    writePosition(batch, TABLE, counters(9))
    writeChangelogPosition(batch, TABLE, { nextOffset: 4, atMs: 1 })
    await batch.commit()
    await leaveChangelog(store, 'counts', TABLE)
    assert.equal(await readChangelogPosition(store, TABLE), undefined)
    assert.deepEqual(await readPosition(store, TABLE), counters(9))
    await leaveChangelog(store, 'counts', TABLE)
    await markStale(store, TABLE)
    assert.equal(await readPosition(store, TABLE), undefined)
    await assert.rejects(leaveChangelog(store, 'counts', TABLE), { code: 'STATE_LOST' })
  }))
