// Kernels in AssemblyScript as a program loads and runs them: columns, parameters and results of
// every type, runs side by side, and everything that can go wrong in a run.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { kernelPool } from '../../../src/kernel/offload/pool.ts'
import {
  type ColumnArray,
  type ColumnType,
  columnConstructor,
  columnTypes,
} from '../../../src/kernel/user/column_types.ts'
import { configureKernels, loadKernel } from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'
import { type KernelFiles, kernelFiles } from '../../support/kernel_files.ts'

let files: KernelFiles

before(async () => {
  files = await kernelFiles()
  configureKernels({ threads: 2, memoryMib: 32, cacheDir: `${files.directory}/cache` })
})
after(() => kernelPool().close())

const ewmaText = `
export function ewma(values: Float64Array, alpha: f64): Float64Array {
  const out = new Float64Array(values.length)
  let last = values.length > 0 ? values[0] : 0
  for (let i = 0; i < values.length; i++) {
    last = alpha * values[i] + (1 - alpha) * last
    out[i] = last
  }
  return out
}
`

function loadEwma() {
  return loadKernel(files.kernel('ewma', ewmaText), {
    columns: { values: 'f64' },
    params: { alpha: 'f64' },
    result: { column: 'f64' },
  })
}

function ewma(values: Float64Array, alpha: number): Float64Array {
  let last = values[0]
  return values.map((each) => {
    last = alpha * each + (1 - alpha) * last
    return last
  })
}

test('a kernel gives what the same JavaScript gives, bit by bit', async () => {
  const kernel = await loadEwma()
  assert.equal(kernel.name, 'ewma')
  assert.deepEqual(kernel.columns, { values: 'f64' })
  const columns = fc.float64Array({ maxLength: 1000 })
  const property = fc.asyncProperty(columns, fc.double(), async (values, alpha) => {
    const got = await kernel.run({ values }, { params: { alpha } })
    assert.deepEqual(got, ewma(values, alpha))
  })
  await fc.assert(property, { numRuns: 50 })
})

test('a hundred runs side by side do not see each other', async () => {
  const text = `
let calls = 0
const seen = new Map<f64, f64>()
export function once(values: Float64Array): f64 {
  calls++
  seen.set(values[0], values[0])
  return values[0] * 1000 + calls * 10 + seen.size
}`
  const kernel = await loadKernel(files.kernel('once', text), {
    columns: { values: 'f64' },
    result: 'f64',
  })
  const runs = Array.from({ length: 100 }, (_, each) =>
    kernel.run({ values: Float64Array.of(each) }),
  )
  assert.deepEqual(
    await Promise.all(runs),
    Array.from({ length: 100 }, (_, each) => each * 1000 + 11),
  )
})

const bytes = Uint8Array.from({ length: 64 }, (_, each) => each * 37)

function arrayName(type: ColumnType): string {
  return columnConstructor(type).name.replace('Big', '')
}

test('columns of every type come in and go out as they are', async () => {
  const names = Object.fromEntries(columnTypes.map((type) => [`in_${type}`, type]))
  const outs = Object.fromEntries(
    columnTypes.map((type) => {
      return [`out_${type}`, { column: type, length: `in_${type}` as const }]
    }),
  )
  const list = columnTypes.map((type) => {
    const array = arrayName(type)
    return `in_${type}: ${array}, out_${type}: ${array}`
  })
  const lines = columnTypes.map((type) => `  out_${type}.set(in_${type}.reverse())`)
  const text = `export function all(${list.join(', ')}): void {\n${lines.join('\n')}\n}\n`
  const url = files.kernel('all', text)
  const kernel = await loadKernel(url, { columns: names, out: outs, lengths: 'any' })
  for (const Buffer of [ArrayBuffer, SharedArrayBuffer]) {
    const given = Object.entries(names).map(([name, type]) => {
      const column = new (columnConstructor(type))(new Buffer(64) as never)
      new Uint8Array(column.buffer).set(bytes)
      return [name, column]
    })
    const results = await kernel.run(Object.fromEntries(given))
    for (const type of columnTypes) {
      const same = new (columnConstructor(type))(bytes.slice().buffer)
      const [, column] = given.find(([name]) => name === `in_${type}`)!
      assert.deepEqual(results[`out_${type}`], same.slice().reverse(), type)
      assert.deepEqual(new Uint8Array((column as ColumnArray).buffer), bytes, 'of the caller')
    }
  }
})

