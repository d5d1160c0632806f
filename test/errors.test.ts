// EuphorionError as a class: of every copy of the module, and of its own subclasses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../src/errors.ts'

class Narrower extends EuphorionError {}

test('an error of another copy of the module is a EuphorionError', async () => {
  const copy = new URL('../src/errors.js?copy', import.meta.url).href
  const other: typeof import('../src/errors.ts') = await import(copy)
  assert.notEqual(other.EuphorionError, EuphorionError)
  const error: unknown = new other.EuphorionError('USAGE', 'wrong')
  assert.ok(error instanceof EuphorionError)
  assert.equal(error.code, 'USAGE')
})

test('what is none is none, and a subclass has only its own', () => {
  for (const value of [undefined, null, 'text', {}, new Error('other')])
    assert.ok(!(value instanceof EuphorionError))
  const error: Error = new EuphorionError('USAGE', 'wrong')
  assert.ok(!(error instanceof Narrower))
  assert.ok(new Narrower('USAGE', 'wrong') instanceof Narrower)
})
