// Passes in pools of some threads and little memory: many pieces, the same bits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runLocally } from '../../../src/kernel/column/local_pass.ts'
import type { Pass } from '../../../src/kernel/column/pass.ts'
import { runInPool } from '../../../src/kernel/column/pool_pass.ts'
import { KernelPool } from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'
import { makeColumn } from '../../support/column_oracle.ts'

const LENGTH = 300_000

function newPool(threads: number, queueTasks = 100): KernelPool {
  return new KernelPool({ threads, queueTasks, timeoutMs: 10_000, memoryMib: 4 })
}

function passes(type: Float64ArrayConstructor | Float32ArrayConstructor): Pass[] {
  const x = makeColumn('uniform', LENGTH, 1, type)
  const y = makeColumn('wide', LENGTH, 2, type)
  const out = () => new type(LENGTH)
  return [
    { kernel: 'sum', x, numbers: [] },
    { kernel: 'dot', x, y, numbers: [] },
    { kernel: 'moments', x: y, numbers: [] },
    { kernel: 'comoments', x, y, numbers: [] },
    { kernel: 'logCounts', x: y, numbers: [35, 30_000, 30_000], counters: 4 + 2 * 8000 },
    { kernel: 'ewma', x, out: out(), numbers: [0.01, 3] },
    { kernel: 'zFlags', x, out: new Uint8Array(LENGTH), numbers: [10, 20] },
    { kernel: 'movingAverage', x, out: out(), numbers: [777] },
  ]
}

test('a pass gives the same on one, two and three threads', async () => {
  for (const threads of [1, 2, 3]) {
    const pool = newPool(threads)
    try {
      const free = pool.memory.freeBytes()
      for (const type of [Float64Array, Float32Array]) {
        const expected = passes(type).map((pass) => [runLocally('test', pass, 'js'), pass.out])
        for (const [i, pass] of passes(type).entries()) {
          const options = { name: 'test', backend: 'wasm', continues: false } as const
          const before = pool.stats().tasks
          assert.deepEqual([await runInPool(pool, pass, options), pass.out], expected[i])
          assert.ok(pool.stats().tasks > before + 2, `${pass.kernel} in pieces`)
        }
      }
      assert.equal(pool.memory.freeBytes(), free)
    } finally {
      await pool.close()
    }
  }
})

test('a full queue refuses the first piece of a call, not the others', async () => {
  const pool = newPool(1, 1)
  try {
    const pass = (): Pass => ({ kernel: 'sum', x: makeColumn('uniform', LENGTH, 1), numbers: [] })
    const options = { name: 'test', backend: 'js', continues: false } as const
    const calls = [1, 2, 3, 4].map(() => runInPool(pool, pass(), options))
    const ends = await Promise.allSettled(calls)
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    assert.ok(refused.length > 0 && refused.length < 4)
    for (const reason of refused) isError('KERNEL_QUEUE_FULL', /^test/)(reason)
  } finally {
    await pool.close()
  }
})

test('a pass that is cancelled ends, and gives its memory back', async () => {
  const pool = newPool(1)
  try {
    const free = pool.memory.freeBytes()
    const stop = new AbortController()
    const pass: Pass = { kernel: 'moments', x: makeColumn('wide', LENGTH, 1), numbers: [] }
    const options = { name: 'test', backend: 'js', continues: false, signal: stop.signal } as const
    const running = runInPool(pool, pass, options)
    stop.abort()
    await assert.rejects(running, isError('KERNEL_CANCELLED', /^test was cancelled/))
    assert.equal(pool.memory.freeBytes(), free)
    const { signal: _, ...others } = options
    assert.deepEqual(await runInPool(pool, pass, others), runLocally('test', pass, 'js'))
  } finally {
    await pool.close()
  }
})
