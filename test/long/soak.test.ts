// Fifty million page views through one worker: its resident memory does not grow once it is warm,
// and stays below 300 MiB.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fillTopic, inDirectory } from '../support/crash_lives.ts'
import type { SoakFigures, SoakJob } from './soak_worker.ts'

const EVENTS = 50_000_000
const EVERY = 1_000_000
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

test('W1 over 50 million events keeps its memory', async (t) => {
  await inDirectory(async (directory) => {
    const broker = `embedded:${join(directory, 'log')}`
    const topic = 'page-views'
    const ends = await fillTopic(broker, topic, { events: EVENTS })
    const settings = { broker, dataDir: join(directory, 'data'), threads: 2 }
    const figures = await runWorker({
      job: { appId: 'soak', topic, ends, tables: ['w1'], settings },
      every: EVERY,
      output: join(directory, 'figures.json'),
    })
    const { samples, maxResidentBytes, seconds, cells, views } = figures
    t.diagnostic(`${cells} cells, ${(EVENTS / seconds / 1e6).toFixed(2)} M events/s`)
    t.diagnostic(`resident MiB at each million: ${samples.map(mib).join(' ')}`)
    t.diagnostic(`at most ${mib(maxResidentBytes)} MiB`)
    assert.equal(views, EVENTS)
    const warm = samples.slice(WARM_SAMPLES)
    const half = Math.floor(warm.length / 2)
    const most = (part: readonly number[]): number => mib(Math.max(...part))
    const growth = most(warm.slice(half)) - most(warm.slice(0, half))
    assert.ok(growth <= SWAY_MIB, `resident memory grew by ${growth} MiB`)
    assert.ok(mib(maxResidentBytes) <= RESIDENT_MIB_MAX)
  })
})
