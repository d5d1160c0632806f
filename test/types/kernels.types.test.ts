// What the compiler infers from declared kernels, and what it refuses. The assertions are made when
// this file is compiled; the wrong calls are never run.
import { test } from 'node:test'
import { type ColumnArrays, defineKernel, type Kernel, type NoParams } from '../../src/kernels.ts'
import { check, type Equal } from './equal.ts'

const f64 = new Float64Array(1)
const i32 = new Int32Array(1)

const distance = defineKernel('distance', {
  columns: { x: 'f64', y: 'f64', id: 'u64' },
  params: { scale: 'f64', limit: 'i64' },
  run: ({ x, id }, { scale, limit }) => {
    check<Equal<typeof x, Float64Array>>()
    check<Equal<typeof id, BigUint64Array>>()
    check<Equal<typeof scale, number>>()
    check<Equal<typeof limit, bigint>>()
    return { total: x.length * scale, near: new Uint8Array(x.length) }
  },
})
const mean = defineKernel('mean', { columns: { values: 'f32' }, run: ({ values }) => values[0] })
const checked = defineKernel('checked', {
  columns: { values: 'f64' },
  results: { mean: 'number', ids: 'i64', all: 'bigint' },
  run: async () => ({ mean: 1, ids: new BigInt64Array(1), all: 1n }),
})

test('columns, parameters and results have their exact types', () => {
  check<
    Equal<ColumnArrays<{ a: 'f64'; b: 'i8' }>, { readonly a: Float64Array; readonly b: Int8Array }>
  >()
  type Result<K> = K extends { run(...args: never): Promise<infer Out> } ? Out : never
  check<Equal<Result<typeof mean>, number>>()
  check<Equal<Result<typeof distance>, { total: number; near: Uint8Array<ArrayBuffer> }>>()
  check<
    Equal<
      Result<typeof checked>,
      { readonly mean: number; readonly ids: BigInt64Array; readonly all: bigint }
    >
  >()
  check<Equal<typeof mean, Kernel<{ readonly values: 'f32' }, number, NoParams>>>()
  const column = defineKernel('c', { columns: {}, results: 'i16', run: () => new Int16Array(1) })
  check<Equal<Result<typeof column>, Int16Array>>()
})

/** Compiled, never called. */
export async function refused(): Promise<void> {
  await mean.run({ values: new Float32Array(1) }, { timeoutMs: 1, signal: AbortSignal.abort() })
  // @ts-expect-error another type of column
  await mean.run({ values: f64 })
  // @ts-expect-error no such column
  await mean.run({ value: new Float32Array(1) })
  // @ts-expect-error a column too many
  await mean.run({ values: new Float32Array(1), more: f64 })
  // @ts-expect-error no columns
  await mean.run()
  // @ts-expect-error it has no parameters
  await mean.run({ values: new Float32Array(1) }, { params: { a: 1 } })
  const columns = { x: f64, y: f64, id: new BigUint64Array(1) }
  await distance.run(columns, { params: { scale: 1, limit: 1n } })
  // @ts-expect-error parameters are missing
  await distance.run(columns)
  // @ts-expect-error a parameter is missing
  await distance.run(columns, { params: { scale: 1 } })
  // @ts-expect-error a parameter of another type
  await distance.run(columns, { params: { scale: 1, limit: 1 } })
  // @ts-expect-error a column is missing
  await distance.run({ x: f64, y: f64 }, { params: { scale: 1, limit: 1n } })
  // @ts-expect-error no such type
  defineKernel('k', { columns: { a: 'f16' }, run: () => 1 })
  // @ts-expect-error no such column
  defineKernel('k', { columns: { a: 'f64' }, run: ({ b }) => b.length })
  // @ts-expect-error text is no result
  defineKernel('k', { columns: { a: 'f64' }, run: () => 'text' })
  // @ts-expect-error not what is declared
  defineKernel('k', { columns: {}, results: 'f64', run: () => i32 })
  // @ts-expect-error a result is missing
  defineKernel('k', { columns: {}, results: { a: 'number', b: 'f64' }, run: () => ({ a: 1 }) })
}