test('a result may be a column of any length', async () => {
  for (const type of ['f32', 'i64', 'u16'] as const) {
    const array = arrayName(type)
    const text = `export function odd(x: ${array}): ${array} { return x.subarray(1, x.length - 2) }`
    const kernel = await loadKernel(files.kernel(`odd-${type}`, text), {
      columns: { x: type },
      result: { column: type },
    })
    const x = new (columnConstructor(type))(bytes.slice().buffer)
    assert.deepEqual(await kernel.run({ x } as never), x.slice(1, -2))
    const short = new (columnConstructor(type))(3)
    assert.deepEqual(await kernel.run({ x: short } as never), short.slice(3))
  }
})

test('numbers of every type come in and go out as they are', async () => {
  const most: Record<string, number | bigint> = {
    f64: Number.MAX_VALUE,
    f32: 2 ** 127,
    i32: -(2 ** 31),
    u32: 2 ** 32 - 1,
    i16: -(2 ** 15),
    u16: 2 ** 16 - 1,
    i8: -128,
    u8: 255,
    i64: -(2n ** 63n),
    u64: 2n ** 64n - 1n,
  }
  for (const type of columnTypes) {
    const text = `export function same(x: Uint8Array, p: ${type}): ${type} { return p }`
    const kernel = await loadKernel(files.kernel(`same-${type}`, text), {
      columns: { x: 'u8' },
      params: { p: type },
      result: type,
    })
    const p = most[type] as never
    assert.equal(await kernel.run({ x: new Uint8Array(1) }, { params: { p } }), p, type)
  }
})

test('a result that is not declared is what the function says', async () => {
  const columns = { x: 'f64' } as const
  const results: readonly (readonly [string, string, unknown])[] = [
    ['bool', 'x[0] > 1', true],
    ['boolean', 'x[0] < 1', false],
    ['i64', '<i64>x[0]', 2n],
    ['number', 'x[0]', 2],
    ['u32', '<u32>-1', 4294967295],
    ['Uint8Array', 'new Uint8Array(2)', new Uint8Array(2)],
  ]
  for (const [type, value, expected] of results) {
    const text = `export function f(x: Float64Array): ${type} { return ${value} }`
    const kernel = await loadKernel(files.kernel(`of-${type}`, text), { columns })
    assert.deepEqual(await kernel.run({ x: Float64Array.of(2) }), expected, type)
  }
  const text = 'export function f(x: Float64Array): void { x[0] = 1 }'
  const kernel = await loadKernel(files.kernel('of-void', text), { columns })
  const x = Float64Array.of(2)
  assert.equal(await kernel.run({ x }), undefined)
  assert.equal(x[0], 2, 'a kernel has copies')
})

test('columns that a kernel fills are given by their names, with what it gives beside them', async () => {
  const text = `
export function outliers(limit: f64, z: Float32Array, values: Float64Array, flags: Uint8Array): i32 {
  let found = 0
  for (let i = 0; i < values.length; i++) {
    z[i] = <f32>values[i]
    if (values[i] > limit) flags[found++] = <u8>i
  }
  return found
}`
  const url = files.kernel('outliers', text)
  const declared = { columns: { values: 'f64' }, params: { limit: 'f64' } } as const
  const out = { z: 'f32', flags: { column: 'u8', length: 3 } } as const
  const values = Float64Array.of(1, 5, 2, 7)
  const both = await loadKernel(url, { ...declared, out, result: 'i32' })
  assert.deepEqual(await both.run({ values }, { params: { limit: 2 } }), {
    z: Float32Array.of(1, 5, 2, 7),
    flags: Uint8Array.of(1, 3, 0),
    result: 2,
  })
  const only = await loadKernel(url, {
    ...declared,
    out: { z: 'f32', flags: { column: 'u8', length: 'values' } },
  })
  assert.deepEqual(await only.run({ values }, { params: { limit: 9 } }), {
    z: Float32Array.of(1, 5, 2, 7),
    flags: new Uint8Array(4),
  })
})

test('a parameter with a default can be left undeclared', async () => {
  const text = 'export function f(x: Float64Array, a: f64, b: f64 = 7): f64 { return x[0] + a + b }'
  const url = files.kernel('defaults', text)
  const one = { columns: { x: 'f64' }, params: { a: 'f64' }, result: 'f64' } as const
  const kernel = await loadKernel(url, one)
  assert.equal(await kernel.run({ x: Float64Array.of(1) }, { params: { a: 2 } }), 10)
  const both = await loadKernel(url, { ...one, params: { a: 'f64', b: 'f64' } })
  assert.equal(await both.run({ x: Float64Array.of(1) }, { params: { a: 2, b: 1 } }), 4)
})

