// The pool of kernel threads: what it runs, what it refuses, and what an end of one task costs the
// others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KernelPool } from '../../../src/kernel/offload/pool.ts'
import type { ModuleTask } from '../../../src/kernel/user/module_task.ts'
import { isError } from '../../support/coded_errors.ts'

const task: ModuleTask = { module: 'file:///none.js', kernel: 'none', columns: {}, params: {} }

function newPool(options: { threads?: number; queueTasks?: number } = {}): KernelPool {
  return new KernelPool({
    threads: 1,
    queueTasks: 100,
    timeoutMs: 10_000,
    memoryMib: 16,
    ...options,
  })
}

test('an error of a thread comes back with its code', async () => {
  const pool = newPool()
  await assert.rejects(pool.run('module', task), isError('KERNEL_INVALID', /none/))
  assert.deepEqual(pool.stats().failures, { KERNEL_INVALID: 1 })
  assert.equal(pool.stats().threads, 1)
  await pool.close()
  assert.equal(pool.stats().threads, 0)
})
