// What the compiler infers for loaded kernels, and what it refuses. The assertions are made when
// this file is compiled; nothing of it is run.
import { test } from 'node:test'
import type { WasmValue } from '../../src/kernel/user/wasm_task.ts'
import { type Kernel, loadKernel, type NoParams } from '../../src/kernels.ts'
import { check, type Equal } from './equal.ts'

const values = new Float64Array(1)
const url = new URL('file:///x.kernel.ts')

/** Never called. */
async function loaded() {
  const columns = { values: 'f64' } as const
  return {
    column: await loadKernel(url, {
      columns: { values: 'f64', weights: 'i64' },
      params: { alpha: 'f64', seed: 'u64' },
      result: { column: 'f32' },
    }),
    number: await loadKernel(url, { columns, result: 'u32' }),
    bigint: await loadKernel(url, { columns, result: 'i64' }),
    boolean: await loadKernel(url, { columns, result: 'bool' }),
    nothing: await loadKernel(url, { columns, result: 'void' }),
    open: await loadKernel(url, { columns }),
    out: await loadKernel(url, {
      columns: { values: 'f64' },
      out: { z: 'f64', bins: { column: 'u32', length: 64 } },
    }),
    both: await loadKernel(url, {
      columns: { values: 'f64' },
      out: { z: { column: 'f32', length: 'values' } },
      result: 'i64',
    }),
  }
}
type Loaded = Awaited<ReturnType<typeof loaded>>
type Result<K extends { run(...given: never[]): unknown }> = Awaited<ReturnType<K['run']>>

test('results have the declared types', () => {
  check<Equal<Result<Loaded['column']>, Float32Array>>()
  check<Equal<Result<Loaded['number']>, number>>()
  check<Equal<Result<Loaded['bigint']>, bigint>>()
  check<Equal<Result<Loaded['boolean']>, boolean>>()
  check<Equal<Result<Loaded['nothing']>, undefined>>()
  check<Equal<Result<Loaded['open']>, WasmValue>>()
  type Out = Result<Loaded['out']>
  check<Equal<Out['z'], Float64Array>>()
  check<Equal<Out['bins'], Uint32Array>>()
  check<Equal<keyof Out, 'z' | 'bins'>>()
  type Both = Result<Loaded['both']>
  check<Equal<Both['result'], bigint>>()
  check<Equal<Both['z'], Float32Array>>()
})

test('a kernel can be named by its type', () => {
  check<Equal<Loaded['number'], Kernel<{ readonly values: 'f64' }, number, NoParams>>>()
})

test('columns and parameters have the declared names and types', () => {
  const calls = async ({ column, number }: Loaded) => {
    const weights = new BigInt64Array(1)
    await column.run({ values, weights }, { params: { alpha: 1, seed: 1n }, timeoutMs: 5 })
    await number.run({ values })
    // @ts-expect-error: a column is missing
    await column.run({ values }, { params: { alpha: 1, seed: 1n } })
    // @ts-expect-error: there is no such column
    await number.run({ values, other: values })
    // @ts-expect-error: another type
    await number.run({ values: new Float32Array(1) })
    // @ts-expect-error: parameters are declared
    await column.run({ values, weights })
    // @ts-expect-error: a u64 is a bigint
    await column.run({ values, weights }, { params: { alpha: 1, seed: 1 } })
  }
  void calls
})

test('declarations that cannot be do not compile', () => {
  const calls = async () => {
    // @ts-expect-error: no such type
    await loadKernel(url, { columns: { values: 'f16' } })
    // @ts-expect-error: no columns
    await loadKernel(url, { params: { alpha: 'f64' } })
    // @ts-expect-error: no such type
    await loadKernel(url, { columns: {}, result: 'number' })
    // @ts-expect-error: no such option
    await loadKernel(url, { columns: {}, parms: {} })
    // @ts-expect-error: there is no column of that name
    await loadKernel(url, { columns: { x: 'f64' }, out: { z: { column: 'f64', length: 'y' } } })
  }
  void calls
})
