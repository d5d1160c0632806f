// JavaScript kernels: in the pool and on the calling thread, what they are given and what they give.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { threadId } from 'node:worker_threads'
import { defineKernel } from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'
import {
  bad,
  negated,
  nested,
  runHidden,
  scaled,
  sharedSum,
  sum,
  unruly,
  where,
} from '../../support/user_kernels.ts'

test('a kernel with its module runs in another thread, of lower priority', async () => {
  const { thread, isMain, priority } = await where.run({})
  assert.notEqual(thread, threadId)
  assert.equal(isMain, 0)
  if (process.platform === 'linux') assert.ok(priority >= 10, String(priority))
})

test('columns and parameters go in, numbers and columns come out', async () => {
  assert.equal(await sum.run({ values: new Float64Array([1, 2, 4]) }), 7)
  assert.equal(await sum.run({ values: new Float64Array(0) }), 0)
  const values = new Float32Array([1, 2])
  const result = await scaled.run({ values }, { params: { factor: 3 } })
  assert.deepEqual(result, { values: new Float32Array([3, 6]), first: 3 })
  assert.equal(await nested.run({ values: new Float64Array([1, 2]) }), 6)
})

test('the caller keeps his columns; shared ones are the kernel’s too', async () => {
  const values = new Float64Array([0, 1, 2, 3]).subarray(1)
  assert.deepEqual(await negated.run({ values }), new Float64Array([-2, -3]))
  assert.deepEqual(values, new Float64Array([1, 2, 3]))
  const shared = new Int32Array(new SharedArrayBuffer(8))
  assert.equal(await sharedSum.run({ values: shared }), 2)
  assert.deepEqual([...shared], [1, 1])
})

test('what a kernel throws is KERNEL_FAILED with its stack; coded errors stay as they are', async () => {
  const failed = isError('KERNEL_FAILED', /^kernel unruly failed: thrown on purpose$/)
  await assert.rejects(unruly.run({}, { params: { how: bad.throws } }), (error: Error) => {
    assert.match(String((error.cause as Error).stack), /user_kernels\.js/)
    return failed(error)
  })
  const coded = isError('RECORD_BAD', /^coded$/, { offset: 3 })
  await assert.rejects(unruly.run({}, { params: { how: bad.coded } }), coded)
  const nothing = isError('KERNEL_INVALID', /kernel unruly: it gave undefined/)
  await assert.rejects(unruly.run({}, { params: { how: bad.givesNothing } }), nothing)
})

test('a kernel must be exported by its module, and the module must be there', async () => {
  const path = new URL('../../support/user_kernels.js', import.meta.url).href
  await assert.rejects(runHidden(), isError('KERNEL_INVALID', /exports no kernel/, { path }))
  const module = new URL('./not_there.js', import.meta.url).href
  const lost = defineKernel('lost', { columns: {}, module, run: () => 1 })
  await assert.rejects(
    lost.run({}),
    isError('KERNEL_FAILED', /cannot be imported/, { path: module }),
  )
})

const columns = { a: 'f64', b: 'i32' } as const
const local = defineKernel('local', { columns, run: ({ a, b }) => a.length + b.length })

test('without its module a kernel runs where it is called', async () => {
  const here = defineKernel('here', { columns: {}, run: () => threadId })
  assert.equal(await here.run({}), threadId)
  const cause = new Error('my own')
  const fails = defineKernel('fails', {
    columns: {},
    run: () => {
      throw cause
    },
  })
  await assert.rejects(fails.run({}), (error: Error) => error.cause === cause)
  const signal = AbortSignal.abort('no more')
  await assert.rejects(here.run({}, { signal }), isError('KERNEL_CANCELLED', /here/))
})

