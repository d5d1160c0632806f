// What the programs of mixed_app.ts declare, written by hand and apart from them: plans for the
// naive reference, and the JSON that `euphorion table` prints of their rows.
import type { AggregatePlan, AggregationPlan, Column, Predicate } from '../../src/kernel/plan.ts'
import type { FieldSchema, RecordSchema } from '../../src/record/schema.ts'
import type { ProgramName } from './mixed_app.ts'
import { mixedViewSchema } from './mixed_views.ts'
import { count, hopping, tumbling } from './plans.ts'

const columns = {
  user: { path: ['user'], type: 'string' },
  url: { path: ['url'], type: 'string' },
  ms: { path: ['ms'], type: 'float64' },
  ts: { path: ['ts'], type: 'timestamp' },
  size: { path: ['size'], type: 'integer' },
  bytes: { path: ['bytes'], type: 'int64' },
  bot: { path: ['bot'], type: 'boolean' },
  load: { path: ['load'], type: 'float32' },
  referrer: { path: ['referrer'], type: 'string' },
  quota: { path: ['quota'], type: 'int64' },
  city: { path: ['place', 'city'], type: 'string' },
  x: { path: ['place', 'at', 'x'], type: 'float64' },
  y: { path: ['place', 'at', 'y'], type: 'float64' },
} as const satisfies Record<string, Column>

type ColumnName = keyof typeof columns
const index = (name: ColumnName): number => Object.keys(columns).indexOf(name)

const by = (...names: ColumnName[]): AggregationPlan['key'] => ({
  from: 'columns',
  columns: names.map(index),
})

const out = (name: string, fn: AggregatePlan['fn'], column: ColumnName): AggregatePlan => ({
  name,
  fn,
  column: index(column),
})

const compared = (
  op: 'eq' | 'ne' | 'lt' | 'gt',
  column: ColumnName,
  value: string | number | bigint | boolean,
): Predicate => ({ op, column: index(column), value })

const base: AggregationPlan = {
  name: '',
  value: mixedViewSchema,
  columns: Object.values(columns),
  where: undefined,
  key: { from: 'record' },
  time: { from: 'record' },
  window: undefined,
  aggregates: [count],
  maxFutureMs: 3_600_000,
}

const byTs: AggregationPlan['time'] = { from: 'column', column: index('ts') }

export const mixedPlans: Readonly<Record<ProgramName, AggregationPlan>> = {
  tumbling: {
    ...base,
    key: by('url'),
    time: byTs,
    window: tumbling(10_000),
    aggregates: [
      count,
      out('total', 'sum', 'ms'),
      out('fastest', 'min', 'ms'),
      out('slowest', 'max', 'ms'),
      out('average', 'mean', 'ms'),
    ],
  },
  'tumbling-grace': {
    ...base,
    window: tumbling(7000, 5000),
    aggregates: [
      count,
      out('bytes', 'sum', 'bytes'),
      out('each', 'mean', 'bytes'),
      out('least', 'min', 'size'),
      out('most', 'max', 'size'),
    ],
  },
  'hopping-grace': {
    ...base,
    where: {
      op: 'and',
      of: [compared('gt', 'ms', 0), { op: 'not', of: compared('eq', 'user', '/home') }],
    },
    key: by('url', 'size', 'bot'),
    time: byTs,
    window: hopping(60_000, 10_000, 5000),
    aggregates: [count, out('x', 'sum', 'x'), out('load', 'sum', 'load'), out('last', 'max', 'ts')],
  },
  uneven: {
    ...base,
    where: {
      op: 'or',
      of: [{ op: 'present', column: index('referrer') }, compared('lt', 'bytes', 1000n)],
    },
    key: by('url'),
    time: byTs,
    window: hopping(25_000, 10_000),
    aggregates: [
      count,
      out('total', 'sum', 'ms'),
      out('least', 'min', 'bytes'),
      out('most', 'max', 'quota'),
      out('north', 'mean', 'y'),
    ],
  },
  'uneven-grace': {
    ...base,
    where: compared('ne', 'city', 'ü'),
    window: hopping(9000, 4000, 2000),
    aggregates: [count, out('sizes', 'sum', 'size'), out('x', 'max', 'x')],
  },
  plain: {
    ...base,
    key: by('url'),
    aggregates: [
      count,
      out('total', 'sum', 'ms'),
      out('bytes', 'sum', 'bytes'),
      out('quota', 'mean', 'quota'),
      out('loads', 'sum', 'load'),
      out('first', 'min', 'ts'),
    ],
  },
  'plain-by-key': {
    ...base,
    where: compared('eq', 'bot', false),
    aggregates: [count, out('least', 'min', 'load'), out('most', 'max', 'quota')],
  },
}

/** The JSON of a row as `--format jsonl` prints it, for a reader that keeps every digit. */
export function rowSchema({ columns, key, window, aggregates }: AggregationPlan): RecordSchema {
  const names = key.from === 'columns' ? key.columns : []
  const fields = names.map(
    (column) => [columns[column].path[0], { type: columns[column].type }] as const,
  )
  const keySchema: FieldSchema =
    names.length === 0
      ? { type: 'string' }
      : names.length === 1
        ? fields[0][1]
        : { type: 'record', name: 'Key', fields }
  const bounds =
    window === undefined
      ? []
      : [
          ['start', { type: 'integer' }],
          ['end', { type: 'integer' }],
        ]
  const results = aggregates.map(({ name, fn, column }) => {
    const type = column < 0 ? 'integer' : columns[column].type
    // A sum of int64 may be larger than one.
    const whole = type === 'int64' ? 'decimal' : 'float64'
    const shown = fn === 'mean' ? 'float64' : fn === 'sum' ? whole : type
    return [name, { type: shown, nullable: fn !== 'count' && fn !== 'sum' }]
  })
  return {
    type: 'record',
    name: 'Row',
    fields: [['key', keySchema], ...bounds, ...results] as RecordSchema['fields'],
  }
}
