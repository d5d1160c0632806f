// A worker that runs W1 over many page views in a process of its own, and what its memory did
// meanwhile. Used by the long tests of memory.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { PageViewOptions } from '../../src/tune/workload.ts'
import { fillTopic, inDirectory } from './crash_lives.ts'
import type { SoakFigures, SoakJob } from './soak_worker.ts'

export interface SoakOptions {
  /** Given the test's directory. */
  readonly broker: (directory: string) => string
  readonly topic: string
  readonly views: PageViewOptions
  /** Records between two samples. */
  readonly every: number
}

const WARM_SAMPLES = 10
const MIB = 2 ** 20
const RESIDENT_MIB_MAX = 300
/** What garbage collection and the store's files make memory go up and down by. */
const SWAY_MIB = 24

const program = fileURLToPath(new URL('./soak_worker.js', import.meta.url))
const mib = (bytes: number): number => Math.round(bytes / MIB)

async function runWorker(life: SoakJob): Promise<SoakFigures> {
  const child = fork(program, [JSON.stringify(life)])
  const [code, signal] = await once(child, 'close')
  assert.equal(signal ?? code, 0, 'the worker failed')
  return JSON.parse(await readFile(life.output, 'utf8'))
}

/** Fails where memory grows once the worker is warm; tells what it was, and the slowest part. */
export async function soak(t: TestContext, options: SoakOptions): Promise<void> {
  const { topic, views: source, every } = options
  const { events } = source
  await inDirectory(async (directory) => {
    const broker = options.broker(directory)
    const ends = await fillTopic(broker, topic, source)
    const settings = { broker, dataDir: join(directory, 'data'), threads: 2 }
    const figures = await runWorker({
      job: { appId: topic, topic, ends, tables: ['w1'], settings },
      every,
      output: join(directory, 'figures.json'),
    })
    const { samples, sampledAt, maxResidentBytes, seconds, cells, views } = figures
    const slowest = Math.max(...sampledAt.map((at, i) => at - (sampledAt[i - 1] ?? 0)))
    t.diagnostic(`${cells} cells, ${(events / seconds / 1e6).toFixed(2)} M events/s`)
    t.diagnostic(`resident MiB at each ${every / 1e6} million: ${samples.map(mib).join(' ')}`)
    t.diagnostic(`at most ${mib(maxResidentBytes)} MiB`)
    t.diagnostic(`the slowest ${every / 1e6} million took ${slowest.toFixed(2)} s`)
    assert.equal(views, events)
    const warm = samples.slice(WARM_SAMPLES)
    const half = Math.floor(warm.length / 2)
    const most = (part: readonly number[]): number => mib(Math.max(...part))
    const growth = most(warm.slice(half)) - most(warm.slice(0, half))
    assert.ok(growth <= SWAY_MIB, `resident memory grew by ${growth} MiB`)
    assert.ok(mib(maxResidentBytes) <= RESIDENT_MIB_MAX)
  })
}
