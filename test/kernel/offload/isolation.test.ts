// What one kernel can do to the others: nothing. Kernels that throw, hang, crash, eat memory or are
// cancelled fail alone.
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { test } from 'node:test'
import { KernelPool, type PoolOptions } from '../../../src/kernel/offload/pool.ts'
import type { WasmTask } from '../../../src/kernel/user/wasm_task.ts'
import { isError } from '../../support/coded_errors.ts'
import { bad } from '../../support/user_kernels.ts'
import { compileKernel } from '../../support/user_wasm.ts'

const module = new URL('../../support/user_kernels.js', import.meta.url).href

async function withPool(
  options: Partial<PoolOptions>,
  body: (pool: KernelPool) => Promise<void>,
): Promise<void> {
  const pool = new KernelPool({
    threads: 2,
    queueTasks: 200,
    timeoutMs: 20_000,
    memoryMib: 16,
    ...options,
  })
  try {
    await body(pool)
  } finally {
    await pool.close()
  }
}

interface Options {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

function unruly(pool: KernelPool, how: number, options: Options = {}): Promise<unknown> {
  const task = { module, kernel: 'unruly', columns: {}, params: { how } }
  return pool.run('module', task, { name: `unruly ${how}`, prepare: module, ...options })
}

/** Resolves when a spinning kernel has said that it runs. */
async function running(pool: KernelPool, tasks: number): Promise<void> {
  // a thread tells nobody what it does: the one task more shows that all before it have been given out
  while (pool.stats().running < tasks) await new Promise((resolve) => setImmediate(resolve))
}

test('of a hundred tasks exactly those fail that throw, spin, exit, hang or are cancelled', async () => {
  await withPool({}, async (pool) => {
    const codes: (string | undefined)[] = []
    const tasks = Array.from({ length: 100 }, (_, i) => {
      const kind = i % 10
      if (kind === 1) return expect(i, 'KERNEL_FAILED', unruly(pool, bad.throws))
      if (i === 12 || i === 52)
        return expect(i, 'KERNEL_TIMEOUT', unruly(pool, bad.spins, { timeoutMs: 20 }))
      if (i === 24 || i === 64) return expect(i, 'KERNEL_FAILED', unruly(pool, bad.exits))
      if (i === 36) return expect(i, 'KERNEL_TIMEOUT', unruly(pool, bad.hangs, { timeoutMs: 20 }))
      if (i === 48) {
        const signal = AbortSignal.timeout(500)
        return expect(i, 'KERNEL_CANCELLED', unruly(pool, bad.spins, { signal }))
      }
      if (kind === 9) {
        const aborter = new AbortController()
        const result = unruly(pool, 0, { signal: aborter.signal })
        if (i > 10) aborter.abort()
        return expect(i, i > 10 ? 'KERNEL_CANCELLED' : undefined, result)
      }
      return expect(i, undefined, unruly(pool, i % 4 === 0 ? bad.pauses : 0))
    })
    await Promise.all(tasks)
    const failed = codes.filter((code) => code !== undefined)
    assert.equal(failed.length, 25)
    const { failures, running, queued, threads } = pool.stats()
    assert.deepEqual(failures, { KERNEL_CANCELLED: 10, KERNEL_FAILED: 12, KERNEL_TIMEOUT: 3 })
    assert.deepEqual({ running, queued, threads }, { running: 0, queued: 0, threads: 2 })

    async function expect(i: number, code: string | undefined, result: Promise<unknown>) {
      try {
        assert.ok(Number(await result) >= 1)
      } catch (error) {
        codes[i] = (error as { code?: string }).code
      }
      assert.equal(codes[i], code, `task ${i}`)
    }
  })
})

test('a run-away is ended, its time counted from when it runs', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    // each waits longer for its thread than it may run
    const spinning = [0, 1, 2].map(() => unruly(pool, bad.spins, { timeoutMs: 150 }))
    const after = unruly(pool, 0, { timeoutMs: 100 })
    const timeout = isError('KERNEL_TIMEOUT', /^unruly 3 was ended after running for 150 ms$/)
    for (const each of spinning) await assert.rejects(each, timeout)
    assert.equal(await after, 1)
    assert.equal(pool.stats().replaced, 3)
  })
})

test('a run-away of WebAssembly is ended as well', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const kernel = await compileKernel('export function spin(): void { while (true) {} }')
    const task: WasmTask = { kernel: 'spin', ...kernel, call: 'spin', args: [] }
    const spinning = pool.run('wasm', task, { name: 'spin', timeoutMs: 50 })
    const after = unruly(pool, 0)
    await assert.rejects(spinning, isError('KERNEL_TIMEOUT', /spin/))
    assert.equal(await after, 1)
  })
})

test('cancelling a queued task costs no thread, a running one its own', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const aborters = [new AbortController(), new AbortController()]
    const [first, second] = aborters.map(({ signal }) => unruly(pool, bad.spins, { signal }))
    const third = unruly(pool, 0)
    await running(pool, 1)
    const cancelled = isError('KERNEL_CANCELLED', /was cancelled/)
    aborters[1].abort()
    await assert.rejects(second, cancelled)
    assert.equal(pool.stats().replaced, 0)
    const reason = new Error('enough')
    aborters[0].abort(reason)
    await assert.rejects(first, (error: Error) => error.cause === reason && cancelled(error))
    assert.equal(await third, 1)
    await assert.rejects(unruly(pool, 0, { signal: AbortSignal.abort() }), cancelled)
  })
})

test('what a kernel leaves behind fails nobody else', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const warned = once(process, 'warning')
    assert.equal(await unruly(pool, bad.leaves), 1)
    const paused = [1, 2, 3].map(() => unruly(pool, bad.pauses))
    assert.deepEqual(await Promise.all(paused), [2, 3, 4])
    const [warning] = await warned
    assert.match(warning.message, /left behind/)
    assert.equal(pool.stats().replaced, 0)
  })
})

