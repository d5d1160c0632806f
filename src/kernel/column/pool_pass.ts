// Runs passes in the pool, in pieces of a few milliseconds, so that other kernels and the lanes get
// their turns, and on as many threads as there are. Called by column_kernel.ts.
import { type ChosenBackend, requireBackend } from '../offload/backend.ts'
import type { KernelPool } from '../offload/pool.ts'
import { pin, unpin } from './memory.ts'
import { arraysOf, type Pass, type Piece } from './pass.ts'
import { PassRun } from './pass_run.ts'

export interface PoolPassOptions {
  readonly name: string
  readonly backend: ChosenBackend
  readonly signal?: AbortSignal
  /** A pass before this one has run: a full queue does not refuse it. */
  readonly continues: boolean
}

/**
 * The outcome of the pass. Rejects as KernelPool.run does, and with
 * KERNEL_INVALID, NATIVE_UNAVAILABLE, MEMORY_EXHAUSTED.
 */
export async function runInPool(
  pool: KernelPool,
  pass: Pass,
  options: PoolPassOptions,
): Promise<Float64Array> {
  requireBackend(options.backend)
  const arrays = arraysOf(pass)
  pin(options.name, arrays)
  let run: PassRun | undefined
  try {
    run = new PassRun(pass, options.backend, pool.memory)
    await runPieces(pool, run, options)
    return run.result()
  } finally {
    run?.free()
    unpin(arrays)
  }
}

/** One more than there are threads: a thread that ends one finds the next waiting. */
async function runPieces(pool: KernelPool, run: PassRun, options: PoolPassOptions): Promise<void> {
  const atOnce = run.isChain ? 1 : pool.threads + 1
  const running = new Set<Promise<void>>()
  let { continues } = options
  try {
    for (const piece of run.pieces(atOnce)) {
      if (running.size >= atOnce) await Promise.race(running)
      const done = runPiece(pool, run, piece, { ...options, continues })
      continues = true
      running.add(done)
      done.then(
        () => running.delete(done),
        () => undefined,
      )
    }
    await Promise.all(running)
  } finally {
    // What failed is known; nothing is freed while others still work on it.
    await Promise.allSettled(running)
  }
}

async function runPiece(
  pool: KernelPool,
  run: PassRun,
  piece: Piece,
  { name, signal, continues }: PoolPassOptions,
): Promise<void> {
  const opened = run.open(piece)
  try {
    opened.finish(await pool.run('column', opened.task, { name, signal, continues }))
  } finally {
    opened.free()
  }
}
