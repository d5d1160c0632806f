// Columns in shared memory: what is allocated is freed, and not while a kernel works on it.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  allocateColumn,
  type ColumnArray,
  ewma,
  kernelPool,
  releaseColumn,
  sum,
} from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'

after(() => kernelPool().close())

test('a column is zeros of its type in the shared memory, until it is released', () => {
  const { memory } = kernelPool()
  const free = memory.freeBytes()
  for (const type of ['f64', 'f32', 'i32', 'u8', 'i64'] as const) {
    const dirty = allocateColumn(type, 1000)
    new Uint8Array(dirty.buffer, dirty.byteOffset, dirty.byteLength).fill(255)
    releaseColumn(dirty)
    const column = allocateColumn(type, 1000)
    assert.equal(column.length, 1000)
    assert.equal(column.buffer, memory.wasm.buffer)
    assert.ok([...column].every((value) => value === 0 || value === 0n))
    releaseColumn(column)
    releaseColumn(column)
  }
  assert.equal(memory.freeBytes(), free)
})

test('columns that cannot be are refused', () => {
  assert.throws(() => allocateColumn('f16' as 'f32', 1), isError('KERNEL_INVALID', /type f16/))
  for (const length of [-1, 1.5, Number.NaN])
    assert.throws(() => allocateColumn('f64', length), isError('KERNEL_INVALID', /no length/))
  assert.throws(() => allocateColumn('f64', 2 ** 40), isError('MEMORY_EXHAUSTED', /f64/))
  const wrong = (column: ColumnArray) =>
    assert.throws(() => releaseColumn(column), isError('KERNEL_INVALID', /allocateColumn/))
  wrong(new Float64Array(1))
  const column = allocateColumn('f64', 4)
  wrong(column.subarray(1))
  releaseColumn(column)
})

test('a column that nobody has any more is freed', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { memory } = kernelPool()
  const free = memory.freeBytes()
  for (let i = 0; i < 10; i++) allocateColumn('f64', 1000)
  assert.ok(memory.freeBytes() < free)
  // a turn of the event loop lets go of what the last one held, and runs finalizers
  for (let turn = 0; turn < 100 && memory.freeBytes() < free; turn++) {
    await setImmediate()
    collect()
  }
  assert.equal(memory.freeBytes(), free)
})

test('a released column is refused by kernels', async () => {
  const column = allocateColumn('f64', 10)
  releaseColumn(column)
  assert.throws(() => sum.sync(column), isError('KERNEL_INVALID', /^sum: .*released/))
  await assert.rejects(sum(column, { offload: true }), isError('KERNEL_INVALID', /released/))
  assert.throws(() => sum.sync(column.subarray(2)), isError('KERNEL_INVALID', /released/))
})

test('a column that is released under a kernel is freed when the kernel is done', async () => {
  const { memory } = kernelPool()
  const free = memory.freeBytes()
  const column = allocateColumn('f64', 2_000_000)
  column.fill(1)
  // its first element is not part of the pass: the kernel works on a part of the column
  const running = ewma(column, 1, { offload: true })
  const held = memory.freeBytes()
  releaseColumn(column)
  assert.equal(memory.freeBytes(), held)
  assert.throws(() => sum.sync(column), isError('KERNEL_INVALID', /released/))
  assert.deepEqual((await running).subarray(0, 3), Float64Array.of(1, 1, 1))
  assert.equal(memory.freeBytes(), free)
})

test('of many columns each is found again', () => {
  const { memory } = kernelPool()
  const free = memory.freeBytes()
  const columns = Array.from({ length: 100 }, (_, i) => allocateColumn('f32', 1 + (i % 40)).fill(i))
  const isOdd = (_: unknown, i: number) => i % 7 === 3
  columns.filter(isOdd).forEach(releaseColumn)
  for (const [i, column] of columns.entries()) {
    if (isOdd(column, i)) assert.throws(() => sum.sync(column), /released/)
    else assert.equal(sum.sync(column), i * (1 + (i % 40)))
  }
  for (const column of columns) releaseColumn(column)
  assert.equal(memory.freeBytes(), free)
})

test('copies of columns are freed, whatever becomes of the call', async () => {
  const { memory } = kernelPool()
  const free = memory.freeBytes()
  const values = new Float64Array(700_000).fill(1)
  for (const backend of ['js', 'wasm'] as const) {
    for (const offload of [true, false]) {
      await sum(values, { backend, offload })
      await ewma(values, 0.5, { backend, offload })
      const stop = new AbortController()
      const stopped = ewma(values, 0.5, { backend, offload: true, signal: stop.signal })
      stop.abort()
      await assert.rejects(stopped, isError('KERNEL_CANCELLED', /ewma/))
      assert.equal(memory.freeBytes(), free, `${backend} ${offload}`)
    }
  }
})

test('where there is no memory for copies a call fails, and leaves nothing behind', async () => {
  const { memory } = kernelPool()
  const all = allocateColumn('u8', memory.freeBytes() - 64)
  const values = new Float64Array(5000)
  const exhausted = isError('MEMORY_EXHAUSTED', /a piece of a column/)
  await assert.rejects(sum(values, { backend: 'wasm', offload: true }), exhausted)
  assert.throws(() => sum.sync(values, { backend: 'wasm' }), exhausted)
  assert.equal(sum.sync(values, { backend: 'js' }), 0)
  releaseColumn(all)
  assert.equal(sum.sync(values, { backend: 'wasm' }), 0)
})

test('a column of a call for which there was no memory can be released', async () => {
  const { memory } = kernelPool()
  const free = memory.freeBytes()
  const column = allocateColumn('f64', 200_000)
  const all = allocateColumn('u8', memory.freeBytes() - 64)
  const failed = sum(column, { backend: 'wasm', offload: true })
  await assert.rejects(failed, isError('MEMORY_EXHAUSTED', /a piece of a column/))
  releaseColumn(all)
  releaseColumn(column)
  assert.equal(memory.freeBytes(), free)
})