test('a full queue refuses the next call, and no part of one that was taken', async () => {
  await withPool({ threads: 1, queueTasks: 2 }, async (pool) => {
    const aborter = new AbortController()
    const spinning = unruly(pool, bad.spins, { signal: aborter.signal })
    const queued = [unruly(pool, 0), unruly(pool, 0)]
    await assert.rejects(unruly(pool, 0), isError('KERNEL_QUEUE_FULL', /2 tasks wait/))
    const task = { module, kernel: 'unruly', columns: {}, params: { how: 0 } }
    const part = pool.run('module', task, { prepare: module, continues: true })
    aborter.abort()
    await assert.rejects(spinning, isError('KERNEL_CANCELLED', /unruly/))
    assert.deepEqual(await Promise.all([...queued, part]), [1, 2, 3])
    assert.equal(await unruly(pool, 0), 4)
  })
})

test('a kernel that fills its heap is MEMORY_EXHAUSTED', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const task = { module, kernel: 'hoarder', columns: {}, params: {} }
    const hoarding = pool.run('module', task, { name: 'hoarder', prepare: module })
    const after = unruly(pool, 0)
    await assert.rejects(hoarding, isError('MEMORY_EXHAUSTED', /hoarder ended its thread/))
    assert.equal(await after, 1)
  })
})

test('a module that never ends loading is ended, like one that cannot be loaded', async () => {
  await withPool({ threads: 1, timeoutMs: 500 }, async (pool) => {
    const load = (text: string) => {
      const url = `data:text/javascript,${encodeURIComponent(text)}`
      const task = { module: url, kernel: 'k', columns: {}, params: {} }
      return { url, result: pool.run('module', task, { name: 'k', prepare: url }) }
    }
    const endless = load('await 0; for (;;);')
    const broken = load('throw new Error("broken")')
    const kernel = "{ [Symbol.for('euphorion.kernel')]: { name: 'k', run: () => 1 } }"
    const good = load(`export const k = ${kernel}`)
    const late = isError('KERNEL_TIMEOUT', /k was ended after loading for 500 ms/)
    await assert.rejects(endless.result, late)
    const failed = isError('KERNEL_FAILED', /broken/, { path: broken.url })
    await assert.rejects(broken.result, failed)
    assert.equal(await good.result, 1)
  })
})

test('closing ends what runs and what waits; the next call starts anew', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const tasks = [bad.spins, 0, 0].map((how) => unruly(pool, how))
    await running(pool, 1)
    const closing = pool.close()
    const closed = isError('KERNEL_CANCELLED', /the pool was closed/)
    for (const task of tasks) await assert.rejects(task, closed)
    await closing
    assert.equal(pool.stats().threads, 0)
    assert.equal(await unruly(pool, 0), 1)
  })
})

test('what cannot be posted to a thread, and times that are none, are KERNEL_INVALID', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const columns = { values: (() => undefined) as never }
    const unposted = pool.run('module', { module, kernel: 'sum', columns, params: {} })
    await assert.rejects(unposted, isError('KERNEL_INVALID', /could not be cloned/))
    for (const timeoutMs of [0, -1, Number.NaN])
      await assert.rejects(unruly(pool, 0, { timeoutMs }), isError('KERNEL_INVALID', /timeoutMs/))
    assert.equal(await unruly(pool, 0, { timeoutMs: Number.POSITIVE_INFINITY }), 1)
    assert.equal(pool.stats().replaced, 0)
  })
})

test('one signal for many tasks cancels them all, and is left as it was', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const aborter = new AbortController()
    const { signal } = aborter
    const first = Array.from({ length: 50 }, () => unruly(pool, 0, { signal }))
    assert.equal((await Promise.all(first)).length, 50)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    const rest = Array.from({ length: 50 }, () => unruly(pool, bad.spins, { signal }))
    aborter.abort()
    const results = await Promise.allSettled(rest)
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.deepEqual(pool.stats().failures, { KERNEL_CANCELLED: 50 })
    process.off('warning', note)
    assert.deepEqual(warnings, [])
  })
})

test('threads are started by tasks that find none free', async () => {
  await withPool({ threads: 3 }, async (pool) => {
    assert.equal(pool.stats().threads, 0)
    await unruly(pool, 0)
    await unruly(pool, 0)
    assert.equal(pool.stats().threads, 1)
    await Promise.all([0, 0, 0, 0, 0].map((how) => unruly(pool, how)))
    const { threads, tasks, busyMs } = pool.stats()
    assert.deepEqual({ threads, tasks }, { threads: 3, tasks: 7 })
    assert.ok(busyMs > 0)
  })
})

test('traps and full memories of WebAssembly cost no thread', async () => {
  await withPool({ threads: 1 }, async (pool) => {
    const kernel = await compileKernel(`
      export function good(): i32 { return 7 }
      export function fails(): void { assert(false, 'no') }
      export function reaches(): i32 { return load<i32>(-1) }
      export function fills(): usize { return heap.alloc(1 << 28) }`)
    const call = (name: string) =>
      pool.run('wasm', { kernel: name, ...kernel, call: name, args: [] })
    const at = { path: 'kernel.ts:3:39' }
    await assert.rejects(call('fails'), isError('KERNEL_FAILED', /^kernel fails: no$/, at))
    await assert.rejects(call('reaches'), isError('KERNEL_FAILED', /out of bounds/))
    await assert.rejects(call('fills'), isError('MEMORY_EXHAUSTED', /kernel fills/))
    assert.equal(await call('good'), 7)
    assert.equal(pool.stats().replaced, 0)
  })
})
