import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyReader } from '../../src/kernel/reference/keys.ts'
import {
  decodeCellKey,
  encodeCellKey,
  type KeyType,
  type KeyValue,
} from '../../src/record/cell_key.ts'

const noNaN = { noNaN: true }

// Unpaired surrogates included; a pair is a character of its own.
const texts = fc
  .array(fc.constantFrom('\0', '\x01', 'a', 'ÿ', '߿', '\ud800', '\udfff', '\uffff', '𐀀', '😀'), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''))

const valuesOf: Record<KeyType, fc.Arbitrary<KeyValue>> = {
  boolean: fc.boolean(),
  integer: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -2, max: 2 })),
  timestamp: fc.maxSafeInteger(),
  float64: fc.double(noNaN).map((n) => n + 0),
  float32: fc.float(noNaN).map((n) => n + 0),
  int64: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-2n, 2n)),
  string: texts,
}

const types = fc.array(fc.constantFrom(...(Object.keys(valuesOf) as KeyType[])), {
  minLength: 1,
  maxLength: 3,
})

/** A type list and two keys of it, often with the same first values. */
const pairs = types.chain((list) => {
  const key = fc.tuple(...list.map((type) => valuesOf[type]))
  return fc
    .tuple(key, key, fc.nat(list.length))
    .map(([a, b, same]) => [list, a, b.map((value, at) => (at < same ? a[at] : value))] as const)
})

/** Strings order by code points, as their UTF-8 does. */
function compareValues(a: KeyValue, b: KeyValue): number {
  if (typeof a !== 'string' || typeof b !== 'string') return a < b ? -1 : a > b ? 1 : 0
  const left = Array.from(a, (character) => character.codePointAt(0) as number)
  const right = Array.from(b, (character) => character.codePointAt(0) as number)
  for (let at = 0; at < Math.min(left.length, right.length); at++)
    if (left[at] !== right[at]) return left[at] - right[at]
  return left.length - right.length
}

test('keys come back from their bytes', () => {
  fc.assert(
    fc.property(pairs, ([list, a]) => {
      assert.deepEqual(decodeCellKey(list, encodeCellKey(list, a)), a)
    }),
  )
})

test('bytes order as the values do', () => {
  fc.assert(
    fc.property(pairs, ([list, a, b]) => {
      const first = list.findIndex((_, at) => compareValues(a[at], b[at]) !== 0)
      const expected = first < 0 ? 0 : Math.sign(compareValues(a[first], b[first]))
      assert.equal(Buffer.compare(encodeCellKey(list, a), encodeCellKey(list, b)), expected)
    }),
    { numRuns: 1000 },
  )
})

test('the reference kernel makes the same bytes', () => {
  fc.assert(
    fc.property(pairs, ([list, values]) => {
      const reader = new KeyReader({
        name: 'keys',
        value: undefined,
        columns: list.map((type, at) => ({ path: [`c${at}`], type })),
        where: undefined,
        key: { from: 'columns', columns: list.map((_, at) => at) },
        time: { from: 'record' },
        window: undefined,
        aggregates: [],
        maxFutureMs: 0,
      })
      assert.equal(reader.read(null, values), undefined)
      assert.equal(Buffer.compare(reader.bytes(), encodeCellKey(list, values)), 0)
    }),
  )
})

test('the bytes are those that batch/keys.ts describes', () => {
  const hex = (list: KeyType[], values: KeyValue[]) =>
    Buffer.from(encodeCellKey(list, values)).toString('hex')
  assert.equal(hex(['string'], ['a\0é']), '6100c3a9')
  assert.equal(hex(['string'], ['\ud800']), 'eda080')
  assert.equal(hex(['string', 'boolean'], ['a\0', true]), '6100ff000001')
  assert.equal(hex(['integer'], [1]), 'bff0000000000000')
  assert.equal(hex(['float64'], [-1]), '400fffffffffffff')
  assert.equal(hex(['float64'], [-0]), '8000000000000000')
  assert.equal(hex(['int64'], [-1n]), '7fffffffffffffff')
  assert.equal(hex(['int64', 'string'], [1n, '']), '80000000000000010000')
})
