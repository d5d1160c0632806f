import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Column, ColumnType } from '../../src/kernel/plan.ts'
import { reasons } from '../../src/kernel/plan.ts'
import { encodeSchemaBlock } from '../../src/kernel/schema_block.ts'
import { Bad } from '../../src/record/bad.ts'
import { decodeJson } from '../../src/record/json.ts'
import { parseTimestamp } from '../../src/record/scalar_text.ts'
import type { FieldSchema, RecordSchema } from '../../src/record/schema.ts'
import { JsonKernel } from '../support/json_kernel.ts'
import {
  anyStringText,
  mutated,
  numberText,
  objectText,
  timeText,
  valueText,
  wordText,
} from '../support/json_text.ts'

const record = (fields: Record<string, FieldSchema>, more: Partial<RecordSchema> = {}) =>
  ({ type: 'record', name: 'R', fields: Object.entries(fields), ...more }) as RecordSchema

const pageView = record({
  user: { type: 'string' },
  url: { type: 'string' },
  ms: { type: 'float64' },
  ts: { type: 'timestamp' },
})

const everything = record({
  flag: { type: 'boolean', nullable: true },
  whole: { type: 'integer', optional: true },
  long: { type: 'int64', optional: true, nullable: true },
  real: { type: 'float64' },
  small: { type: 'float32', optional: true },
  text: { type: 'string', optional: true, nullable: true },
  time: { type: 'timestamp', optional: true },
  raw: { type: 'bytes', optional: true },
  day: { type: 'date', optional: true, nullable: true },
  price: { type: 'decimal', optional: true },
  tags: { type: 'array', items: { type: 'int64' }, optional: true },
  kind: { type: 'literal', values: ['a', 1, true], optional: true },
  either: {
    type: 'union',
    members: [{ type: 'string', nullable: true }, { type: 'integer' }],
    optional: true,
  },
  bag: { type: 'map', values: { type: 'float64' }, optional: true },
})

const nested = record({
  a: record(
    {
      b: { type: 'integer', optional: true, nullable: true },
      c: record(
        { b: { type: 'string' }, d: { type: 'float64', optional: true } },
        { optional: true },
      ),
      empty: record({}, { optional: true }),
    },
    { nullable: true },
  ),
  b: { type: 'string', optional: true },
})

const oddNames = ['', '"', '\\', '\n', 'ü', '\ud83d\ude00', '\ud83d', '__proto__', 'constructor']
const longNames = [
  'fifteen_letters',
  'sixteen__letters',
  'sixteen__letterz',
  'seventeen_letters',
  'a name of more than sixty-three bytes, which no bit of the mask can tell apart',
]

const odd = record(
  Object.fromEntries(
    [...oddNames, ...longNames].map((name) => [name, { type: 'string', optional: true } as const]),
  ),
)

const wide = record(
  Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [
      `f${i}`,
      { type: 'integer', optional: i !== 70 } as const,
    ]),
  ),
)

const kernelTypes = new Set([
  'boolean',
  'integer',
  'int64',
  'float64',
  'float32',
  'string',
  'timestamp',
])

/** Every field that can be a column, in an order of its own. */
function columnsOf(schema: RecordSchema, path: readonly string[] = []): Column[] {
  return schema.fields
    .flatMap(([name, field]): Column[] => {
      if (field.type === 'record') return columnsOf(field, [...path, name])
      if (!kernelTypes.has(field.type)) return []
      return [{ path: [...path, name], type: field.type as ColumnType }]
    })
    .reverse()
}

function at(value: unknown, path: readonly string[]): unknown {
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/**
 * A column of good bytes, from what JSON.parse gives; only int64 needs the decoder's exact digits.
 */
function columnValue(bytes: Buffer, event: unknown, column: Column): unknown {
  if (column.type === 'int64') return at(event, column.path)
  const value = at(JSON.parse(bytes.toString()), column.path)
  if (column.type === 'timestamp' && typeof value === 'string') return parseTimestamp(value)
  return column.type === 'float32' && typeof value === 'number' ? Math.fround(value) : value
}

const tails = [
  '',
  '0',
  '1234567890.5e7',
  '"',
  '":1}',
  ',"url":"x"}',
  '   }',
  '}}}}',
  'ull',
  '\ud7ff',
]

/** The kernel says what the decoder of agents and of the reference says, whatever comes behind. */
function assertSame(kernel: JsonKernel, schema: RecordSchema, columns: Column[], value: Buffer) {
  const event = decodeJson(schema, value)
  const expected = event instanceof Bad ? reasons[event.reason] : 0
  const tail = Buffer.from(tails[value.length % tails.length].repeat(8))
  // Notes of other records, of another schema or of nobody are only guesses.
  if (value.length % 3 === 0) kernel.scramble(value.length & 255)
  const reason = kernel.extract(value, tail)
  assert.equal(reason, expected, `reason of ${JSON.stringify(value.toString())}`)
  if (expected !== 0) return
  assert.deepStrictEqual(
    kernel.values(),
    columns.map((column) => columnValue(value, event, column)),
  )
}

const wholes = fc.maxSafeInteger().map(String)
const good: Partial<Record<FieldSchema['type'], fc.Arbitrary<string>>> = {
  boolean: fc.constantFrom('true', 'false'),
  integer: fc.oneof(wholes, wholes, fc.constantFrom('-0', '1e3', '5.0', '90071992547409910e-1')),
  int64: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.constantFrom('1e3', '10.0', '-0', '922337203685477580700e-2'),
  ),
  float64: numberText,
  float32: numberText,
  string: anyStringText,
  timestamp: fc.oneof(wholes, fc.constantFrom('"2024-02-29T12:34:56.789Z"', '"1969-12-31"')),
  bytes: fc.constantFrom('"QUI="', '""', '"QUJD"', '"\\u0051UI="'),
  literal: fc.constantFrom('"a"', '1', 'true', '"\\u0061"', '1.0'),
}

