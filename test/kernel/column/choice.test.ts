// Which backend 'auto' becomes and what goes to the pool: by size, by where the columns lie, and by
// what the caller says. In tests costs are the nominal ones.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { choose } from '../../../src/kernel/column/choice.ts'
import { familyOf } from '../../../src/kernel/column/families.ts'
import type { Pass } from '../../../src/kernel/column/pass.ts'
import type { PieceKernels } from '../../../src/kernel/column/piece_kernels.ts'
import { nativeAddon } from '../../../src/kernel/native.ts'
import { allocateColumn, kernelPool, releaseColumn, sum } from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'

after(() => kernelPool().close())

const fast = nativeAddon() === undefined ? 'wasm' : 'native'
const sumOf = (length: number): Pass => ({
  kernel: 'sum',
  x: new Float64Array(length),
  numbers: [],
})

test('small columns are done at once, in JavaScript', () => {
  for (const length of [0, 1, 100, 256])
    assert.deepEqual(choose(sumOf(length), {}), { backend: 'js', offload: false })
})

test('a backend that is asked for is the one that runs, and so is the place', () => {
  for (const backend of ['js', 'wasm'] as const) {
    for (const offload of [true, false])
      assert.deepEqual(choose(sumOf(10), { backend, offload }), { backend, offload })
    assert.deepEqual(choose(sumOf(10), { backend }), { backend, offload: false })
  }
})

test('large columns in shared memory go to the pool', () => {
  const x = allocateColumn('f64', 1_000_000)
  assert.deepEqual(choose({ kernel: 'sum', x, numbers: [] }, {}), { backend: fast, offload: true })
  releaseColumn(x)
})

test('a column is not copied for a kernel that takes no longer than the copy', () => {
  const large = sumOf(1_000_000)
  if (fast === 'native') assert.deepEqual(choose(large, {}), { backend: 'native', offload: false })
  const { x } = large
  const slow: Pass = { kernel: 'ewma', x, out: x.slice(), numbers: [0.1, 0] }
  assert.equal(choose(slow, {}).offload, true)
})

test('every kernel can be measured in every backend, wherever its columns lie', () => {
  const names: readonly (keyof PieceKernels)[] = [
    ...(['sum', 'dot', 'minMax', 'finiteRange', 'moments', 'comoments'] as const),
    ...(['logCounts', 'ewma', 'zScores', 'zFlags', 'movingAverage'] as const),
  ]
  for (const kernel of names) {
    for (const isInPlace of [true, false]) {
      const family = familyOf({ ...sumOf(1), kernel }, isInPlace)
      for (const backend of ['js', 'wasm', fast] as const)
        for (const size of [1, family.sizes[0]]) family.prepare(backend, size)()
    }
  }
})

test('large columns give the same by themselves as on the calling thread', async () => {
  const x = allocateColumn('f64', 500_000)
  for (let i = 0; i < x.length; i++) x[i] = Math.sin(i)
  const before = kernelPool().stats().tasks
  assert.equal(await sum(x), sum.sync(x))
  assert.ok(kernelPool().stats().tasks > before)
  releaseColumn(x)
})

test('what is no backend is refused', () => {
  assert.throws(
    () => choose(sumOf(10), { backend: 'gpu' as 'js' }),
    isError('KERNEL_INVALID', /gpu/),
  )
})