test('a kernel imports from files beside it, and its function may be one of them', async () => {
  files.write('lib/twice.ts', 'export function twice(x: f64): f64 { return x * 2 }\n')
  const text = `
import { twice } from './lib/twice.ts'
export { twice } from './lib/twice'
export function four(x: Float64Array): f64 { return twice(twice(x[0])) }
export default function third(x: Float64Array): f64 { return x[0] / 3 }
export function any<T>(x: T): T { return x }`
  const url = files.kernel('several', text)
  const columns = { x: 'f64' } as const
  const four = await loadKernel(url, { columns, name: 'four' })
  assert.equal(await four.run({ x: Float64Array.of(3) }), 12)
  const third = await loadKernel(url, { columns, name: 'default' })
  assert.equal(third.name, 'third')
  assert.equal(await third.run({ x: Float64Array.of(3) }), 1)
  const twice = await loadKernel(url, {
    columns: {},
    params: { x: 'f64' },
    name: 'twice',
    result: 'f64',
  })
  assert.equal(await twice.run({}, { params: { x: 4 } }), 8)
})

test('SIMD can be written', async () => {
  const text = `
export function sum(x: Float64Array): f64 {
  let both = f64x2.splat(0)
  for (let i = 0; i < x.length; i += 2) both = f64x2.add(both, v128.load(x.dataStart + (i << 3)))
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
}`
  const kernel = await loadKernel(files.kernel('simd', text), {
    columns: { x: 'f64' },
    result: 'f64',
  })
  assert.equal(await kernel.run({ x: Float64Array.of(1, 2, 3, 4) }), 10)
})

const failures = `
function at(x: Float64Array, i: i32): f64 {
  return x[i]
}
export function fails(x: Float64Array, how: i32): f64 {
  let sum = 0.0
  for (let i = 0; i < x.length; i++) sum += x[i]
  if (how == 1) return sum + at(x, x.length)
  if (how == 2) throw new Error('no more')
  if (how == 3) return <f64>(x.length / (how - 3))
  if (how == 4) unreachable()
  if (how == 5) return fails(x, how) + 1
  if (how == 6) {
    for (let i = 0; i < 1_000_000; i++) sum += new Float64Array(1_000)[i % 3]
  }
  if (how == 7) return new Float64Array(100_000_000)[3]
  if (how == 8) {
    for (;;) sum += 1
  }
  return sum
}
`
const x = Float64Array.of(1, 2, 3)

function loadFails(collectGarbage: boolean) {
  return loadKernel(files.kernel('fails', failures), {
    columns: { x: 'f64' },
    params: { how: 'i32' },
    result: 'f64',
    collectGarbage,
  })
}

test('a run that fails says where in the file', async () => {
  const kernel = await loadFails(false)
  const run = (how: number) => kernel.run({ x }, { params: { how } })
  const place = (line: number) => `fails\\.kernel\\.ts:${line}:\\d+`
  const failed = (line: number, what: string) =>
    isError('KERNEL_FAILED', new RegExp(`^kernel fails failed at .*${place(line)}: ${what}$`))
  await assert.rejects(run(1), failed(3, 'Index out of range'))
  await assert.rejects(run(2), failed(9, 'no more'))
  await assert.rejects(run(4), failed(11, 'unreachable'))
  await assert.rejects(run(3), failed(10, 'divide by zero'))
  const deep = /failed at .*fails\.kernel\.ts:\d+:\d+: Maximum call stack size exceeded$/
  await assert.rejects(run(5), isError('KERNEL_FAILED', deep))
  assert.equal(await run(0), 6)
})

test('of many statements it is the one that failed that is named', async () => {
  const statements = [
    's += x[how + 100]',
    'x[how + 100] = 5',
    's += <f64>flags[how + 100]',
    'flags[how + 100] = 3',
    's += x[1] + x[how + 100]',
    'for (let i = 0; ; i++) s += x[i]',
    's += <f64>(flags[0] / (flags[1] - flags[1]))',
    'x.set(x, 3)',
    's += x.subarray(2, 3)[5]',
    's += new StaticArray<f64>(3)[how]',
    'assert(how == 3)',
    "throw new Error('on purpose')",
  ]
  const text = `export function f(x: Float64Array, flags: Uint8Array, how: i32): f64 {
  let s = 0.0
${statements.map((each, how) => `  if (how == ${how}) {\n    ${each}\n  }\n`).join('')}  return s
}
`
  const kernel = await loadKernel(files.kernel('lines', text), {
    columns: { x: 'f64', flags: 'u8' },
    params: { how: 'i32' },
    result: 'f64',
  })
  const columns = { x: new Float64Array(9), flags: new Uint8Array(9) }
  for (const [how, statement] of statements.entries()) {
    const place = new RegExp(`lines\\.kernel\\.ts:${4 + how * 3}:\\d+: `)
    await assert.rejects(
      kernel.run(columns, { params: { how } }),
      isError('KERNEL_FAILED', place),
      statement,
    )
  }
})

