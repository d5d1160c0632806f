// Keys as people type them after `--key`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKey } from '../../src/app/key_text.ts'
import {
  App,
  boolean,
  count,
  int64,
  integer,
  raw,
  record,
  string,
  timestamp,
} from '../../src/index.ts'

const Event = record('Event', {
  name: string(),
  shop: int64(),
  age: integer(),
  yes: boolean(),
  at: timestamp(),
})

/** What the text is as a key of these fields; without fields as the key of a record. */
function keyOf(typed: string, ...fields: ('name' | 'shop' | 'age' | 'yes' | 'at')[]): unknown {
  const app = new App('keys')
  const events = app.topic('events', { key: string(), value: Event, partitions: 1 })
  const [first, ...others] = fields
  const stream = app.stream(events)
  if (first === undefined) stream.aggregate('n', () => ({ n: count() }))
  else stream.keyBy(first, ...others).aggregate('n', () => ({ n: count() }))
  const [{ plan, keys }] = app.topology.aggregations
  return parseKey(plan, keys, typed)
}

test('one field: a string as it is, other types as JSON', () => {
  assert.equal(keyOf('/home', 'name'), '/home')
  assert.equal(keyOf('"quoted"', 'name'), '"quoted"')
  assert.equal(keyOf('42', 'age'), 42)
  assert.equal(keyOf('true', 'yes'), true)
  assert.equal(keyOf('1700000000000', 'at'), 1_700_000_000_000)
  assert.equal(keyOf('-9223372036854775808', 'shop'), -(2n ** 63n))
})

test('several fields: an object', () => {
  assert.deepEqual(keyOf('{"name":"x","age":3}', 'name', 'age'), { name: 'x', age: 3 })
  assert.deepEqual(keyOf('{"shop":"9007199254740993","yes":true}', 'shop', 'yes'), {
    shop: 9007199254740993n,
    yes: true,
  })
})

test("a record's key is read as its topic reads it", () => {
  assert.equal(keyOf('{"a":1}'), '{"a":1}')
  const app = new App('keys')
  app.stream(app.topic('notes', { key: raw() })).aggregate('n', () => ({ n: count() }))
  const [{ plan, keys }] = app.topology.aggregations
  assert.deepEqual(parseKey(plan, keys, 'ab'), Buffer.from('ab'))
})

test('what is no key is wrong usage, and says why', () => {
  const wrong = (typed: string, why: RegExp, ...fields: ('name' | 'shop' | 'age')[]) =>
    assert.throws(
      () => keyOf(typed, ...fields),
      (error: { code: string; message: string }) =>
        error.code === 'USAGE' && why.test(error.message),
    )
  wrong('old', /'old' is no key of n: it is no JSON/, 'age')
  wrong('1.5', /no whole number/, 'shop')
  wrong('x', /no JSON/, 'name', 'age')
  wrong('null', /no object/, 'name', 'age')
  wrong('{"name":"x"}', /has no age/, 'name', 'age')
  wrong('{"name":"x","shop":"many"}', /no whole number/, 'name', 'shop')
})
