// How far a consumer has come whose events are acknowledged in any order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PendingOffsets } from '../../src/stream/pending_offsets.ts'

/** What would be committed, were `position` the offset of the next event. */
const committed = (pending: PendingOffsets, position: number): number =>
  Math.min(pending.first(), position)

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

for (const { name, there, acked, offset, left } of [
  { name: 'nothing acknowledged', there: range(1, 11), acked: [], offset: 1, left: [] },
  { name: 'all acknowledged', there: range(1, 11), acked: range(1, 11), offset: 11, left: [] },
  {
    name: 'the longest run counts, what is behind the hole waits',
    there: range(1, 11),
    acked: [1, 2, 3, 4, 6, 7, 8, 10],
    offset: 5,
    left: [6, 7, 8, 10],
  },
  {
    name: 'a hole near the beginning',
    there: range(1, 11),
    acked: [1, 3, 4, 6, 7, 8, 10],
    offset: 2,
    left: [3, 4, 6, 7, 8, 10],
  },
  {
    name: 'an offset that compaction or a transaction took holds nothing up',
    there: [1, 2, 3, 4, 6, 7, 8, 9, 10],
    acked: [1, 2, 3, 4, 6, 7, 8, 10],
    offset: 9,
    left: [10],
  },
  {
    name: 'several of them',
    there: [1, 3, 4, 6, 7, 8, 10],
    acked: [1, 3, 4, 6, 7, 8, 10],
    offset: 11,
    left: [],
  },
])
  test(name, () => {
    const pending = new PendingOffsets()
    for (const each of there) pending.add(each)
    for (const each of acked) assert.equal(pending.delete(each), true)
    assert.equal(committed(pending, 11), offset)
    assert.deepEqual(
      acked.filter((each) => each > offset),
      left,
    )
    assert.deepEqual(
      [...pending],
      there.filter((each) => !acked.includes(each)),
    )
  })

test('it says what a sorted set would, whatever the order of adding and acknowledging', () => {
  const steps = fc.array(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (all) => {
      const pending = new PendingOffsets()
      const model = new Set<number>()
      for (const [offset, adds] of all) {
        if (adds && !model.has(offset)) {
          pending.add(offset)
          model.add(offset)
        } else if (!adds) assert.equal(pending.delete(offset), model.delete(offset))
        const sorted = [...model].sort((a, b) => a - b)
        assert.deepEqual([...pending], sorted)
        assert.equal(pending.size, sorted.length)
        assert.equal(pending.first(), sorted[0] ?? Number.POSITIVE_INFINITY)
        assert.equal(pending.has(offset), model.has(offset))
      }
    }),
  )
})

test('offsets that are long gone take no room, with one that is held for ever too', () => {
  const pending = new PendingOffsets()
  pending.add(0)
  for (let offset = 1; offset < 10_000; offset++) pending.add(offset)
  for (let offset = 9999; offset > 0; offset--) pending.delete(offset)
  assert.deepEqual([...pending], [0])
  assert.equal(pending.delete(0), true)
  for (let offset = 10_000; offset < 20_000; offset++) {
    pending.add(offset)
    assert.equal(pending.first(), offset)
    pending.delete(offset)
  }
  assert.equal(pending.size, 0)
})
