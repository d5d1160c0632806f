// An engine over the page views of an embedded log, on the way of which a test can put faults: it
// sees every task before the kernel threads do, and every thread. Used by fault tests.
import { once } from 'node:events'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { Connection } from '../../src/app/connection.ts'
import { Engine } from '../../src/app/engine.ts'
import type { SharedMemory } from '../../src/batch/memory.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { DeadLetters } from '../../src/ingest/dead_letter.ts'
import { laneField, laneTask } from '../../src/kernel/lane_block.ts'
import { createLogger } from '../../src/logger.ts'
import { resolveSettings } from '../../src/settings.ts'
import { type CrashJob, crashApp, dump, isDone } from './crash_app.ts'

export interface KernelTask {
  readonly lane: number
  readonly task: keyof typeof laneTask
  /** Where the lane stands. */
  readonly nextOffset: number
  /** Asks the engine for a cut. */
  cut(): void
  /** Makes the kernel trap: the lane's table seems to be outside the memory. */
  corrupt(): void
  /** Ends a thread, as soon as the task is on its way. */
  terminate(): void
}

export interface FaultOptions {
  readonly directory: string
  readonly job: CrashJob
  /** Sees every task; an error is its outcome instead of running it. */
  readonly task?: (task: KernelTask) => Error | undefined
  /** Between what lanes have drained and the write of it. */
  readonly beforeCommit?: () => Promise<void>
}

export interface FaultOutcome {
  readonly lines: readonly string[]
  /** What the engine gave up for. */
  readonly failures: readonly unknown[]
  /** What it logged as errors. */
  readonly logged: readonly Record<string, unknown>[]
}

const taskNames = Object.keys(laneTask) as (keyof typeof laneTask)[]

/** Runs the job until every lane has stored everything or stopped, or the engine gives up. */
export async function runWithFaults(options: FaultOptions): Promise<FaultOutcome> {
  const { directory, job } = options
  const settings = resolveSettings({
    code: { dataDir: join(directory, 'data'), commitIntervalMs: '10ms', ...job.settings },
  })
  const failures: unknown[] = []
  const logged: Record<string, unknown>[] = []
  let end = (): void => undefined
  const fail = (error: unknown): void => {
    failures.push(error)
    end()
  }
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const clock: Clock = {
    ...systemClock,
    after(ms, call) {
      if (isDone(job, engine.statistics())) end()
      return systemClock.after(ms, call)
    },
  }
  const connection = await Connection.open(settings, systemClock)
  const { sender, log } = connection
  const started = (worker: Worker): void => {
    void once(worker, 'exit').then(() => alive.delete(worker))
    alive.add(worker)
  }
  const alive = new Set<Worker>()
  process.on('worker', started)
  let memory: SharedMemory | undefined
  const deadLetters = new DeadLetters({ topic: 'dead', partitions: 1, sender })
  const engine: Engine = new Engine({
    log,
    appId: job.appId,
    settings,
    clock,
    logger: {
      ...createLogger(job.appId, 'silent'),
      error: (facts: object) => void logged.push({ ...facts }),
    },
    aggregations: crashApp(job).app.topology.aggregations,
    subscribers: [],
    deadLetters,
    beforeCommit: options.beforeCommit ?? (async () => undefined),
    onError: fail,
    onBatch: (_, shared) => {
      memory = shared
    },
  })
  try {
    intercept({ engine, alive, memory: () => memory, fail }, options.task)
    await engine.start()
    await ended
    const tables = job.tables.map((name) => ({
      name,
      range: (query: object) => engine.tables.reader(name, 'here')!.range(query),
    }))
    const lines = await dump(tables, engine.statistics())
    await engine.stop()
    return { lines, failures, logged }
  } finally {
    process.off('worker', started)
    await connection.close()
  }
}

interface Intercepted {
  readonly engine: Engine
  readonly alive: ReadonlySet<Worker>
  readonly memory: () => SharedMemory | undefined
  readonly fail: (error: unknown) => void
}

/** Puts the test between the lanes and the threads. */
function intercept({ engine, alive, memory, fail }: Intercepted, look: FaultOptions['task']): void {
  const { executor } = engine
  if (executor === undefined || look === undefined) return
  const run = executor.run.bind(executor)
  executor.run = (address) => {
    const lane = address - (address % 64)
    const view = memory()?.view
    let terminated = false
    const error = look({
      lane,
      nextOffset: Number(view?.getBigInt64(lane + laneField.nextOffset, true) ?? 0),
      cut: () => void engine.cut().catch(fail),
      task: taskNames.find((name) => laneTask[name] === address % 64)!,
      corrupt: () => view?.setUint32(lane + laneField.index, 0xc000_0000, true),
      terminate: () => {
        terminated = true
      },
    })
    if (error !== undefined) return Promise.reject(error)
    const done = run(address)
    if (terminated) void [...alive][0]?.terminate()
    return done
  }
}
