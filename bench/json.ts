// Nanoseconds a record for JSON extraction by the kernel, beside JSON.parse. Run by hand: `npm run
// build && node dist/bench/json.js`; with --smoke, once and short. Every pass checks what it
// extracted.
import assert from 'node:assert/strict'
import { Bench } from 'tinybench'
import type { Column } from '../src/kernel/plan.ts'
import type { RecordSchema } from '../src/record/schema.ts'
import { JsonKernel } from '../test/support/json_kernel.ts'

const smoke = process.argv.includes('--smoke')
const RECORDS = smoke ? 50 : 2000
const timing = smoke ? { time: 5, warmup: false } : { time: 600, warmupTime: 200 }

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
const pageView: RecordSchema = {
  type: 'record',
  name: 'PageView',
  fields: [
    ['user', { type: 'string' }],
    ['url', { type: 'string' }],
    ['ms', { type: 'float64' }],
    ['ts', { type: 'timestamp' }],
  ],
}
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

const workloads: Workload[] = [
  { name: 'page view, url ts', schema: pageView, columns: [url, ts], texts: pageViews, sum: 1 },
  {
    name: 'page view, url ms ts',
    schema: pageView,
    columns: [url, ms, ts],
    texts: pageViews,
    sum: 1,
  },
  { name: 'order of 10 fields', schema: order, columns: orderColumns, texts: orders, sum: 1 },
  {
    name: 'order, other field order',
    schema: order,
    columns: orderColumns,
    texts: shuffled,
    sum: 1,
  },
]

function at(event: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], event)
}

for (const { name, schema, columns, texts, sum } of workloads) {
  const kernel = new JsonKernel(schema, columns)
  const values = texts.map((text) => Buffer.from(text))
  const expected = texts.reduce(
    (total, text) => total + (at(JSON.parse(text), columns[sum].path) as number),
    0,
  )
  const bench = new Bench({ name, ...timing })
  const all = kernel.placeAll(values)
  bench.add('kernel', () => assert.equal(all.sum(sum), expected))
  bench.add('JSON.parse', () => {
    let total = 0
    for (const value of values)
      total += at(JSON.parse(value.toString()), columns[sum].path) as number
    assert.equal(total, expected)
  })
  await bench.run()
  for (const { name: task, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${name}, ${task}: ${result.state}`)
    const { latency } = result
    const ns = (milliseconds: number) => ((milliseconds * 1e6) / RECORDS).toFixed(0)
    console.log(
      `${name.padEnd(26)} ${task.padEnd(11)} ${ns(latency.p50).padStart(6)} ns a record (best ${ns(latency.min)})`,
    )
  }
}
