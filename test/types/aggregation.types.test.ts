// What the compiler infers from declared aggregations, and what it refuses. The assertions are made
// when this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { text } from '../../src/record/codec.ts'
import {
  array,
  boolean,
  bytes,
  decimal,
  type FieldMap,
  float32,
  float64,
  int64,
  integer,
  optional,
  string,
  timestamp,
} from '../../src/record/fields.ts'
import { type RecordType, record } from '../../src/record/record.ts'
import { count, max, mean, min, sum } from '../../src/stream/aggregates.ts'
import { type DeclaredStream, declareStream, type HandleOf } from '../../src/stream/aggregation.ts'
import { and, eq, ge, gt, lt, ne, not, or, present } from '../../src/stream/columns.ts'
import { hopping, tumbling } from '../../src/window/windows.ts'
import { check, type Equal } from './equal.ts'

const Geo = record('Geo', { city: string(), height: float32() })
const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
  bot: boolean(),
  bytes: int64(),
  status: integer(),
  body: bytes(),
  price: decimal(),
  tags: array(string()),
  geo: optional(Geo),
})

interface Table<Key, Row, Windowed> {
  readonly key: Key
  readonly row: Row
  readonly windowed: Windowed
}

interface Tables extends HandleOf {
  readonly handle: Table<this['key'], this['row'], this['windowed']>
}

function stream<Fields extends FieldMap>(
  type: RecordType<Fields>,
): DeclaredStream<Fields, string, false, Tables> {
  const source = { name: 'views', key: text(), value: type.schema, partitions: 1, maxFutureMs: 1 }
  return declareStream<Fields, string, Tables>(source, () => ({}))
}

const views = stream(PageView)

test('rows have the key, the bounds of the window and the aggregates', () => {
  const all = views
    .where((v) => and(gt(v.ms, 0), not(eq(v.user, 'bot')), or(eq(v.bot, true), ne(v.bytes, 1n))))
    .where((v) => and(present(v.geo.city), ge(v.geo.height, 1), lt(v.ts, 5)))
    .keyBy('url')
    .time('ts')
    .window(hopping('60s', '10s', { grace: '5s' }))
    .aggregate('all', (v) => ({
      views: count(),
      total: sum(v.ms),
      bytes: sum(v.bytes),
      least: min(v.bytes),
      slowest: max(v.ms),
      average: mean(v.bytes),
      high: max(v.geo.height),
    }))
  check<
    Equal<
      (typeof all)['row'],
      {
        key: string
        start: number
        end: number
        views: number
        total: number
        bytes: bigint
        least: bigint | null
        slowest: number | null
        average: number | null
        high: number | null
      }
    >
  >()
  check<Equal<(typeof all)['windowed'], true>>()
})

test('keys are the value of one field, an object of several, or the key of the record', () => {
  const plain = views.aggregate('plain', () => ({ n: count() }))
  check<Equal<(typeof plain)['row'], { key: string; n: number }>>()
  const one = views.keyBy('bytes').aggregate('one', () => ({ n: count() }))
  check<Equal<(typeof one)['key'], bigint>>()
  const two = views
    .keyBy('status', 'user')
    .window(tumbling(10))
    .aggregate('two', () => ({ n: count() }))
  check<Equal<(typeof two)['key'], { status: number; user: string }>>()
})

test('wrong fields and wrong types do not compile', () => {
  const wrong = () => [
    // @ts-expect-error no such field
    views.where((v) => gt(v.mss, 0)),
    // @ts-expect-error no such field of the nested record
    views.where((v) => eq(v.geo.town, 'x')),
    // @ts-expect-error a number is wanted
    views.where((v) => eq(v.ms, 'x')),
    // @ts-expect-error a bigint is wanted
    views.where((v) => eq(v.bytes, 1)),
    // @ts-expect-error strings have no order here
    views.where((v) => gt(v.user, 'a')),
    // @ts-expect-error booleans have none
    views.where((v) => lt(v.bot, true)),
    // @ts-expect-error columns hold no arrays
    views.where((v) => present(v.tags)),
    // @ts-expect-error a nested record is no column
    views.where((v) => present(v.geo)),
    // @ts-expect-error a condition is wanted
    views.where((v) => v.bot),
    // @ts-expect-error the sum of a string
    views.aggregate('x', (v) => ({ x: sum(v.user) })),
    // @ts-expect-error the mean of a boolean
    views.aggregate('x', (v) => ({ x: mean(v.bot) })),
    // @ts-expect-error decimals are no columns
    views.aggregate('x', (v) => ({ x: max(v.price) })),
    // @ts-expect-error an aggregate is wanted
    views.aggregate('x', (v) => ({ x: v.ms })),
    // @ts-expect-error time of a string
    views.time('user'),
    // @ts-expect-error time of a float
    views.time('ms'),
    // @ts-expect-error no such field
    views.keyBy('uri'),
    // @ts-expect-error bytes cannot be a key
    views.keyBy('url', 'body'),
    // @ts-expect-error a field is wanted
    views.keyBy(),
  ]
  void wrong
})
