import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import {
  array,
  type Field,
  float64,
  literal,
  nullable,
  optional,
  string,
  union,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'

test('a record is plain data: its name and its fields in order', () => {
  const Inner = record('Inner', { x: optional(nullable(float64())) })
  const Outer = record('Outer', { b: string(), a: array(Inner), c: optional(Inner) })
  assert.equal(Outer.name, 'Outer')
  const inner = {
    type: 'record',
    name: 'Inner',
    fields: [['x', { type: 'float64', nullable: true, optional: true }]],
  }
  assert.deepEqual(JSON.parse(JSON.stringify(Outer.schema)), {
    type: 'record',
    name: 'Outer',
    fields: [
      ['b', { type: 'string' }],
      ['a', { type: 'array', items: inner }],
      ['c', { ...inner, optional: true }],
    ],
  })
})

test('a declaration that makes no sense is refused', () => {
  const refused = (call: () => unknown) =>
    assert.throws(call, (error) => error instanceof EuphorionError && error.code === 'APP_INVALID')
  refused(() => record('', { x: string() }))
  refused(() => record('R', JSON.parse('{"__proto__":{"schema":{"type":"string"}}}')))
  refused(() => record('R', { x: 'string' as unknown as Field<string, 'string'> }))
  refused(() => literal(...([] as unknown as ['x'])))
  refused(() => literal(Number.NaN))
  refused(() => union(...([] as unknown as [Field<string, 'string'>])))
})
