// One run of a user's WebAssembly module: its columns, its results, its limits. In the calling
// thread, which is all the same to the job; test/kernel/user/isolation.test.ts has it in the pool.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../../src/kernel/user/wasm_job.ts'
import type { WasmResult, WasmTask } from '../../../src/kernel/user/wasm_task.ts'
import { isError } from '../../support/coded_errors.ts'
import { compileKernel } from '../../support/user_wasm.ts'

const source = `
let calls = 0
export function count(): i32 { return ++calls }
export function sum(at: usize, n: i32): f64 {
  let total = 0.0
  for (let i = 0; i < n; i++) total += load<f64>(at + (<usize>i << 3))
  return total
}
export function double(from: usize, n: i32, to: usize): i32 {
  for (let i: usize = 0; i < <usize>n; i++) store<f32>(to + (i << 2), 2 * load<f32>(from + (i << 2)))
  return n - 1
}
export function place(bytes: i32): usize { return heap.alloc(bytes) }
export function first(at: usize): u32 { return load<u32>(at) }
export function dirty(at: usize): i32 {
  for (let i: usize = at; i < 131072; i += 4) store<u32>(i, 0xdeadbeef)
  return load<i32>(at)
}
export function nonZero(from: usize, to: usize): i32 {
  for (let i = from; i < to; i += 4) if (load<u32>(i) != 0) return <i32>i
  return -1
}
export function big(x: i64): i64 { return x + 1 }
export function fails(): void { assert(false, 'on purpose ü') }
export function gives(): void { unreachable() }
export function divides(x: i32): i32 { return 1 / x }
export function reaches(): f64 { return load<f64>(0xfffffff0) }
export function recurses(x: i32): i32 { return recurses(x + 1) + 1 }
export function grows(bytes: i32): usize { return heap.alloc(bytes) }
export function asks(): i32 { return memory.grow(<i32>65535) }
export function address(): usize { return 70000 }
export function length(): i32 { return 3 }
export function outside(): i32 { return 0x7fffffff }
`
const kernel = await compileKernel(source)
const memoryMib = 16

function call(name: string, args: WasmTask['args'] = [], more: Partial<WasmTask> = {}): WasmResult {
  return run({ kernel: 'k', ...kernel, initialPages: 2, call: name, args, ...more }, { memoryMib })
}

test('columns are copied in, numbers and columns come out', () => {
  const column = new Float64Array([1, 2, 3.5])
  assert.equal(call('sum', [{ column, length: true }]), 6.5)
  assert.deepEqual(column, new Float64Array([1, 2, 3.5]))
  const part = column.subarray(1)
  assert.equal(call('sum', [{ column: part, length: true }]), 5.5)
  const floats = new Float32Array([1, 2, 3])
  const args: WasmTask['args'] = [
    { column: floats, length: true },
    { zeros: 'f32', values: 3 },
  ]
  assert.deepEqual(
    call('double', args, { results: { from: 'argument', argument: 1 } }),
    new Float32Array([2, 4, 6]),
  )
  assert.deepEqual(
    call('double', args, {
      results: {
        count: { from: 'return' },
        doubled: { from: 'argument', argument: 1, values: 'return' },
        length: { from: 'export', name: 'length' },
        bytes: { from: 'memory', type: 'u8', address: 'address', length: 'length' },
      },
    }),
    {
      count: 2,
      doubled: new Float32Array([2, 4]),
      length: 3,
      bytes: new Uint8Array(3),
    },
  )
})

test('columns of any length and alignment lie one after the other without touching', () => {
  const args: WasmTask['args'] = [
    { column: new Uint8Array([1, 2, 3]), length: true },
    { column: new Float32Array([5]) },
  ]
  const results = { from: 'argument', argument: 0 } as const
  assert.deepEqual(
    call(
      'double',
      [{ column: new Float32Array(0), length: true }, { column: new Uint8Array([1, 2, 3]) }],
      { results: { from: 'argument', argument: 1 } },
    ),
    new Uint8Array([1, 2, 3]),
  )
  assert.deepEqual(call('nonZero', args.slice(0, 1), { results }), new Uint8Array([1, 2, 3]))
})

test('a module places columns by its own allocator', () => {
  const column = new Float64Array(20_000).fill(0.5)
  assert.equal(call('sum', [{ column, length: true }], { place: { allocate: 'place' } }), 10_000)
})