test('memory has a bound, and is used again where that is asked for', async () => {
  const kernel = await loadFails(false)
  const run = (how: number) => kernel.run({ x }, { params: { how } })
  const says =
    /^kernel fails needs more memory than kernelMemoryMib .*fails\.kernel\.ts:14:\d+; with collectGarbage: true/
  await assert.rejects(run(6), isError('MEMORY_EXHAUSTED', says))
  await assert.rejects(run(7), isError('MEMORY_EXHAUSTED', /fails\.kernel\.ts:16:/))
  const collecting = await loadFails(true)
  assert.equal(await collecting.run({ x }, { params: { how: 6 } }), 6)
  const error = isError('MEMORY_EXHAUSTED', /allows at [^;]*fails\.kernel\.ts:16:\d+$/)
  await assert.rejects(collecting.run({ x }, { params: { how: 7 } }), error)
})

test('a run that does not end is ended, and the others go on', async () => {
  const kernel = await loadFails(false)
  const others = Array.from({ length: 5 }, () => kernel.run({ x }, { params: { how: 0 } }))
  const late = kernel.run({ x }, { params: { how: 8 }, timeoutMs: 50 })
  const more = Array.from({ length: 5 }, () => kernel.run({ x }, { params: { how: 0 } }))
  await assert.rejects(
    late,
    isError('KERNEL_TIMEOUT', /kernel fails was ended after running for 50 ms/),
  )
  const controller = new AbortController()
  const cancelled = kernel.run({ x }, { params: { how: 8 }, signal: controller.signal })
  controller.abort()
  await assert.rejects(cancelled, isError('KERNEL_CANCELLED', /kernel fails was cancelled/))
  assert.deepEqual(await Promise.all([...others, ...more]), Array(10).fill(6))
})

test('what a kernel is given is held against what it declares', async () => {
  const kernel = await loadEwma()
  const run = kernel.run.bind(kernel) as (columns: object, options?: object) => Promise<unknown>
  const values = new Float64Array(2)
  const invalid = (says: RegExp) => isError('KERNEL_INVALID', says)
  await assert.rejects(run({ x: values }), invalid(/kernel ewma: column values is missing/))
  await assert.rejects(
    run({ values: new Float32Array(2) }),
    invalid(/Float64Array, not Float32Array/),
  )
  await assert.rejects(run({ values }), invalid(/parameter alpha is missing/))
  const text = { params: { alpha: 'a' } }
  await assert.rejects(run({ values }, text), invalid(/alpha is declared f64/))
  kernel.close()
  await assert.rejects(run({ values }, { params: { alpha: 1 } }), invalid(/it was closed/))
})

test('options that cannot be are refused', async () => {
  const url = files.kernel('ewma', ewmaText)
  const columns = { values: 'f64' }
  const cases: readonly (readonly [object, RegExp])[] = [
    [{}, /its columns are \{ name: type \}/],
    [{ columns: { values: 'float' } }, /column values cannot be of type float: there are f64/],
    [{ columns, params: { alpha: 'bool' } }, /parameter alpha cannot be of type bool/],
    [{ columns, out: { z: 'f65' } }, /out column z cannot be of type f65/],
    [{ columns, out: { z: { column: 'f64', length: 'x' } } }, /length of z .* not x/],
    [{ columns: {}, out: { z: 'f64' } }, /no column that says how long z is/],
    [{ columns, params: { values: 'f64' } }, /values is declared twice/],
    [{ columns, result: 'text' }, /result cannot be "text"/],
    [{ columns, result: { column: 'bool' } }, /result cannot be \{"column":"bool"\}/],
    [{ columns, out: { result: 'f64' }, result: 'f64' }, /an out column is named result/],
    [{ columns, lengths: 'some' }, /lengths is 'equal' or 'any'/],
    [{ columns, parms: {} }, /no option parms: there are columns, params/],
  ]
  for (const [options, says] of cases) {
    await assert.rejects(loadKernel(url, options as never), isError('KERNEL_INVALID', says))
  }
})
