// A user's module that exports what it declares must be able to write its own declarations: every
// type that the builders infer has a name in the public surface.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { newDirectory } from '../support/program.ts'

const root = join(import.meta.dirname, '../../..')

const module = `
import { and, App, array, count, eq, float64, gt, hopping, json, map, optional, raw, record, string,
  sum, text, timestamp, tumbling, type Stream } from 'euphorion'
import { defineKernel } from 'euphorion/kernels'
export const app = new App('declared')
export const scaled = defineKernel('scaled', { columns: { values: 'f64' }, params: { by: 'f32' },
  module: import.meta.url, run: ({ values }, { by }) => ({ all: values.map((v) => v * by), by }) })
export const first = defineKernel('first', { columns: { values: 'i64' }, results: 'bigint',
  run: ({ values }) => values[0] })
export const Reading = record('Reading', { id: string(), value: float64(), at: timestamp(),
  tags: array(string()), extra: optional(map(float64())), nested: record('Nested', { a: string() }) })
export const id = string()
export const readings = app.topic('readings', { key: string(), value: Reading, keyedBy: 'id' })
export const other = app.topic('other', { value: json<{ a: 1 }>() })
export const blobs = app.topic('blobs', { key: text(), value: raw() })
export const minute = tumbling('1m')
export const hops = hopping('1m', '10s', { grace: '5s' })
export const stream = app.stream(readings)
  .where((v) => and(gt(v.value, 0), eq(v.nested.a, 'x'))).keyBy('id')
export const table = stream.window(minute).aggregate('t', (v) => ({ n: count(), all: sum(v.value) }))
export const changes = table.changes()
export const late = table.late()
export const agent = app.agent(readings, async function* (values) {
  for await (const { id } of values) yield id
})
export const batches = (stream: Stream<string, unknown>) => stream.batches({ maxRecords: 10 })
export const largest = defineKernel('largest', { columns: { value: 'f64' }, params: { floor: 'f64' },
  run: ({ value }, { floor }): number => Math.max(floor, ...value) })
type Fields = typeof readings extends import('euphorion').Topic<infer _K, infer _V, infer F extends import('euphorion').FieldMap> ? F : never
export const mapped = (stream: Stream<string, unknown, Fields>) =>
  stream.mapBatch(largest, { params: { floor: 0 }, concurrency: 2 })
export const values = async (stream: Stream<string, unknown, Fields>) => {
  for await (const batch of stream.batches()) return batch.column('value')
}
export const counting = () => ({ n: count() })
export const above = (floor: number) => gt({ path: ['value'], type: 'float64' }, floor)
export const statistics = () => app.statistics()
export const topology = () => app.topology
export const log = () => app.log()
export const settings = () => app.settings
`
const options = {
  module: 'nodenext',
  target: 'es2023',
  strict: true,
  declaration: true,
  types: ['node'],
  outDir: 'out',
}

test('what a program declares can be exported with its types', async () => {
  const directory = await newDirectory()
  await mkdir(join(directory, 'node_modules'))
  await symlink(root, join(directory, 'node_modules/euphorion'))
  await symlink(join(root, 'node_modules/@types'), join(directory, 'node_modules/@types'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  await writeFile(join(directory, 'declared.ts'), module)
  const config = { compilerOptions: options, files: ['declared.ts'] }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', directory], {
    encoding: 'utf8',
  })
  assert.equal(stdout, '')
  assert.equal(status, 0)
})
