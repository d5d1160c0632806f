// The order of rows for a memtable: all of them, rows of a key in their order, neighbours together.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eachRow, ROW_PUT } from '../../src/batch/rows.ts'
import { RowWriter } from '../../src/table/packed.ts'
import { rowEnd, rowsByKey } from '../../src/table/row_order.ts'

function pack(keys: readonly Uint8Array[]): Uint8Array {
  const rows = new RowWriter()
  keys.forEach((key, i) => {
    rows.add(ROW_PUT, key, Buffer.from(`${i}`))
  })
  return rows.take()
}

function ordered(rows: Uint8Array): { key: string; index: number }[] {
  return Array.from(rowsByKey(rows), (place) => {
    const found: { key: string; index: number }[] = []
    eachRow(rows.subarray(place, rowEnd(rows, place)), (_, keyStart, keyEnd, valueEnd) => {
      const text = (from: number, to: number) =>
        Buffer.from(rows.subarray(place + from, place + to)).toString('latin1')
      found.push({ key: text(keyStart, keyEnd), index: Number(text(keyEnd, valueEnd)) })
    })
    return found[0]
  })
}

const keys = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.array(fc.constantFrom(0, 0, 0, 1), { maxLength: 200 }).map((each) => Uint8Array.from(each)),
  fc.nat(50).map((n) => Buffer.from(`\0\x01a long prefix that all have ${n % 7} ${n}`)),
)

test('every row is there once, and rows of one key are in the order in which they came', () => {
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 300 }), (all) => {
      const found = ordered(pack(all))
      assert.deepEqual(
        found.map(({ index }) => index).sort((a, b) => a - b),
        all.map((_, i) => i),
      )
      const last = new Map<string, number>()
      for (const { key, index } of found) {
        assert.ok((last.get(key) ?? -1) < index)
        last.set(key, index)
      }
    }),
  )
})

test('keys of many windows are in order but for neighbours', () => {
  const random = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 20_000)
  const all = random.map((n) => {
    const key = Buffer.alloc(12 + 10)
    key.writeUInt16BE(1)
    key.writeBigUInt64BE((1n << 63n) + BigInt((n % 10) * 60_000), 2)
    key.write(`user${String(n).padStart(6, '0')}`, 12)
    return key
  })
  const found = ordered(pack(all)).map(({ key }) => key)
  const place = new Map([...found].sort().map((key, i) => [key, i]))
  for (const [i, key] of found.entries()) assert.ok(Math.abs(place.get(key)! - i) < 32)
})

test('keys that differ only far behind are given up on', () => {
  const all = Array.from({ length: 100 }, (_, i) => new Uint8Array((i * 37) % 5000))
  assert.equal(ordered(pack(all)).length, 100)
  assert.deepEqual(ordered(new Uint8Array(0)), [])
})
