// Compiled copies of events are what writing and reading them gives, and share nothing with them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { codecOf } from '../../src/record/codec.ts'
import { compileCopy } from '../../src/record/copy_compile.ts'
import { array, float64, integer, nullable, optional, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { events, schemas } from '../support/random_events.ts'

test('a copy is what writing and reading gives, with its fields in the same order', () => {
  let copied = 0
  fc.assert(
    fc.property(
      schemas.record.chain((schema) => fc.tuple(fc.constant(schema), events(schema))),
      ([schema, event]) => {
        const copy = compileCopy(schema)
        if (copy === undefined) return
        copied++
        const codec = codecOf({ schema } as Parameters<typeof codecOf>[0])
        const read = codec.decode(codec.encode(event))
        assert.deepEqual(copy(event), read)
        assert.equal(JSON.stringify(copy(event)), JSON.stringify(read))
      },
    ),
    { numRuns: 2000 },
  )
  assert.ok(copied > 100, `${copied} copies`)
})

const Inner = record('Inner', { n: integer() })
const Outer = record('Outer', { inner: Inner, at: optional(float64()), by: nullable(string()) })
const copy = compileCopy(Outer.schema)!

test('what is not declared is left out, and records inside are copied', () => {
  const inner = { n: -0, more: 1 }
  const event = { by: null, inner, more: 2 }
  const made = copy(event) as { inner: { n: number } }
  assert.deepEqual(made, { inner: { n: 0 }, by: null })
  inner.n = 7
  assert.equal(made.inner.n, 0)
})

test('what does not fit has no copy', () => {
  const fits = { inner: { n: 1 }, by: 'u' }
  assert.notEqual(copy(fits), undefined)
  for (const wrong of [
    undefined,
    null,
    [],
    { ...fits, inner: { n: 1.5 } },
    { ...fits, inner: null },
    { ...fits, at: Number.NaN },
    { ...fits, at: null },
    { ...fits, by: undefined },
    { by: 'u' },
  ])
    assert.equal(copy(wrong), undefined)
})

test('a record with fields that a copy would share has none', () => {
  assert.equal(compileCopy(record('A', { list: array(string()) }).schema), undefined)
  assert.equal(compileCopy(record('B', { constructor: string() }).schema), undefined)
})
