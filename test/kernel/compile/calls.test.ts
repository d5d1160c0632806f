// Calls of compiled functions: arguments and results of all types, arrays that share memory, errors,
// and the same in the pool.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  type CompiledSource,
  compileFunction,
  compileSource,
  kernelPool,
} from '../../../src/kernels.ts'
import { assertSame } from '../../support/same_values.ts'

const folder = mkdtempSync(join(tmpdir(), 'euphorion-calls-'))
after(async () => {
  rmSync(folder, { recursive: true })
  await kernelPool().close()
})

let files = 0

/** A function f in a file of its own. */
function made(source: string, options?: Parameters<typeof compileSource>[2]): CompiledSource {
  const path = join(folder, `f${files++}.ts`)
  writeFileSync(path, source)
  return compileSource(path, 'f', options)
}

type Call = (...args: unknown[]) => unknown

/** In the calling thread, then in the pool. */
async function both(compiled: CompiledSource, check: (call: Call) => Promise<void>): Promise<void> {
  await check(async (...args) => (compiled.callSync as Call)(...args))
  await check((...args) => (compiled.call as Call)(...args) as Promise<unknown>)
}

test('an array that the function writes to changes for the caller, another does not', async () => {
  const copy = made(`export function f(from: Float64Array, to: Float64Array) {
    for (let i = 0; i < from.length; i++) to[i] = from[i] * 2
  }`)
  assert.deepEqual(
    copy.parameters.map(({ isWritten }) => isWritten),
    [false, true],
  )
  await both(copy, async (call) => {
    const from = Float64Array.of(1, -0, NaN)
    const to = new Float64Array(3)
    assertSame(await call(from, to), undefined)
    assertSame([from, to], [Float64Array.of(1, -0, NaN), Float64Array.of(2, -0, NaN)])
  })
})

test('an array is written through a variable, a choice, a view and another function', () => {
  const written = (body: string): boolean =>
    made(`export function f(a: Int32Array, b: Int32Array) { ${body} }
      function g(x: Int32Array, n: number): Int32Array { if (n > 0) return g(x, n - 1); return x }`)
      .parameters[0].isWritten
  assert.equal(written('const x = a; x[0] = 1'), true)
  assert.equal(written('const x = b.length ? a : b; x[0] = 1'), true)
  assert.equal(written('a.subarray(1)[0] = 1'), true)
  assert.equal(written('const x = g(a, 3); x[0]++'), true)
  assert.equal(written('a.sort()'), true)
  assert.equal(written('b.set(a)'), false)
  assert.equal(written('const x = a.slice(); x[0] = 1'), false)
  assert.equal(written('const x = new Int32Array(a); x[0] = 1'), false)
})

test('an array given twice is one array', async () => {
  const twice = made(`export function f(a: Float64Array, b: Float64Array): number {
    a[0] = 5
    b[1] = a[0] + b[0]
    return a[1]
  }`)
  await both(twice, async (call) => {
    const array = Float64Array.of(1, 2)
    assert.equal(await call(array, array), 10)
    assert.deepEqual(array, Float64Array.of(5, 10))
  })
})

test('views of one buffer that overlap share their elements', async () => {
  const shift = made(`export function f(a: Uint8Array, b: Uint8Array) {
    for (let i = 0; i < a.length; i++) a[i] = b[i] + 1
  }`)
  const run = (a: Uint8Array, b: Uint8Array): void => {
    for (let i = 0; i < a.length; i++) a[i] = b[i] + 1
  }
  await both(shift, async (call) => {
    for (const [from, to] of [
      [0, 3],
      [3, 0],
      [1, 1],
      [0, 20],
    ]) {
      const [got, wanted] = [0, 1].map(() => Uint8Array.from({ length: 40 }, (_, i) => i))
      await call(got.subarray(from, from + 9), got.subarray(to, to + 9))
      run(wanted.subarray(from, from + 9), wanted.subarray(to, to + 9))
      assert.deepEqual(got, wanted)
    }
  })
})

