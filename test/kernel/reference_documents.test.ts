// The generators and the naive reference that the kernels are tested with: they are what they say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../src/clock.ts'
import { Bad } from '../../src/record/bad.ts'
import { jsonDecoder } from '../../src/record/json.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import {
  badDocument,
  badKinds,
  everythingSchema,
  goodDocument,
  pageViewSchema,
  randomValue,
} from '../support/documents.ts'
import { ExactSum, nearestRatio, ulpDistance } from '../support/exact.ts'
import { differenceOf, naive } from '../support/naive.ts'
import { type Json, readJson } from '../support/naive_json.ts'
import { byKey, hopping, keyed, NOW_MS, planOf, utf8 } from '../support/plans.ts'
import { jsonText } from '../support/random_json.ts'

/** Maps as plain objects, fields that are absent left out. */
function plain(json: Json): unknown {
  if (json instanceof Map)
    return Object.fromEntries([...json].map(([name, value]) => [name, plain(value)]))
  return Array.isArray(json) ? json.map(plain) : json
}

for (const schema of [pageViewSchema, everythingSchema] as RecordSchema[]) {
  test(`good ${schema.name} documents decode to their event, twice`, () => {
    const property = fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed)
      const event = randomValue(schema, random, 1_700_000_000_123)
      const bytes = utf8(jsonText(schema, event, random))
      // The readers round float32.
      const rounded = { ...(event as Record<string, unknown>) }
      if (typeof rounded.single === 'number') rounded.single = Math.fround(rounded.single)
      const decoded = jsonDecoder(schema)(bytes)
      assert.deepEqual({ ...(decoded as object) }, rounded)
      assert.deepEqual(plain(readJson(schema, bytes) as Json), rounded)
    })
    fc.assert(property, { numRuns: 500 })
  })

  for (const kind of badKinds)
    test(`bad ${schema.name} documents are bad for both readers: ${kind}`, () => {
      const property = fc.property(fc.integer(), (seed) => {
        const bytes = badDocument(schema, seededRandom(seed), 1_700_000_000_123, kind)
        const decoded = jsonDecoder(schema)(bytes)
        const read = readJson(schema, bytes)
        assert(decoded instanceof Bad, `${Buffer.from(bytes)}`)
        assert.deepEqual(read, { reason: decoded.reason })
      })
      fc.assert(property, { numRuns: 100 })
    })
}

test('good documents with fixed fields hold them', () => {
  const bytes = goodDocument(pageViewSchema, seededRandom(1), 5, { url: '/fixed' })
  const decoded = jsonDecoder(pageViewSchema)(bytes) as { url: string; ts: number }
  assert.deepEqual([decoded.url, decoded.ts], ['/fixed', 5])
})

test('exact sums are rounded once', () => {
  const sum = new ExactSum()
  for (const value of [1e308, 1e308, -1e308, 5e-324, 0.1, -1e308]) sum.add(value)
  assert.equal(sum.over(1), 0.1)
  const halves = new ExactSum()
  for (const value of [2 ** 53, 1]) halves.add(value)
  assert.equal(halves.over(1), 2 ** 53)
  halves.add(5e-324)
  assert.equal(halves.over(1), 2 ** 53 + 2)
  assert.equal(halves.over(3), 3002399751580331)
  const tiny = new ExactSum()
  for (let n = 0; n < 3; n++) tiny.add(5e-324)
  assert.equal(tiny.over(2), 1e-323)
  assert.equal(nearestRatio(-7n, 2), -3.5)
  assert.equal(nearestRatio(2n ** 64n + 1n, 1), 2 ** 64)
})

test('an ulp is the distance to the next double', () => {
  assert.equal(ulpDistance(1, 1 + Number.EPSILON), 1n)
  assert.equal(ulpDistance(-5e-324, 5e-324), 2n)
  assert.equal(ulpDistance(0, -0), 0n)
  assert.equal(ulpDistance(Number.NaN, 1) > 1n, true)
})

test('the naive reference: a worked example of hopping windows with grace', () => {
  const records = [
    keyed(0, 12, 'a'),
    keyed(1, 3, 'a'),
    keyed(2, 31, 'b'),
    keyed(3, 9, 'a'),
    keyed(4, 14, 'b'),
    keyed(5, 9, null),
  ]
  const window = hopping(20, 10, 5)
  const { rows, partitions } = naive(byKey({ window }), [records], NOW_MS)
  assert.deepEqual(rows, [
    { key: 'a', start: -10, end: 10, views: 1 },
    { key: 'a', start: 0, end: 20, views: 2 },
    { key: 'a', start: 10, end: 30, views: 1 },
    { key: 'b', start: 10, end: 30, views: 1 },
    { key: 'b', start: 20, end: 40, views: 1 },
    { key: 'b', start: 30, end: 50, views: 1 },
  ])
  assert.deepEqual(partitions, [
    {
      nextOffset: 6,
      streamTimeMs: 31,
      counted: 4,
      late: 1,
      bad: 1,
      filtered: 0,
      rejects: [
        { offset: 3, reason: 'late' },
        { offset: 5, reason: 'null-key' },
      ],
    },
  ])
})

test('rows that differ are shown', () => {
  const { rows } = naive(
    planOf({ value: undefined, columns: [], key: { from: 'record' } }),
    [[keyed(0, 1, 'a')]],
    NOW_MS,
  )
  assert.equal(differenceOf([{ key: 'a', start: 0, end: 0, views: 1 }], rows), undefined)
  assert.match(
    differenceOf([{ key: 'a', start: 0, end: 0, views: 2 }], rows)!,
    /"views":2.* should be /,
  )
  assert.match(differenceOf([], rows)!, /missing should be/)
  assert.match(differenceOf([{ key: 'a', start: 0, end: 0, views: 1, more: 1 }], rows)!, /row 0/)
})
