import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, EuphorionError } from '../../src/errors.ts'
import { Bad } from '../../src/record/bad.ts'
import { type Codec, codecOf, json, raw } from '../../src/record/codec.ts'
import {
  bytes,
  float32,
  float64,
  int64,
  type KindOf,
  nullable,
  string,
  timestamp,
} from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import { count, max, mean, min, sum } from '../../src/stream/aggregates.ts'
import {
  type DeclaredAggregation,
  type DeclaredStream,
  declareStream,
  type HandleOf,
} from '../../src/stream/aggregation.ts'
import { and, eq, ge, gt, le, lt, ne, not, or, present } from '../../src/stream/columns.ts'
import type { StreamSource } from '../../src/stream/plan.ts'
import { hopping } from '../../src/window/windows.ts'

const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
  bytes: int64(),
  body: bytes(),
  geo: record('Geo', { city: string(), height: float32() }),
})

interface Declared extends HandleOf {
  readonly handle: DeclaredAggregation
}

type Views<Key> = DeclaredStream<KindOf<typeof PageView>, Key, false, Declared>

function views<Key>(
  key: Codec<Key>,
  more: Partial<StreamSource<Key>> = {},
): Views<NonNullable<Key>> {
  const source = { name: 'views', key, value: PageView.schema, maxFutureMs: 60_000, ...more }
  return declareStream(source, (declared) => declared)
}

const byUrl = () => views(codecOf(string()), { keyedBy: ['url'] })

function refused(code: ErrorCode, message: RegExp, call: () => unknown): void {
  assert.throws(
    call,
    (error) =>
      error instanceof EuphorionError && error.code === code && message.test(error.message),
  )
}

test('the declaration becomes a plan of plain data', () => {
  const { plan, topic } = byUrl()
    .where((v) => and(gt(v.ms, 0), not(eq(v.user, 'bot'))))
    .keyBy('url')
    .time('ts')
    .window(hopping('60s', '10s', { grace: '5s' }))
    .aggregate('views-per-page', (v) => ({
      views: count(),
      total: sum(v.ms),
      fastest: min(v.ms),
      slowest: max(v.ms),
      average: mean(v.bytes),
    }))
  assert.equal(topic, 'views')
  assert.deepEqual(structuredClone(plan), {
    name: 'views-per-page',
    value: PageView.schema,
    columns: [
      { path: ['url'], type: 'string' },
      { path: ['ts'], type: 'timestamp' },
      { path: ['ms'], type: 'float64' },
      { path: ['user'], type: 'string' },
      { path: ['bytes'], type: 'int64' },
    ],
    where: {
      op: 'and',
      of: [
        { op: 'gt', column: 2, value: 0 },
        { op: 'not', of: { op: 'eq', column: 3, value: 'bot' } },
      ],
    },
    key: { from: 'columns', columns: [0] },
    time: { from: 'column', column: 1 },
    window: { sizeMs: 60_000, stepMs: 10_000, graceMs: 5000, retentionMs: 86_400_000 },
    aggregates: [
      { name: 'views', fn: 'count', column: -1 },
      { name: 'total', fn: 'sum', column: 2 },
      { name: 'fastest', fn: 'min', column: 2 },
      { name: 'slowest', fn: 'max', column: 2 },
      { name: 'average', fn: 'mean', column: 4 },
    ],
    maxFutureMs: 60_000,
  })
})

test('every condition reaches the plan; nested fields are columns, float32 values have 32 bits', () => {
  const { plan } = byUrl()
    .where((v) => or(ne(v.user, 'a'), lt(v.ts, 1), le(v.ts, 2), ge(v.bytes, 3n)))
    .where((v) => present(v.geo.city))
    .where((v) => eq(v.geo.height, 0.1))
    .aggregate('all', () => ({ n: count() }))
  assert.deepEqual(plan.columns.slice(-2), [
    { path: ['geo', 'city'], type: 'string' },
    { path: ['geo', 'height'], type: 'float32' },
  ])
  assert.deepEqual(plan.where, {
    op: 'and',
    of: [
      {
        op: 'and',
        of: [
          {
            op: 'or',
            of: [
              { op: 'ne', column: 0, value: 'a' },
              { op: 'lt', column: 1, value: 1 },
              { op: 'le', column: 1, value: 2 },
              { op: 'ge', column: 2, value: 3n },
            ],
          },
          { op: 'present', column: 3 },
        ],
      },
      { op: 'eq', column: 4, value: Math.fround(0.1) },
    ],
  })
  assert.deepEqual(plan.key, { from: 'record', isText: true })
  assert.deepEqual(plan.time, { from: 'record' })
  assert.equal(plan.window, undefined)
})

test('the values of a plan are never null, also where the topic allows it', () => {
  const value = { ...PageView.schema, nullable: true }
  const { plan } = views(raw(), { value }).aggregate('all', () => ({ n: count() }))
  assert.deepEqual(plan.value, PageView.schema)
})

test('a chain can be continued twice: each goes its own way', () => {
  const base = byUrl().where((v) => gt(v.ms, 0))
  const one = base.keyBy('url').aggregate('one', () => ({ n: count() }))
  const two = base.aggregate('two', () => ({ n: count() }))
  assert.deepEqual([one.plan.key.from, two.plan.key.from], ['columns', 'record'])
})

