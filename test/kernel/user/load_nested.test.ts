// A kernel that is loaded and run by another kernel runs in that one's thread: it waits for none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configureKernels } from '../../../src/kernels.ts'
import { kernelFiles } from '../../support/kernel_files.ts'
import { nested } from '../../support/nested_kernels.ts'

test('a kernel loads and runs another, with a single thread', async () => {
  const files = await kernelFiles()
  // threads have the settings of the environment
  process.env.EUPHORION_CACHE_DIR = `${files.directory}/cache`
  configureKernels({ threads: 1 })
  const text = 'export function first(x: Float64Array): f64 { return x[0]++ * 2 }\n'
  const path = fileURLToPath(files.kernel('first', text))
  const codes = Uint16Array.from(path, (each) => each.charCodeAt(0))
  const x = Float64Array.of(21)
  assert.deepEqual(await nested.run({ path: codes, x }), new Float64Array(10).fill(42))
  await assert.rejects(nested.run({ path: codes, x: new Float64Array(0) }), {
    code: 'KERNEL_FAILED',
    message: /kernel first failed at .*first\.kernel\.ts:1:\d+: Index out of range/,
  })
})
