// Shapes of agents' tables: which changes of a program go on with what is stored, and what is said
// of others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CodecLike, json, raw, text } from '../../src/record/codec.ts'
import {
  array,
  float64,
  integer,
  literal,
  map,
  nullable,
  optional,
  string,
  union,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { writeAgentShape } from '../../src/table/agent_shape.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import { tableNumber } from '../../src/table/meta.ts'
import { describeShapeChange, shapesFit } from '../../src/table/shape_change.ts'

const shape = (value: CodecLike<unknown>, key: CodecLike<unknown> = string()): string =>
  writeAgentShape(key, value)
const Page = record('Page', { views: integer(), by: string() })

const fitting: readonly [string, CodecLike<unknown>, CodecLike<unknown>][] = [
  ['the same', Page, Page],
  ['another name of the record', Page, record('View', { views: integer(), by: string() })],
  ['another order of the fields', Page, record('Page', { by: string(), views: integer() })],
  ['text() for string()', string(), text()],
  [
    'an optional field more',
    Page,
    record('Page', { views: integer(), by: string(), at: optional(string()) }),
  ],
  [
    'a field that may be absent or null',
    Page,
    record('Page', { views: optional(integer()), by: nullable(string()) }),
  ],
  [
    'more in a record in an array',
    array(Page),
    array(record('P', { ...pageFields(), n: optional(integer()) })),
  ],
  ['one more literal', literal('a'), literal('b', 'a')],
  ['one more member of a union', union(string(), integer()), union(string(), integer(), Page)],
  ['json() of another type', json<string>(), json<number>()],
]

function pageFields() {
  return { views: integer(), by: string() }
}

for (const [what, stored, declared] of fitting) {
  test(`goes on with what is stored: ${what}`, () => {
    assert.ok(shapesFit(shape(stored), shape(declared)))
  })
}

const changed: readonly [string, CodecLike<unknown>, CodecLike<unknown>][] = [
  ['its values are float64 and were integer', integer(), float64()],
  ['its values are a record of views, by and were json', json(), Page],
  ['its values are raw and were json', json(), raw()],
  ['field by of its values is gone', Page, record('Page', { views: integer() })],
  [
    'field at of its values is new and not optional',
    Page,
    record('Page', { ...pageFields(), at: string() }),
  ],
  [
    'field views of its values is string and was integer',
    Page,
    record('Page', { views: string(), by: string() }),
  ],
  [
    'field by of its values can no longer be null',
    record('Page', { views: integer(), by: nullable(string()) }),
    Page,
  ],
  [
    'field views of its values is no longer optional',
    record('Page', { views: optional(integer()), by: string() }),
    Page,
  ],
  ['field page.views of its values is string and was integer', nested(integer()), nested(string())],
  [
    'field {} of its values is an array of string and was integer',
    map(integer()),
    map(array(string())),
  ],
  ['its values are one of "a" and were one of "a", "b"', literal('a', 'b'), literal('a')],
  [
    'its values are one of integer and were one of string, integer',
    union(string(), integer()),
    union(integer()),
  ],
]

function nested(views: CodecLike<string> | CodecLike<number>) {
  return record('Site', { page: record('Page', { views: views as ReturnType<typeof string> }) })
}

for (const [words, stored, declared] of changed) {
  test(`is another table: ${words}`, () => {
    assert.equal(shapesFit(shape(stored), shape(declared)), false)
    assert.equal(describeShapeChange(shape(stored), shape(declared)), words)
  })
}

test('keys are of the same type or the table is another', () => {
  const words = describeShapeChange(shape(integer(), string()), shape(integer(), integer()))
  assert.equal(words, 'its keys are integer and were string')
})

test('a store goes on with a shape that fits, keeps the newer one, and refuses the way back', async () => {
  const store = openMemoryStore()
  const wider = record('Page', { ...pageFields(), at: optional(string()) })
  assert.equal(await tableNumber(store, 't', shape(Page)), 1)
  assert.equal(await tableNumber(store, 't', shape(wider)), 1)
  await assert.rejects(tableNumber(store, 't', shape(Page)), {
    code: 'TABLE_CHANGED',
    message: /field at of its values is gone/,
  })
  const aggregation = '{"key":["record key"],"fields":[]}'
  await assert.rejects(tableNumber(store, 't', aggregation), {
    code: 'TABLE_CHANGED',
    message: /it is the table of an aggregation and was that of agents/,
  })
})