test('views of different types over the same bytes are refused', () => {
  const mixed = made('export function f(a: Uint8Array, b: Float32Array) { a[0] = b[0] }')
  const { buffer } = new Float32Array(4)
  const call = mixed.callSync as Call
  assert.throws(() => call(new Uint8Array(buffer), new Float32Array(buffer)), {
    code: 'KERNEL_INVALID',
    message: /share memory as arrays of different types/,
  })
  call(new Uint8Array(buffer, 0, 8), new Float32Array(buffer, 8))
})

test('shared memory is read and written as other memory is', async () => {
  const add = made('export function f(a: Int16Array) { for (let i = 0; i < a.length; i++) a[i]++ }')
  await both(add, async (call) => {
    const shared = new Int16Array(new SharedArrayBuffer(8))
    await call(shared)
    assert.deepEqual([...shared], [1, 1, 1, 1])
  })
})

test('an argument that is returned is the same array, and a part of it a view', async () => {
  const same = made('export function f(a: Int32Array): Int32Array { a[0] = 7; return a }')
  const part = made('export function f(a: Int32Array): Int32Array { return a.subarray(1, 3) }')
  const fresh = made('export function f(a: Int32Array): Int32Array { return a.slice(1) }')
  await both(same, async (call) => {
    const array = Int32Array.of(1, 2)
    assert.equal(await call(array), array)
  })
  await both(part, async (call) => {
    const array = Int32Array.of(1, 2, 3, 4)
    const view = (await call(array)) as Int32Array
    assert.equal(view.buffer, array.buffer)
    assert.deepEqual([...view], [2, 3])
  })
  await both(fresh, async (call) => {
    const array = Int32Array.of(1, 2, 3)
    const copy = (await call(array)) as Int32Array
    assert.notEqual(copy.buffer, array.buffer)
    assert.deepEqual(copy, Int32Array.of(2, 3))
  })
})

test('results of all types come back', async () => {
  const results: readonly (readonly [source: string, value: unknown])[] = [
    ['export const f = () => -0', -0],
    ['export const f = () => Number.NaN', NaN],
    ['export const f = () => 3 > 2', true],
    ['export function f() {}', undefined],
    ['export const f = () => new Float32Array([1.1, 2])', Float32Array.of(1.1, 2)],
    [
      'export const f = () => Uint8ClampedArray.of(300, 1.5, -3)',
      Uint8ClampedArray.of(300, 1.5, -3),
    ],
    ['export const f = () => [1, -0, Math.sqrt(2)]', [1, -0, Math.sqrt(2)]],
    ['export const f = () => new Uint16Array(0)', new Uint16Array(0)],
    ['const a = new Float64Array(2)\nexport const f = () => a[2]', undefined],
    ['export function f(): number { return new Int8Array(2)[-1] }', undefined],
    [
      'const l = [4, 5]\nexport function f(): number { let s = 0; for (const x of l) s += x; return s }',
      9,
    ],
  ]
  for (const [source, value] of results) {
    await both(made(source), async (call) => assertSame(await call(), value, source))
  }
})

test('a plain array of numbers can be read, not written', async () => {
  const mean = made(`export function f(values: readonly number[]): number {
    let sum = 0
    for (const value of values) sum += value
    return sum / values.length
  }`)
  await both(mean, async (call) => {
    assert.equal(await call([1, 2, 6]), 3)
    await assert.rejects(Promise.resolve(call([1, '2'])), { code: 'KERNEL_INVALID' })
  })
})

test('defaults take the place of arguments that are not given', async () => {
  const scaled = made(
    'export const f = (x: number, by = 2, negate = false) => (negate ? -x : x) * by',
  )
  await both(scaled, async (call) => {
    assert.equal(await call(3), 6)
    assert.equal(await call(3, undefined, true), -6)
    assert.equal(await call(3, 5, false), 15)
  })
})

