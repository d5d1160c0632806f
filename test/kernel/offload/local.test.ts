// Numeric kernels on the calling thread.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localKernels } from '../../../src/kernel/offload/local.ts'
import { kernelPool } from '../../../src/kernel/offload/pool.ts'

test('the calling thread runs kernels over the memory of the pool, without a thread', () => {
  const local = localKernels()
  assert.equal(local.numeric.ready(), 1)
  assert.equal(local.memory, kernelPool().memory.wasm)
  assert.equal(kernelPool().stats().threads, 0)
})
