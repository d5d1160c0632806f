// What a person reads when a table has changed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeShape } from '../../src/table/shape.ts'
import { describeShapeChange } from '../../src/table/shape_change.ts'
import { byKey, tumbling } from '../support/plans.ts'

const plain = (changes = {}): string => writeShape(['record key'], byKey({ ...changes }))

test('another window is told with both sizes', () => {
  const old = plain({ window: tumbling(10_000) })
  const now = plain({ window: tumbling(60_000) })
  const both = "the window's size was 10 s and is 1 m; the window's step was 10 s and is 1 m"
  assert.equal(describeShapeChange(old, now), both)
  assert.equal(describeShapeChange(old, plain()), 'it had windows and has none')
  assert.equal(describeShapeChange(plain(), now), 'it had no windows and has some')
})

test('aggregates that came, went, moved or mean something else are named', () => {
  const shape = (...fields: object[]): string => JSON.stringify({ key: ['record key'], fields })
  const count = { name: 'n', kind: 'count' }
  const sum = { name: 's', kind: 'sumFloat', type: 'float64' }
  assert.equal(describeShapeChange(shape(count), shape(count, sum)), 'the aggregate s was added')
  assert.equal(describeShapeChange(shape(count, sum), shape(sum)), 'the aggregate n was removed')
  const renamed = { ...sum, name: 'n' }
  const other = 'the aggregate n was count and is sumFloat of float64'
  assert.equal(describeShapeChange(shape(count), shape(renamed)), other)
  const moved = 'the aggregates were in the order n, s and are in the order s, n'
  assert.equal(describeShapeChange(shape(count, sum), shape(sum, count)), moved)
})

test('another key is told with its types', () => {
  const old = writeShape(['url string'], byKey())
  const now = writeShape(['user integer'], byKey())
  const message = 'the key was url string and is user integer'
  assert.equal(describeShapeChange(old, now), message)
})

test('shapes of which nothing is known are told as they are', () => {
  assert.equal(describeShapeChange('one', 'two'), 'it was one and is two')
  assert.equal(describeShapeChange('{"a":1}', '{"a":2}'), 'it was {"a":1} and is {"a":2}')
})