test('arguments of wrong types are refused with the position and the name', async () => {
  const takes = made(
    'export function f(n: number, a: Float64Array, on: boolean) { a[n] = on ? 1 : 0 }',
  )
  const a = new Float64Array(1)
  for (const [args, message] of [
    [['1', a, true], "argument 1 of f ('n') must be of type number, not string"],
    [[1, [1], true], "argument 2 of f ('a') must be of type Float64Array, not Array"],
    [
      [1, new Float32Array(1), true],
      "argument 2 of f ('a') must be of type Float64Array, not Float32Array",
    ],
    [[1, a, 1], "argument 3 of f ('on') must be of type boolean, not number"],
    [[1, a], "argument 3 of f ('on') must be of type boolean, not undefined"],
    [[null, a, true], "argument 1 of f ('n') must be of type number, not null"],
  ] as const)
    await both(takes, async (call) => {
      await assert.rejects(async () => call(...args), { code: 'KERNEL_INVALID', message })
    })
})

test('numbers that stop being small integers give the right result all the same', async () => {
  const source =
    'export function f(n: number, to: number) { let s = n; while (s < to) s += s * 3 + 1; return s }'
  const js = new Function('n', 'to', 'let s = n; while (s < to) s += s * 3 + 1; return s')
  const grow = made(source)
  await both(grow, async (call) => {
    for (const [n, to] of [
      [0, 100],
      [0, 1e12],
      [0, 1e18],
      [0.5, 1e3],
      [-0, -1],
      [2 ** 31, 2 ** 33],
      [NaN, 1],
      [-5, -7],
    ])
      assertSame(await call(n, to), js(n, to), `f(${n}, ${to})`)
  })
})

test('a throw ends the call with its text, and the arrays stay as they were', async () => {
  const throws = made(`export function f(a: Float64Array) {
    a[0] = 1
    if (a.length > 1) throw new RangeError('too long')
    throw new Error("it's over")
  }`)
  await both(throws, async (call) => {
    const array = new Float64Array(1)
    const failed = { code: 'KERNEL_FAILED', message: "f threw: it's over" }
    await assert.rejects(async () => call(array), failed)
    assert.equal(array[0], 0)
    const longer = { code: 'KERNEL_FAILED', message: 'f threw: RangeError: too long' }
    await assert.rejects(async () => call(new Float64Array(2)), longer)
  })
})

test('a recursion without end is an error of the call', async () => {
  const endless = made('export function f(n: number): number { return n < 0 ? 0 : f(n + 1) + 1 }')
  await both(endless, async (call) => {
    await assert.rejects(async () => call(1), {
      code: 'KERNEL_FAILED',
      message: /the stack is full/,
    })
  })
})

test('an array of an impossible length is an error of the call', async () => {
  const long = made('export function f(n: number) { return new Float64Array(n).length }')
  await both(long, async (call) => {
    assert.equal(await call(3.7), 3)
    assert.equal(await call(NaN), 0)
    for (const length of [-1, -1.5, 2 ** 53])
      await assert.rejects(async () => call(length), {
        code: 'KERNEL_FAILED',
        message: /RangeError: Invalid typed array length/,
      })
  })
})

test('more memory than allowed is MEMORY_EXHAUSTED', async () => {
  const large = made('export function f(n: number) { return new Float64Array(n).length }')
  await both(large, async (call) => {
    await assert.rejects(async () => call(2 ** 30), { code: 'MEMORY_EXHAUSTED' })
    assert.equal(await call(1000), 1000)
  })
})

test('arrays of one turn of a loop, and of a call, are let go of', () => {
  const loops = made(`export function f(turns: number): number {
    let sum = 0
    for (let i = 0; i < turns; i++) {
      const scratch = new Float64Array(10000)
      scratch[i % 100] = i
      sum += scratch[5] + help(i)
    }
    return sum
  }
  function help(n: number): number {
    const scratch = new Float64Array(10000).fill(n)
    if (n < 0) return help(n + 1)
    return scratch[n % 10000]
  }`)
  const turns = 5000
  let wanted = 0
  for (let i = 0; i < turns; i++) wanted += (i % 100 === 5 ? i : 0) + i
  assert.equal((loops.callSync as Call)(turns), wanted)
})

