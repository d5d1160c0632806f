// The compiled writers against the codec: the same bytes for every record that fits, and a refusal
// for every one that does not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeJson } from '../../src/record/json.ts'
import { JsonBytes } from '../../src/record/json_bytes.ts'
import {
  compileColumns,
  compileEvents,
  type FieldColumns,
  type RecordWriter,
} from '../../src/record/json_compile.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import { events, schemas } from '../support/random_events.ts'

/** Used for everything, so that it grows and holds what was written before. */
const scratch = new JsonBytes(16)

function written<Source>(write: RecordWriter<Source>, from: Source, index: number) {
  scratch.at = 0
  try {
    if (!write(scratch, from, index)) return undefined
  } catch {
    return undefined
  }
  return Buffer.from(scratch.bytes.subarray(0, scratch.at)).toString()
}

function encoded(schema: RecordSchema, event: unknown): string | undefined {
  try {
    return Buffer.from(encodeJson(schema, event)).toString()
  } catch {
    return undefined
  }
}

function columnsOf(schema: RecordSchema, rows: readonly Record<string, unknown>[]): FieldColumns {
  return schema.fields.map(([name]) => rows.map((row) => own(row, name)))
}

const own = (row: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(row, name) ? row[name] : undefined

/** Both writers give what the codec gives for each row. */
function check(schema: RecordSchema, rows: readonly Record<string, unknown>[]): void {
  const [ofEvents, ofColumns] = [compileEvents(schema), compileColumns(schema)]
  const columns = columnsOf(schema, rows)
  for (const [index, row] of rows.entries()) {
    const expected = encoded(schema, row)
    assert.equal(written(ofEvents, row, 0), expected)
    assert.equal(written(ofColumns, columns, index), expected)
  }
}

describe('compiled writers', () => {
  test('write what the codec writes, for all types', () => {
    const cases = schemas.record.chain((schema) =>
      fc.tuple(fc.constant(schema), fc.array(events(schema), { minLength: 1, maxLength: 3 })),
    )
    fc.assert(
      fc.property(cases, ([schema, rows]) => check(schema, rows as Record<string, unknown>[])),
      { numRuns: 300 },
    )
  })

  test('refuse what the codec refuses', () => {
    const wrong = fc.oneof(
      fc.anything(),
      fc.constantFrom(Number.NaN, Infinity, -0, 1.5, 2 ** 53, 1e40, 2n ** 63n, null, undefined),
    )
    const cases = schemas.record.chain((schema) =>
      fc.tuple(
        fc.constant(schema),
        fc.tuple(...schema.fields.map(([, field]) => fc.oneof(events(field), wrong))),
      ),
    )
    fc.assert(
      fc.property(cases, ([schema, values]) => {
        const row = Object.fromEntries(schema.fields.map(([name], at) => [name, values[at]]))
        check(schema, [row])
      }),
      { numRuns: 500 },
    )
    const schema: RecordSchema = { type: 'record', name: 'R', fields: [] }
    for (const value of [null, 1, 'text', [], undefined])
      assert.equal(written(compileEvents(schema), value, 0), undefined)
  })

  const one = (type: 'float64' | 'float32' | 'string' | 'integer'): RecordSchema => ({
    type: 'record',
    name: 'One',
    fields: [['v', { type }]],
  })

  test('numbers are the shortest text', () => {
    const numbers = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.tuple(fc.maxSafeInteger(), fc.integer({ min: 0, max: 8 })).map(([n, p]) => n / 10 ** p),
      fc.tuple(fc.integer(), fc.integer({ min: 0, max: 8 })).map(([n, p]) => n / 10 ** p),
      fc.constantFrom(0.1 + 0.2, 1e21, 1e-7, 5e-324, 1e15 + 0.3, 99999999999999.9, -0, 1e14 + 0.1),
    )
    for (const type of ['float64', 'float32'] as const)
      fc.assert(
        fc.property(fc.array(numbers), (all) =>
          check(
            one(type),
            all.map((v) => ({ v })),
          ),
        ),
        { numRuns: 1000 },
      )
    const whole = [0, -0, 9, 10, 999_999_999, 1e9, 1e9 + 1, 1e15, Number.MAX_SAFE_INTEGER]
    check(
      one('integer'),
      [...whole, ...whole.map((v) => -v)].map((v) => ({ v })),
    )
  })

  test('strings are escaped as JSON.stringify does, lone surrogates too', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary-ascii' }),
      fc.constantFrom('\ud800', 'a\udfffb', '😀', '\u2028', '\x7f', '"\\', 'x'.repeat(5000)),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
    )
    fc.assert(
      fc.property(fc.array(texts), (all) =>
        check(
          one('string'),
          all.map((v) => ({ v })),
        ),
      ),
      { numRuns: 1000 },
    )
  })

  test('typed arrays are columns', () => {
    const schema: RecordSchema = {
      type: 'record',
      name: 'Typed',
      fields: [
        ['ms', { type: 'float64' }],
        ['n', { type: 'int64' }],
        ['maybe', { type: 'integer', optional: true }],
      ],
    }
    const columns = [Float64Array.of(1.5, 2), BigInt64Array.of(-1n, 2n ** 63n - 1n), undefined]
    const write = compileColumns(schema)
    assert.equal(written(write, columns, 0), '{"ms":1.5,"n":-1}')
    assert.equal(written(write, columns, 1), '{"ms":2,"n":9223372036854775807}')
    assert.equal(written(write, columns, 2), undefined)
  })
})
