// The columns of JSON records: extracted by the kernel, by the plain TypeScript that is its
// reference, and by JSON.parse as a person would write it.

import type { Column } from '../../src/kernel/plan.ts'
import type { ColumnValue } from '../../src/kernel/reference/accumulate.ts'
import { columnsReader } from '../../src/kernel/reference/columns.ts'
import { jsonDecoder } from '../../src/record/json.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import { PageView } from '../../src/tune/page_view.ts'
import { JsonKernel } from '../../test/support/json_kernel.ts'
import type { BenchContext } from '../report/bench.ts'
import { addCases, equals, type MicroPart } from './part.ts'
import { byKey } from './views.ts'

const RECORDS = 2000

interface Workload {
  readonly name: string
  readonly schema: RecordSchema
  readonly columns: readonly Column[]
  readonly texts: readonly string[]
  /** Index of the numeric column whose sum is checked. */
  readonly sum: number
}

const pageViews = Array.from(
  { length: RECORDS },
  (_, i) =>
    `{"user":"u${String((i * 7919) % 1_000_000).padStart(6, '0')}",` +
    `"url":"/page/${(i * i) % 8057}",` +
    `"ms":${((i * 37) % 20_000) / 100},"ts":${1_700_000_000_000 + i * 13}}`,
)
const url: Column = { path: ['url'], type: 'string' }
const ts: Column = { path: ['ts'], type: 'timestamp' }
const ms: Column = { path: ['ms'], type: 'float64' }

const orders = Array.from({ length: RECORDS }, (_, i) =>
  JSON.stringify({
    id: `order-${i * 104_729}`,
    customer: { id: i * 31, name: `Customer number ${i % 97}`, vip: i % 3 === 0 },
    country: ['DE', 'FR', 'GB', 'US'][i % 4],
    currency: 'EUR',
    total: ((i * 7919) % 100_000) / 100,
    items: (i % 9) + 1,
    note: i % 10 === 0 ? 'Größe geändert' : null,
    created: 1_700_000_000_000 + i,
    shipped: i % 2 === 0,
    ratio: (i % 1000) / 7,
  }),
)
const order: RecordSchema = {
  type: 'record',
  name: 'Order',
  fields: [
    ['id', { type: 'string' }],
    [
      'customer',
      {
        type: 'record',
        name: 'Customer',
        fields: [
          ['id', { type: 'integer' }],
          ['name', { type: 'string' }],
          ['vip', { type: 'boolean' }],
        ],
      },
    ],
    ['country', { type: 'string' }],
    ['currency', { type: 'string' }],
    ['total', { type: 'float64' }],
    ['items', { type: 'integer' }],
    ['note', { type: 'string', nullable: true }],
    ['created', { type: 'timestamp' }],
    ['shipped', { type: 'boolean' }],
    ['ratio', { type: 'float64' }],
  ],
}
const shuffled = orders.map((text) =>
  JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).sort())),
)
const orderColumns: Column[] = [
  { path: ['country'], type: 'string' },
  { path: ['total'], type: 'float64' },
  { path: ['customer', 'id'], type: 'integer' },
  { path: ['created'], type: 'timestamp' },
]

const workloads: readonly Workload[] = [
  {
    ...{ name: 'url and ts of a page view', schema: PageView.schema },
    ...{ columns: [url, ts], texts: pageViews, sum: 1 },
  },
  {
    ...{ name: 'url, ms and ts of a page view', schema: PageView.schema },
    ...{ columns: [url, ms, ts], texts: pageViews, sum: 1 },
  },
  {
    ...{ name: '4 of the 10 fields of an order', schema: order },
    ...{ columns: orderColumns, texts: orders, sum: 1 },
  },
  {
    ...{ name: 'the same, fields in another order', schema: order },
    ...{ columns: orderColumns, texts: shuffled, sum: 1 },
  },
]

export const json: MicroPart = {
  name: 'json',
  async run(context) {
    for (const workload of workloads) await addWorkload(context, workload)
  },
}

function at(event: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], event)
}

async function addWorkload(
  context: BenchContext,
  { name, schema, columns, texts, sum }: Workload,
): Promise<void> {
  const values = texts.map((text) => Buffer.from(text))
  const { path } = columns[sum]
  const total = texts.reduce((all, text) => all + (at(JSON.parse(text), path) as number), 0)
  const common = { per: texts.length, check: equals(total) }
  const all = new JsonKernel(schema, columns).placeAll(values)
  const decode = jsonDecoder(schema)
  const readColumns = columnsReader({ ...byKey, columns })
  const found: ColumnValue[] = columns.map(() => null)
  await addCases(context, {
    group: name,
    per: 'record',
    cases: [
      { ...common, name: 'WebAssembly', work: () => all.sum(sum) },
      {
        ...common,
        name: 'plain JavaScript, checked as declared',
        work: () => {
          let total = 0
          for (const value of values) {
            readColumns(decode(value), found)
            total += found[sum] as number
          }
          return total
        },
      },
      {
        ...common,
        name: 'JSON.parse',
        work: () => {
          let total = 0
          for (const value of values) total += at(JSON.parse(value.toString()), path) as number
          return total
        },
      },
    ],
  })
}