test('keys of rows and queries: one field, several, or the key of the record', () => {
  const one = byUrl()
    .keyBy('url')
    .aggregate('one', () => ({ n: count() })).keys
  assert.equal(Buffer.from(one.encode('/a')).toString(), '/a')
  assert.equal(one.decode(Buffer.from('/a')), '/a')
  refused('RECORD_INVALID', /key of one: expected url of type string, got 3/, () => one.encode(3))

  const two = byUrl()
    .keyBy('bytes', 'url')
    .aggregate('two', () => ({ n: count() })).keys
  const key = { bytes: 9_007_199_254_740_993n, url: '/\0a' }
  assert.deepEqual(two.decode(two.encode(key)), key)
  for (const bad of [null, undefined, 'x', { url: '/a' }, { ...key, bytes: 1 }])
    refused('RECORD_INVALID', /key of two: expected bytes of type int64/, () => two.encode(bad))

  const whole = byUrl().aggregate('whole', () => ({ n: count() })).keys
  assert.equal(whole.decode(whole.encode('é')), 'é')
  assert(whole.decode(Uint8Array.of(0xff)) instanceof Bad)
  const bytewise = views(raw()).aggregate('bytewise', () => ({ n: count() })).keys
  refused('RECORD_INVALID', /expected a key, got null/, () => bytewise.encode(null))
})

test('keyBy asks that equal keys are in one partition', () => {
  const key = codecOf(string())
  const keyBy = (more: Partial<StreamSource<string>>) => () => views(key, more).keyBy('url')
  refused('PARTITIONING_UNKNOWN', /keyBy\(url\) on topic views: its part/, keyBy({}))
  refused('PARTITIONING_UNKNOWN', /it is keyed by user/, keyBy({ keyedBy: ['user'] }))
  refused('PARTITIONING_UNKNOWN', /keyed by user, url/, keyBy({ keyedBy: ['user', 'url'] }))
  refused('PARTITIONING_UNKNOWN', /its part/, keyBy({ partitions: 2 }))
  keyBy({ partitions: 1 })()
  views(key, { keyedBy: ['url'] }).keyBy('user', 'url')
})

test('what the compiler would refuse is refused at run time too', () => {
  const loose = byUrl() as unknown as {
    [method: string]: (...given: unknown[]) => typeof loose
  }
  const bad = (message: RegExp, call: () => unknown) => refused('APP_INVALID', message, call)
  bad(/keyBy\('uri'\): no such field .* there are: user, url, ms, ts, bytes$/, () =>
    loose.keyBy('uri'),
  )
  bad(/keyBy\('body'\)/, () => loose.keyBy('body'))
  bad(/give one or several/, () => loose.keyBy())
  bad(/different fields/, () => loose.keyBy('url', 'url'))
  bad(/time\('ms'\): is of type float64/, () => loose.time('ms'))
  bad(/gt: undefined is no field/, () => loose.where(({ nope }: never) => gt(nope, 0)))
  bad(/gt: user is of type string/, () => loose.where(({ user }: never) => gt(user, 'a' as never)))
  bad(/eq: ms .* with 'x'/, () => loose.where(({ ms }: never) => eq(ms, 'x' as never)))
  bad(/eq: ms .* with NaN/, () => loose.where(({ ms }: never) => eq(ms, Number.NaN as never)))
  bad(/eq: bytes .* with 1$/, () => loose.where(({ bytes }: never) => eq(bytes, 1 as never)))
  bad(/where: true is no condition/, () =>
    loose.where(() => true).aggregate('x', () => ({ n: count() })),
  )
  bad(/sum: user is of type string/, () =>
    loose.aggregate('x', ({ user }: never) => ({ s: sum(user) })),
  )
  bad(/the topic's record has no such field/, () =>
    loose.aggregate('x', () => ({ s: sum({ path: ['geo', 'x'], type: 'float64' }) })),
  )
})

test('names that a table or a field of a row cannot have are refused', () => {
  const bad = (name: string, out: object, message: RegExp) =>
    refused('APP_INVALID', message, () =>
      byUrl().aggregate(name, () => out as { n: ReturnType<typeof count> }),
    )
  for (const field of ['key', 'start', 'end']) bad('t', { [field]: count() }, /reserved/)
  bad('', { n: count() }, /a name has 1 to 200/)
  bad('a/b', { n: count() }, /a name has 1 to 200/)
  bad('t', {}, /at least one aggregate/)
})

test('keys of records are counted as bytes, so they are text or bytes', () => {
  const by = (key: Codec<unknown>) => views(key).aggregate('t', () => ({ n: count() })).plan.key
  assert.deepEqual(by(raw()), { from: 'record' })
  assert.deepEqual(by(codecOf<unknown>(bytes())), { from: 'record' })
  assert.deepEqual(by(codecOf<unknown>(nullable(string()))), { from: 'record', isText: true })
  for (const key of [json(), codecOf<unknown>(int64()), codecOf<unknown>(PageView)])
    refused('APP_INVALID', /by a field/, () => by(key))
})
