// Forked by the crash test of agents that fail: runs them until they are killed after so many
// attempts, or have done with every order; then writes what they have counted.
import { writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { seededRandom, systemClock } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { type FailingTopics, failingApp } from './failing_app.ts'

export interface FailingLife {
  readonly appId: string
  readonly topics: FailingTopics
  /** Offset behind the last order, by partition; the same of each agent's topic. */
  readonly ends: readonly number[]
  readonly seed: number
  readonly settings: SettingsInput
  /** Ends by kill -9 then, or where it is done before; `spins`: of an empty loop beside it. */
  readonly kill?: { readonly attempts: number; readonly spins: number }
  /** File of the FailingCounts. */
  readonly output: string
}

/** By table: pairs of an order and how often it was counted. */
export type FailingCounts = Record<string, [id: string, count: number][]>

const LOOK_MS = 20

const life = JSON.parse(process.argv[2]) as FailingLife
const { appId, topics, ends, seed, settings, kill, output } = life
const signal = new Int32Array(new SharedArrayBuffer(4))
let attempts = 0

function die(): void {
  Atomics.store(signal, 0, 1)
  Atomics.notify(signal, 0)
}

if (kill !== undefined) {
  const { spins } = kill
  const program = new URL('./crash_killer.js', import.meta.url)
  new Worker(program, { workerData: { signal, spins } }).unref()
}
const { app, tables } = failingApp(appId, {
  ...settings,
  topics,
  random: seededRandom(seed),
  onAttempt: () => {
    if (++attempts === kill?.attempts) die()
  },
})

async function untilDone(): Promise<void> {
  const log = await app.log()
  const isDone = async (): Promise<boolean> => {
    const committed = await log.committed(appId, topics.orders)
    return ends.every((end, partition) => (committed.get(partition) ?? 0) >= end)
  }
  while (!(await isDone()))
    await new Promise<void>((resolve) => systemClock.after(LOOK_MS, resolve))
}

await app.start()
await Promise.race([untilDone(), app.ended])
if (kill !== undefined) {
  die()
  await new Promise(() => undefined)
}
/** Again where a partition goes back to its last cut meanwhile. */
async function read(): Promise<FailingCounts> {
  const counts: FailingCounts = {}
  try {
    for (const { name, counts: table } of tables) {
      counts[name] = []
      for await (const entry of table.entries()) counts[name].push(entry)
    }
    return counts
  } catch (error) {
    if (!(error instanceof EuphorionError) || !error.retriable) throw error
    await new Promise<void>((resolve) => systemClock.after(LOOK_MS, resolve))
    return read()
  }
}

const counts = await read()
await app.stop()
writeFileSync(output, JSON.stringify(counts))
