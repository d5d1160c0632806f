import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import { Bad } from '../../src/record/bad.ts'
import * as field from '../../src/record/fields.ts'
import { decodeJson, encodeJson } from '../../src/record/json.ts'
import { record } from '../../src/record/record.ts'
import type { FieldSchema } from '../../src/record/schema.ts'

const { boolean, float64, int64, integer, nullable, optional, string } = field

function decode(type: { schema: FieldSchema }, text: string): unknown {
  const value = decodeJson(type.schema, Buffer.from(text))
  return value instanceof Bad ? value.reason : value
}

const Reading = record('Reading', { id: string(), value: float64() })

test('an event has the declared fields only, in declared order', () => {
  const text = '{"value":1.5,"more":{"__proto__":[1]},"id":"a","__proto__":{"id":2}}'
  const event = decode(Reading, text) as object
  assert.deepEqual(Object.entries(event), Object.entries({ id: 'a', value: 1.5 }))
  assert.equal(Object.getPrototypeOf(event), Object.prototype)
  assert.equal(JSON.stringify({ ...event }), '{"id":"a","value":1.5}')
})

test('of duplicate names the last one counts, also when an earlier one is wrong', () => {
  assert.deepEqual(decode(Reading, '{"id":3,"value":1,"id":"b"}'), { id: 'b', value: 1 })
  assert.equal(decode(Reading, '{"id":"b","value":1,"id":3}'), 'wrong-type')
  const Big = record('Big', { n: int64(), inner: record('Inner', { m: int64() }) })
  const text = '{"n":"x","inner":1,"n":9007199254740993,"inner":{"m":1.5,"m":2}}'
  assert.deepEqual(decode(Big, text), { n: 9_007_199_254_740_993n, inner: { m: 2n } })
})

test('every kind of bad bytes has its reason', () => {
  const cases: [string | Buffer, string][] = [
    ['', 'invalid-json'],
    ['{"id":"a","value":1', 'invalid-json'],
    ['{"id":"a","value":1} x', 'invalid-json'],
    ['{"id":"a","value":NaN}', 'invalid-json'],
    ['{"id":"\\x","value":1}', 'invalid-json'],
    ['\ufeff{"id":"a","value":1}', 'invalid-json'],
    [Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'invalid-utf8'],
    [Buffer.from([0xed, 0xa0, 0x80]), 'invalid-utf8'],
    ['[]', 'not-an-object'],
    ['null', 'not-an-object'],
    ['"x"', 'not-an-object'],
    ['{"id":"a"}', 'missing-field'],
    ['{"id":null,"value":1}', 'wrong-type'],
    ['{"id":"a","value":"1"}', 'wrong-type'],
    ['{"value":"1"}', 'missing-field'],
    ['{"id":7}', 'wrong-type'],
  ]
  for (const [bytes, reason] of cases) {
    const value = decodeJson(Reading.schema, Buffer.from(bytes as string))
    assert(value instanceof Bad, String(bytes))
    assert.equal(value.reason, reason, String(bytes))
  }
})

test('an inherited name is no field', () => {
  const Odd = record('Odd', { constructor: optional(string()), toString: string() })
  assert.equal(decode(Odd, '{}'), 'missing-field')
  assert.deepEqual(Object.keys(decode(Odd, '{"toString":"x"}') as object), ['toString'])
  assert.throws(() => encodeJson(Odd.schema, {}), /Odd\.toString: expected a string, got undefined/)
})

test('optional is absent, nullable is null, and neither is the other', () => {
  const Sparse = record('Sparse', {
    a: integer(),
    b: optional(integer()),
    c: nullable(integer()),
    d: optional(nullable(integer())),
    e: integer(),
  })
  assert.deepEqual(decode(Sparse, '{"e":3,"c":null,"a":1}'), { a: 1, c: null, e: 3 })
  const full = decode(Sparse, '{"e":3,"d":null,"c":2,"b":0,"a":1}') as object
  assert.deepEqual(Object.keys(full), ['a', 'b', 'c', 'd', 'e'])
  assert.equal(decode(Sparse, '{"a":1,"e":3}'), 'missing-field')
  assert.equal(decode(Sparse, '{"a":1,"b":null,"c":1,"e":3}'), 'wrong-type')
  assert.equal(
    Buffer.from(encodeJson(Sparse.schema, { a: 1, c: null, e: 3 })).toString(),
    '{"a":1,"c":null,"e":3}',
  )
})

