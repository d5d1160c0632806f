// Generated record types, events and documents: what is written is read back, and what is read is
// what a plain walk over the schema says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Bad } from '../../src/record/bad.ts'
import { decodeJson, encodeJson } from '../../src/record/json.ts'
import { decodeExact } from '../../src/record/json_exact.ts'
import type { FieldSchema } from '../../src/record/schema.ts'
import { events, names, schemas } from '../support/random_events.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

test('what is written is read back, with its fields in declared order', () => {
  const pairs = schemas.record.chain((schema) => fc.tuple(fc.constant(schema), events(schema)))
  fc.assert(
    fc.property(pairs, ([schema, event]) => {
      const bytes = encodeJson(schema, event)
      assert.deepEqual(decodeJson(schema, bytes), event)
      assert.deepEqual(decodeExact(schema, Buffer.from(bytes).toString()), event)
      JSON.parse(Buffer.from(bytes).toString())
    }),
  )
})

/** Why a document does not fit, as a walk over the schema without any shortcut. */
function reasonOf(
  schema: FieldSchema,
  value: Json | undefined,
  whole: boolean,
): string | undefined {
  if (value === undefined) return schema.optional ? undefined : 'missing-field'
  if (value === null) return schema.nullable ? undefined : whole ? 'not-an-object' : 'wrong-type'
  const object = typeof value === 'object' && !Array.isArray(value) ? value : undefined
  if (schema.type === 'record') {
    if (object === undefined) return whole ? 'not-an-object' : 'wrong-type'
    const reasons = schema.fields.map(([name, field]) =>
      reasonOf(field, Object.hasOwn(object, name) ? object[name] : undefined, false),
    )
    return reasons.find((reason) => reason !== undefined)
  }
  if (schema.type === 'map' || schema.type === 'array') {
    if (schema.type === 'map' ? object === undefined : !Array.isArray(value)) return 'wrong-type'
    const items = schema.type === 'map' ? schema.values : schema.items
    const reasons = Object.values(value).map((item) => reasonOf(items, item, false))
    return reasons.find((reason) => reason !== undefined)
  }
  if (schema.type === 'literal')
    return schema.values.includes(value as string) ? undefined : 'wrong-type'
  return scalarFits(schema.type, value) ? undefined : 'wrong-type'
}

function scalarFits(type: string, value: Json): boolean {
  if (type === 'boolean' || type === 'string') return typeof value === type
  if (type === 'float64' || type === 'float32') return typeof value === 'number'
  if (type === 'int64') return typeof value === 'number' && Number.isInteger(value)
  if (type === 'decimal')
    return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))
  if (type === 'bytes') return value === '' || value === 'AP8='
  if (typeof value === 'number') return Number.isSafeInteger(value)
  return type !== 'integer' && value === '2024-01-01'
}

const documents = fc.letrec<{ json: Json; object: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(null, true, 'x', '', 'AP8=', '2024-01-01', '-1.50'),
    fc.constantFrom<Json>(0, 1, 1.5, -3, 1e15, 123456),
    tie('object'),
    fc.array(tie('json'), { maxLength: 2 }),
  ),
  object: fc.dictionary(names, tie('json'), { maxKeys: 4 }),
}))

/** A document that fits the schema in most places. */
function near(schema: FieldSchema): fc.Arbitrary<Json> {
  const fitting: Record<string, fc.Arbitrary<Json>> = {
    boolean: fc.boolean(),
    string: fc.string(),
    bytes: fc.constant('AP8='),
    timestamp: fc.constantFrom(5, '2024-01-01'),
    date: fc.constantFrom(5, '2024-01-01'),
  }
  let fit = fitting[schema.type] ?? fc.constant<Json>(1)
  if (schema.type === 'array') fit = fc.array(near(schema.items), { maxLength: 2 })
  if (schema.type === 'map') fit = fc.dictionary(names, near(schema.values), { maxKeys: 2 })
  if (schema.type === 'record')
    fit = fc
      .tuple(...schema.fields.map(([name, field]) => near(field).map((value) => [name, value])))
      .map((entries) => Object.fromEntries(entries) as Json)
  return fc.oneof({ weight: 15, arbitrary: fit }, { weight: 1, arbitrary: documents.json })
}

test('documents are refused for the reason that a plain walk gives, on both ways of reading', () => {
  const pairs = schemas.record.chain((schema) =>
    fc.tuple(fc.constant(schema), fc.oneof(near(schema), documents.object)),
  )
  let good = 0
  fc.assert(
    fc.property(pairs, fc.constantFrom(undefined, 1), ([schema, document], spaces) => {
      const text = JSON.stringify(document, null, spaces)
      const expected = reasonOf(schema, document, true)
      if (expected === undefined) good++
      const value = decodeJson(schema, Buffer.from(text))
      assert.equal(value instanceof Bad ? value.reason : undefined, expected)
      const exact = decodeExact(schema, text)
      assert.equal(exact instanceof Bad ? exact.reason : undefined, expected)
      assert(expected !== undefined || isDeepStrictEqual(value, exact))
    }),
    { numRuns: 500 },
  )
  assert(good > 20, `${good} good documents`)
})