function goodText(field: FieldSchema): fc.Arbitrary<string> {
  if (field.type === 'record') return goodRecord(field)
  return field.nullable ? fc.oneof(good[field.type]!, fc.constant('null')) : good[field.type]!
}

const nearly: Partial<Record<FieldSchema['type'], fc.Arbitrary<string>>> = {
  ...good,
  bytes: fc.constantFrom('"QUI="', '"QU"', '"Q!=="'),
  boolean: wordText,
  timestamp: fc.oneof(timeText, numberText),
  literal: fc.constantFrom('"a"', '1', '"ab"', '12', '1e0', 'null'),
}

function anyText(field: FieldSchema): fc.Arbitrary<string> {
  const right = field.type === 'record' ? anyRecord(field) : (nearly[field.type] ?? numberText)
  return fc.oneof({ arbitrary: right, weight: 6 }, { arbitrary: valueText, weight: 1 })
}

type Members = fc.Arbitrary<(readonly [name: string, value: string])[]>

const extra = fc.tuple(
  fc.constantFrom('other', 'ur', 'urll', 'flags', 'f149x', 'sixteen__letterx', 'veto'),
  valueText,
)

function members(schema: RecordSchema, text: (field: FieldSchema) => fc.Arbitrary<string>) {
  return schema.fields.map(([name, field]) => fc.tuple(fc.constant(name), text(field)))
}

/** Without the fields that `good` has no text for; they are optional. */
function usual(schema: RecordSchema): RecordSchema {
  const fields = schema.fields.filter(([, { type }]) => type === 'record' || good[type])
  return { ...schema, fields }
}

/**
 * Good documents: members in any order, undeclared ones, and duplicates that the last one corrects.
 */
function goodRecord(schema: RecordSchema): fc.Arbitrary<string> {
  const known = usual(schema)
  const all: Members = fc.tuple(...members(known, goodText))
  const wrong: Members = fc.array(fc.oneof(extra, ...members(known, anyText)), { maxLength: 4 })
  const shuffled: Members = fc
    .tuple(all, fc.array(extra, { maxLength: 3 }))
    .chain(([a, b]) => fc.shuffledSubarray([...a, ...b], { minLength: a.length + b.length }))
  return fc.oneof(
    objectText(all),
    objectText(shuffled),
    objectText(fc.tuple(wrong, shuffled).map(([a, b]) => [...a, ...b])),
  )
}

/** Documents with faults of type, absent fields, and duplicates that may spoil them. */
function anyRecord(schema: RecordSchema): fc.Arbitrary<string> {
  const any: Members = fc.tuple(...members(schema, anyText))
  const some: Members = fc.array(fc.oneof(extra, ...members(schema, anyText)), { maxLength: 9 })
  const right: Members = fc.tuple(...members(usual(schema), goodText))
  return fc.oneof(
    objectText(any),
    objectText(fc.tuple(right, some).map(([a, b]) => [...a, ...b])),
    objectText(right.chain((list) => fc.shuffledSubarray(list))),
  )
}

const schemas: Record<string, [RecordSchema, runs: number]> = {
  'a page view': [pageView, 4000],
  'all field types': [everything, 2500],
  'nested records': [nested, 3000],
  'names in need of escapes, long names': [odd, 1500],
  'more than 64 fields': [wide, 60],
}