test('columns that are not as declared are refused by name', async () => {
  const a = new Float64Array(2)
  const b = new Int32Array(2)
  const refused = async (given: unknown, says: RegExp) =>
    await assert.rejects(
      (local.run as (given: unknown) => Promise<number>).call(local, given),
      isError('KERNEL_INVALID', says),
    )
  await refused({ a }, /column b is missing/)
  await refused({ a, b, c: b }, /there is no column c: it takes a, b/)
  await refused(
    { a: new Float32Array(2), b },
    /column a is declared f64, so it is a Float64Array, not Float32Array/,
  )
  await refused({ a: [1, 2], b }, /not Array/)
  await refused({ a, b: new Int32Array(3) }, /column b has 3 values, column a has 2/)
  await refused(undefined, /undefined/)
  await refused(a, /Float64Array/)
  const any = defineKernel('any', { columns, lengths: 'any', run: ({ b }) => b.length })
  assert.equal(await any.run({ a, b: new Int32Array(3) }), 3)
})

test('parameters must be there and fit their type', async () => {
  const params = { f: 'f64', byte: 'u8', long: 'i64' } as const
  const kernel = defineKernel('p', { columns: {}, params, run: (_, { f, byte }) => f + byte })
  const run = (given: object) => kernel.run({}, { params: given as never })
  assert.equal(await run({ f: Number.NaN, byte: 255, long: 1n }), Number.NaN)
  for (const [given, says] of [
    [{ f: 1, byte: 1 }, /parameter long is missing/],
    [{ f: 1, byte: 256, long: 1n }, /parameter byte is declared u8, which cannot be 256/],
    [{ f: 1, byte: -1, long: 1n }, /-1/],
    [{ f: 1, byte: 1.5, long: 1n }, /1\.5/],
    [{ f: '1', byte: 1, long: 1n }, /a string/],
    [{ f: 1, byte: 1, long: 1 }, /i64, which cannot be 1/],
    [{ f: 1, byte: 1, long: 2n ** 63n }, /9223372036854775808/],
    [{ f: 1, byte: 1, long: 1n, more: 1 }, /there is no parameter more/],
  ] as const)
    await assert.rejects(run(given), isError('KERNEL_INVALID', says))
})

test('results that are not as declared are refused', async () => {
  const giving = (results: unknown, given: unknown) => {
    const run = () => given as number
    return defineKernel('r', { columns: {}, results: results as 'number', run }).run({})
  }
  assert.equal(await giving('number', 1), 1)
  assert.deepEqual(await giving({ a: 'u8' }, { a: new Uint8Array(1) }), { a: new Uint8Array(1) })
  for (const [results, given, says] of [
    ['number', 1n, /result is declared a number; it gave a bigint/],
    ['f64', new Float32Array(1), /result is declared f64, a Float64Array; it gave Float32Array/],
    [{ a: 'number' }, 1, /result a is declared a number; it gave undefined/],
    [{ a: 'number' }, { a: 1, b: 2 }, /result b is not declared/],
    [{ a: 'number' }, [1], /it gave Array/],
    [undefined, { a: 'text' }, /result a is a string/],
  ] as const)
    await assert.rejects(giving(results, given), isError('KERNEL_INVALID', says))
})

test('a definition that cannot be is refused when it is made', () => {
  const define = (name: string, definition: object) => () =>
    defineKernel(name, { columns: {}, run: () => 1, ...definition })
  const refused = (name: string, definition: object, says: RegExp) =>
    assert.throws(define(name, definition), isError('KERNEL_INVALID', says))
  refused('', {}, /name/)
  refused('k', { columns: { a: 'f63' } }, /column a cannot be of type f63: there are f64/)
  refused('k', { columns: null }, /columns/)
  refused('k', { params: { p: 'number' } }, /parameter p/)
  refused('k', { results: { r: 'text' } }, /result r/)
  refused('k', { lengths: 'some' }, /lengths/)
  refused('k', { module: './kernels.js' }, /import\.meta\.url/)
  refused('k', { run: 'code' }, /run is a function/)
})

test('a closed kernel is not run any more', async () => {
  const kernel = defineKernel('closing', { columns: {}, run: () => 1 })
  assert.equal(await kernel.run({}), 1)
  kernel.close()
  await assert.rejects(kernel.run({}), isError('KERNEL_INVALID', /closed/))
})