test('each type reads what it should and nothing else', () => {
  const cases: [{ schema: FieldSchema }, Record<string, unknown>, string[]][] = [
    [boolean(), { true: true, false: false }, ['1', '"true"', 'null']],
    [
      integer(),
      { '1e3': 1000, '10.0': 10, '-9007199254740991': -9007199254740991 },
      ['1.5', '9007199254740992', '"1"', '1e400'],
    ],
    [
      int64(),
      { '9007199254740993': 9007199254740993n, '1e3': 1000n, '10.0': 10n, '-0': 0n, '12': 12n },
      [
        '1.5',
        '1e-400',
        '1e19',
        '9223372036854775808',
        '"1"',
        '0.99999999999999999999',
        'true',
        '[1]',
        '1e400',
      ],
    ],
    [float64(), { '1e400': Number.POSITIVE_INFINITY, '-0': -0, '0.1': 0.1 }, ['"NaN"', 'null']],
    [field.float32(), { '0.1': Math.fround(0.1), '1e39': Number.POSITIVE_INFINITY }, ['"1"']],
    [string(), { '"\\ud800x"': '\ud800x', '"é"': 'é' }, ['1', 'null']],
    [
      field.bytes(),
      { '""': new Uint8Array(0), '"AP8="': Uint8Array.of(0, 255) },
      ['"AP8"', '"A?8="', '"A==="', '1', '"AA=A"'],
    ],
    [
      field.timestamp(),
      { '5': 5, '"1970-01-01T00:00:00.005Z"': 5, '-1': -1 },
      ['1.5', '"x"', '"5"', 'true'],
    ],
    [
      field.date(),
      { '5': new Date(5), '"1970-01-02"': new Date(86_400_000) },
      ['1.5', '"x"', '9e15', 'null'],
    ],
    [
      field.decimal(),
      {
        '"1.20"': '1.20',
        '1.20': '1.20',
        '12345678901234567890.5': '12345678901234567890.5',
        '1e-3': '0.001',
      },
      ['"x"', 'true', '""', '"NaN"'],
    ],
    [
      field.literal('a', 3, true),
      { '"a"': 'a', '3.0': 3, true: true },
      ['"b"', '4', 'false', '"3"'],
    ],
    [
      field.union(int64(), string()),
      { '9007199254740993': 9007199254740993n, '"x"': 'x' },
      ['1.5', 'null', '[]'],
    ],
    [
      field.array(nullable(int64())),
      { '[ ]': [], '[1 , null,9007199254740993 ]': [1n, null, 9007199254740993n] },
      ['[1.5]', '{}', '["1"]'],
    ],
    [field.map(integer()), { '{"a":1,"b":2,"a":3}': { a: 3, b: 2 } }, ['{"a":"1"}', '[]', '1']],
    [nullable(Reading), { null: null, '{"id":"","value":0}': { id: '', value: 0 } }, ['[]', '{}']],
  ]
  for (const [type, good, bad] of cases) {
    for (const [text, value] of Object.entries(good))
      assert.deepEqual(decode(type, text), value, `${type.schema.type} ${text}`)
    for (const text of bad)
      assert(
        decodeJson(type.schema, Buffer.from(text)) instanceof Bad,
        `${type.schema.type} ${text}`,
      )
  }
})

test('a map keeps any name, also __proto__', () => {
  for (const [type, value] of [
    [field.map(integer()), 1],
    [field.map(int64()), 9007199254740993n],
  ] as const) {
    const text = `{"__proto__":${value},"constructor":${value}}`
    const map = decode(type, text) as Record<string, unknown>
    assert.deepEqual(Object.entries(map), [
      ['__proto__', value],
      ['constructor', value],
    ])
    assert.equal(Buffer.from(encodeJson(type.schema, map)).toString(), text)
  }
})

test('an undeclared value nested as deep as JSON.parse goes does not overflow the stack', () => {
  const Big = record('Big', { n: int64() })
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  assert.deepEqual(decode(Big, `{"x":${deep},"n":9007199254740993}`), { n: 9007199254740993n })
})

test('an event that does not fit is refused with its path', () => {
  const Order = record('Order', {
    lines: field.array(record('Line', { price: field.decimal() })),
    tags: field.map(float64()),
    at: optional(field.date()),
    kind: field.literal('a', 'b'),
    n: int64(),
    blob: field.bytes(),
  })
  const good = { lines: [{ price: '1.0' }], tags: {}, kind: 'a', n: 1n, blob: Uint8Array.of(1) }
  assert.equal(
    Buffer.from(encodeJson(Order.schema, good)).toString(),
    '{"lines":[{"price":"1.0"}],"tags":{},"kind":"a","n":1,"blob":"AQ=="}',
  )
  const cases: [object, string][] = [
    [
      { lines: [{ price: '1' }, { price: 'x' }] },
      "Order.lines[1].price: expected a decimal number as a string, got 'x'",
    ],
    [{ tags: { a: 1, 'b c': Number.NaN } }, 'Order.tags["b c"]: expected a finite number, got NaN'],
    [{ tags: { a: '1' } }, 'Order.tags["a"]: expected a number, got \'1\''],
    [{ at: new Date(Number.NaN) }, 'Order.at: expected a valid Date, got Invalid Date'],
    [{ at: null }, 'Order.at: expected a valid Date, got null'],
    [{ kind: 'c' }, 'Order.kind: expected "a" or "b", got \'c\''],
    [{ n: 1 }, 'Order.n: expected a bigint of 64 bits, got 1'],
    [{ n: 2n ** 63n }, 'Order.n: expected a bigint of 64 bits, got 9223372036854775808n'],
    [{ blob: [1] }, 'Order.blob: expected a Uint8Array, got [ 1 ]'],
    [{ lines: undefined }, 'Order.lines: expected an array, got undefined'],
  ]
  for (const [change, message] of cases)
    assert.throws(
      () => encodeJson(Order.schema, { ...good, ...change }),
      (error) =>
        error instanceof EuphorionError &&
        error.code === 'RECORD_INVALID' &&
        error.message === message,
      message,
    )
  assert.throws(() => encodeJson(Reading.schema, null), /Reading: expected an object, got null/)
})