for (const [name, [schema, numRuns]] of Object.entries(schemas)) {
  const columns = columnsOf(schema)
  test(`extracts what JSON.parse and the declared record give: ${name}`, () => {
    const kernel = new JsonKernel(schema, columns)
    fc.assert(
      fc.property(goodRecord(schema), (text) => {
        const value = Buffer.from(text)
        assert(!(decodeJson(schema, value) instanceof Bad), text)
        assertSame(kernel, schema, columns, value)
      }),
      { numRuns },
    )
    fc.assert(
      fc.property(anyRecord(schema), (text) =>
        assertSame(kernel, schema, columns, Buffer.from(text)),
      ),
      { numRuns },
    )
  })

  test(`refuses what JSON.parse or fatal UTF-8 refuse, after mutations: ${name}`, () => {
    const kernel = new JsonKernel(schema, columns)
    fc.assert(
      fc.property(mutated(fc.oneof(goodRecord(schema), anyRecord(schema))), (value) =>
        assertSame(kernel, schema, columns, value),
      ),
      { numRuns },
    )
  })
}

test('any JSON value and any bytes get the reason of the decoder', () => {
  const kernel = new JsonKernel(pageView, columnsOf(pageView))
  const check = (value: Buffer) => assertSame(kernel, pageView, columnsOf(pageView), value)
  fc.assert(
    fc.property(valueText, (text) => check(Buffer.from(text))),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (value) => check(Buffer.from(value))))
  for (const text of ['', ' ', '{', '}', '{}', ' {} ', '\ufeff{}', 'null', '{}{}', '{},', '{"a"}'])
    check(Buffer.from(text))
})

test('times are read as the decoder reads them', () => {
  const schema = record({ t: { type: 'timestamp' } })
  const columns = columnsOf(schema)
  const kernel = new JsonKernel(schema, columns)
  fc.assert(
    fc.property(
      fc.oneof(objectText(timeText.map((t) => [['t', t]])), mutated(timeText)),
      (text) => {
        const value = typeof text === 'string' ? text : `{"t":${text.toString('latin1')}}`
        assertSame(kernel, schema, columns, Buffer.from(value))
      },
    ),
    { numRuns: 5000 },
  )
  const days = fc.date({
    noInvalidDate: true,
    min: new Date('0000-01-01'),
    max: new Date('9999-12-31'),
  })
  fc.assert(
    fc.property(days, (date) => {
      assert.equal(kernel.extract(Buffer.from(`{"t":"${date.toISOString()}"}`)), 0)
      assert.deepEqual(kernel.values(), [date.getTime()])
    }),
    { numRuns: 3000 },
  )
})

test('every truncation of a document is refused', () => {
  const kernel = new JsonKernel(pageView, columnsOf(pageView))
  const text =
    '{"user":"u087123","url":"/p\\u00e4ge/\u00e4\u{1f600}","ms":-41.27e0,"ts":1700000012345,"x":[1,{"y":null}]}'
  const value = Buffer.from(text)
  assert.equal(kernel.extract(value), 0)
  for (let length = 0; length < value.length; length++) {
    const event = decodeJson(pageView, value.subarray(0, length))
    assert(event instanceof Bad)
    // The rest of the document stays where it was, behind the end.
    kernel.place(value, new Uint8Array(0))
    assert.equal(kernel.run(length), reasons[event.reason])
  }
})

test('nests as deep as JSON.parse does', () => {
  const kernel = new JsonKernel(pageView, columnsOf(pageView))
  const rest = '"user":"u","url":"/","ms":1,"ts":2}'
  for (const depth of [1, 63, 64, 65, 127, 128, 129, 1000, 100_000]) {
    const arrays = `{"x":${'['.repeat(depth)}${']'.repeat(depth)},${rest}`
    const objects = `{"x":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)},${rest}`
    const mixed = `{"x":${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)},${rest}`
    const crossed = `{"x":${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth - 1)}]},${rest}`
    for (const text of [arrays, objects, mixed])
      assert.equal(kernel.extract(Buffer.from(text)), 0, `${text.slice(0, 10)} ${depth}`)
    assert.equal(kernel.extract(Buffer.from(crossed)), 1)
    assert.equal(kernel.extract(Buffer.from(arrays.replace(']', ''))), 1)
  }
})

test('columns have to be declared fields of their own type', () => {
  const type = 'string' as const
  const wrong = (columns: Column[]) =>
    assert.throws(() => encodeSchemaBlock(pageView, columns), assert.AssertionError)
  wrong([{ path: ['uri'], type }])
  wrong([{ path: ['ms'], type }])
  wrong([{ path: ['url', 'host'], type }])
  wrong([
    { path: ['url'], type },
    { path: ['url'], type },
  ])
})

test('asks for a larger text buffer only where it has to write', () => {
  const kernel = new JsonKernel(pageView, [{ path: ['url'], type: 'string' }])
  const text = '{"user":"\\n","url":"/\\u0061","ms":1,"ts":2}'
  kernel.textCapacity = 0
  assert.equal(kernel.extract(Buffer.from(text)), -1)
  assert.equal(kernel.extract(Buffer.from(text.replace('\\u0061', 'a'))), 0)
  assert.deepEqual(kernel.values(), ['/a'])
  kernel.textCapacity = text.length
  assert.equal(kernel.extract(Buffer.from(text)), 0)
  assert.deepEqual(kernel.values(), ['/a'])
})