test('a call in the pool that does not end is ended by its time-out or its signal', async () => {
  const endless = made('export function f(n: number) { while (n > 0) n++ }', { timeoutMs: 200 })
  const call = endless.call as Call
  await assert.rejects(async () => call(0.5), { code: 'KERNEL_TIMEOUT' })
  const controller = new AbortController()
  const running = (endless.callWith as Call)({ signal: controller.signal, timeoutMs: 60_000 }, 0.5)
  controller.abort()
  await assert.rejects(async () => running, { code: 'KERNEL_CANCELLED' })
})

test('calls in the pool run side by side', async () => {
  const sum = made(`export function f(a: Float64Array): number {
    let s = 0
    for (let i = 0; i < a.length; i++) s += a[i]
    a[0] = s
    return s
  }`)
  const arrays = Array.from({ length: 12 }, (_, i) => new Float64Array(1000).fill(i))
  const sums = await Promise.all(arrays.map((each) => (sum.call as Call)(each)))
  assert.deepEqual(
    sums,
    arrays.map((_, i) => i * 1000),
  )
  assert.deepEqual(
    arrays.map(([first]) => first),
    sums,
  )
})

test('with a fallback, what does not compile runs as JavaScript and says why', async () => {
  const path = join(folder, 'text.ts')
  writeFileSync(path, 'export function shout(text: string) {\n  return text.toUpperCase()\n}\n')
  const shout = (text: string): string => text.toUpperCase()
  assert.throws(() => compileFunction(shout, path), { code: 'KERNEL_INVALID' })
  const compiled = compileFunction(shout, path, { fallback: true })
  assert.equal(compiled.backend, 'js')
  assert.match(compiled.why ?? '', /text\.ts:1: the type string is outside the subset/)
  assert.equal(compiled.callSync('a'), 'A')
  assert.equal(await compiled.call('b'), 'B')
})

test('JavaScript compiles where the types of parameters are given', () => {
  const path = join(folder, 'plain.js')
  writeFileSync(
    path,
    'export function f(a, n) { return g(a[0], n) }\nfunction g(x, y) { return x * y }\n',
  )
  assert.throws(() => compileSource(path, 'f'), /the parameter 'a' has no type/)
  const compiled = compileSource(path, 'f', { parameters: ['Float64Array', 'number'] })
  assert.equal((compiled.callSync as Call)(Float64Array.of(3), 4), 12)
})

test('a file that changed is compiled anew', () => {
  const path = join(folder, 'changing.ts')
  writeFileSync(path, 'export const f = () => 1')
  assert.equal((compileSource(path, 'f').callSync as Call)(), 1)
  writeFileSync(path, 'export const f = () => 2')
  assert.equal((compileSource(path, 'f').callSync as Call)(), 2)
})

test('constants of the module are those that its own code makes', () => {
  writeFileSync(join(folder, 'base.ts'), 'export const base = Math.sqrt(9)\n')
  const powers = made(`import { base } from './base.ts'
    export { base }
    const SIZE = 4 * 2
    const table = new Float64Array(SIZE)
    for (let i = 0; i < SIZE; i++) table[i] = power(base, i)
    const squares = (() => { const t = new Uint16Array(300); for (let i = 0; i < 300; i++) t[i] = i * i; return t })()
    function power(x: number, n: number): number { return n === 0 ? 1 : x * power(x, n - 1) }
    export const f = (i: number): number => table[i] + squares[i]`)
  assert.throws(() => (powers.callSync as Call)('0'), { code: 'KERNEL_INVALID' })
  assert.equal((powers.callSync as Call)(5), 243 + 25)
})
