// A cut's rows over a store: every read gives what a plain map of both would.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ROW_DELETE, ROW_PUT } from '../../src/batch/rows.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import { Overlay } from '../../src/table/overlay.ts'
import { RowWriter } from '../../src/table/packed.ts'
import type { ScanOptions } from '../../src/table/store.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Undefined: deleted. */
type Row = readonly [key: string, value: string | undefined]

function pack(rows: readonly Row[]): Uint8Array {
  const writer = new RowWriter()
  for (const [key, value] of rows)
    writer.add(value === undefined ? ROW_DELETE : ROW_PUT, bytes(key), bytes(value ?? ''))
  return writer.take()
}

/** What a scan of the map gives. */
function expected(map: ReadonlyMap<string, string>, options: ScanOptions): string[] {
  const { gte, lt, reverse, limit } = options
  const keys = [...map.keys()].sort().filter((key) => {
    const isAbove = gte === undefined || Buffer.compare(bytes(key), gte) >= 0
    return isAbove && (lt === undefined || Buffer.compare(bytes(key), lt) < 0)
  })
  if (reverse) keys.reverse()
  return keys.slice(0, limit).map((key) => `${key}=${map.get(key)}`)
}

const key = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: 1, maxLength: 3 })
const text = key.map((codes) => String.fromCharCode(...codes))
const rows = fc.array(fc.tuple(text, fc.option(fc.constantFrom('', 'a', 'bc'), { nil: undefined })))
const bound = fc.option(
  text.map((each) => bytes(each)),
  { nil: undefined },
)
const scans = fc.record({
  gte: bound,
  lt: bound,
  reverse: fc.boolean(),
  limit: fc.option(fc.nat(6), { nil: undefined }),
})

test('reads through an overlay are those of a map of the store and the rows', async () => {
  await fc.assert(
    fc.asyncProperty(rows, rows, rows, scans, async (stored, added, later, options) => {
      const store = openMemoryStore()
      const batch = store.batch()
      await batch.putRows(pack(stored))
      await batch.commit()
      const overlay = new Overlay(store)
      const map = new Map<string, string>()
      const apply = (all: readonly Row[]) => {
        for (const [each, value] of all)
          if (value === undefined) map.delete(each)
          else map.set(each, value)
      }
      apply(stored)
      for (const part of [added, later]) {
        const packed = pack(part)
        overlay.add(packed)
        packed.fill(0xee)
        apply(part)
        const found: string[] = []
        for await (const [foundKey, value] of overlay.scan(options as ScanOptions))
          found.push(`${foundKey.toString('latin1')}=${value}`)
        assert.deepEqual(found, expected(map, options as ScanOptions))
        const asked = [...stored, ...added, ...later].map(([each]) => each)
        const values = asked.map((each) => map.get(each))
        const many = await overlay.getMany(asked.map(bytes))
        assert.deepEqual(
          many.map((value) => value?.toString()),
          values,
        )
        for (const [index, each] of asked.entries())
          assert.equal((await overlay.get(bytes(each)))?.toString(), values[index])
      }
      await store.close()
    }),
    { numRuns: 300 },
  )
})

test('a scan through an overlay may be left early, and run twice', async () => {
  const store = openMemoryStore()
  const overlay = new Overlay(store)
  overlay.add(pack([['a', '1']]))
  const batch = store.batch()
  batch.put(bytes('b'), bytes('2'))
  await batch.commit()
  const first = async () => {
    for await (const [found] of overlay.scan({})) return found.toString()
    return undefined
  }
  assert.equal(await first(), 'a')
  assert.equal(await first(), 'a')
  await store.close()
})