test('numbers keep their sign, their width and their truth', () => {
  const column = new Uint32Array([0xffffffff])
  const result = (outcome: object) =>
    call('first', [{ column }], { results: { from: 'return', ...outcome } })
  assert.equal(result({}), -1)
  assert.equal(result({ unsigned: true }), 0xffffffff)
  assert.equal(result({ boolean: true }), true)
  assert.equal(call('big', [{ value: 2n ** 62n }]), 2n ** 62n + 1n)
  const most = { results: { from: 'return', unsigned: true } } as const
  assert.equal(call('big', [{ value: -2n }], most), 2n ** 64n - 1n)
  assert.equal(call('length'), 3)
})

test('nothing of one run is there in the next', () => {
  assert.equal(call('count'), 1)
  assert.equal(call('count'), 1)
  const column = new Uint8Array(8)
  assert.equal(call('dirty', [{ column }]), -559038737)
  assert.equal(call('nonZero', [{ value: 65536 }, { value: 131072 }]), -1)
})

test('a stateless module keeps its instance, and its memory is zeroed', () => {
  const more = { stateless: true, hash: 'kept' }
  assert.equal(call('count', [], more), 1)
  assert.equal(call('count', [], more), 2)
  call('dirty', [{ column: new Uint8Array(8) }], more)
  assert.equal(call('nonZero', [{ value: 65536 }, { value: 131072 }], more), -1)
})

test('a trap is KERNEL_FAILED, and an abort says where', () => {
  const at = { path: 'kernel.ts:24:33' }
  assert.throws(() => call('fails'), isError('KERNEL_FAILED', /^kernel k: on purpose ü$/, at))
  assert.throws(() => call('divides', [{ value: 0 }]), isError('KERNEL_FAILED', /divide by zero/))
  assert.throws(() => call('gives'), isError('KERNEL_FAILED', /unreachable/))
  assert.throws(() => call('reaches'), isError('KERNEL_FAILED', /out of bounds/))
  assert.throws(() => call('recurses', [{ value: 0 }]), isError('KERNEL_FAILED', /call stack/))
  assert.equal(call('count'), 1)
})

test('memory beyond the budget is MEMORY_EXHAUSTED', () => {
  assert.equal(call('asks'), -1)
  const grown = { value: (memoryMib + 1) << 20 }
  assert.throws(() => call('grows', [grown]), isError('MEMORY_EXHAUSTED', /kernel k/))
  const column = new Uint8Array((memoryMib + 1) << 20)
  assert.throws(
    () => call('sum', [{ column, length: true }]),
    isError('MEMORY_EXHAUSTED', /kernel k/),
  )
  assert.throws(
    () => call('count', [], { initialPages: 10_000 }),
    isError('MEMORY_EXHAUSTED', /kernel k/),
  )
  assert.equal(call('count'), 1)
})

test('a place outside of its memory is refused', () => {
  const column = new Uint8Array(8)
  const place = { allocate: 'outside' }
  assert.throws(() => call('count', [{ column }], { place }), isError('KERNEL_FAILED', /outside/))
  const results = { from: 'memory', type: 'f64', address: 'outside', length: 'length' } as const
  assert.throws(() => call('count', [], { results }), isError('KERNEL_FAILED', /outside/))
})

test('a module gets what it is allowed and nothing else', async () => {
  const asking = await compileKernel(`
    @external('Math', 'sin') declare function sin(x: f64): f64
    export function sine(x: f64): f64 { trace('sine', 1, x); return sin(x) }`)
  const task: WasmTask = { kernel: 'k', ...asking, call: 'sine', args: [{ value: 1 }] }
  const refused = isError('KERNEL_INVALID', /asks for (Math\.sin|env\.trace), which it cannot have/)
  assert.throws(() => run(task, { memoryMib }), refused)
  assert.throws(() => run({ ...task, allow: { math: true } }, { memoryMib }), refused)
  const allow = { math: true, trace: true }
  assert.equal(run({ ...task, allow }, { memoryMib }), Math.sin(1))
  const random = await compileKernel('export function r(): f64 { return Math.random() }')
  const seeded: WasmTask = { kernel: 'k', ...random, call: 'r', args: [], allow }
  assert.throws(() => run(seeded, { memoryMib }), isError('KERNEL_INVALID', /asks for env\.seed/))
})

test('what the module does not have is KERNEL_INVALID', () => {
  assert.throws(() => call('missing'), isError('KERNEL_INVALID', /exports no function missing/))
  assert.throws(() => call('big', [{ value: 1 }]), isError('KERNEL_INVALID', /BigInt/))
})
