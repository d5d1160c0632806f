// Runs the app of a job in child processes that are killed, one after the other, and reads what the
// last one left. Called by crash_trial.ts.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from '../../src/clock.ts'
import { openLog } from '../../src/log/open.ts'
import { writeViews } from '../../src/tune/bench_topic.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import type { CrashJob } from './crash_app.ts'
import type { CrashLife, KillPoint } from './crash_worker.ts'

const program = fileURLToPath(new URL('./crash_worker.js', import.meta.url))

/** Calls with a directory that is gone afterwards. */
export async function inDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-crash-'))
  try {
    return await run(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A seed of this run; EUPHORION_TEST_SEED repeats another one. */
export function crashSeed(): number {
  return Number(process.env.EUPHORION_TEST_SEED ?? (process.pid * 2654435761) >>> 0)
}

/** Writes the page views to a new topic; resolves with each partition's end. */
export async function fillTopic(
  broker: string,
  topic: string,
  options: PageViewOptions,
): Promise<number[]> {
  const log = await openLog(broker)
  try {
    const config = { retentionMs: -1 }
    await log.createTopic(topic, { partitions: options.partitions ?? 4, config })
    if (options.compression !== undefined) await prepareCompression(options.compression)
    const views = new PageViews(options)
    await writeViews(log, topic, views, () => undefined)
    return [...views.perPartition]
  } finally {
    await log.close()
  }
}

interface Death {
  readonly killed: boolean
  /** Sum of the lanes' stored offsets as first and as last heard of; -1 if never. */
  readonly first: number
  readonly last: number
}

/** A life takes seconds, also on a busy machine. */
const LIFE_MS_MAX = 180_000

/** One life of the worker. Another end than by its kill, or when all is done, is an error. */
async function live(life: CrashLife): Promise<Death> {
  const child = fork(program, [JSON.stringify(life)])
  let first = -1
  let last = -1
  let stoodStill = false
  child.on('message', (stored: number) => {
    if (first < 0) first = stored
    last = stored
  })
  const watch = setTimeout(() => {
    stoodStill = true
    child.kill('SIGKILL')
  }, LIFE_MS_MAX)
  const [code, signal] = await once(child, 'close')
  clearTimeout(watch)
  assert.ok(!stoodStill, `a life stood still at ${last} stored: ${JSON.stringify(life.kill)}`)
  const killed = signal === 'SIGKILL' && life.kill !== undefined
  if (!killed) assert.equal(signal ?? code, 0, 'the worker failed')
  return { killed, first, last }
}

/** What a worker that is never killed leaves. */
export async function undisturbed(job: CrashJob, directory: string): Promise<string[]> {
  const output = join(directory, 'undisturbed.jsonl')
  const appId = `${job.appId}-undisturbed`
  await live({ job: { ...job, appId, results: undefined }, output })
  return (await readFile(output, 'utf8')).split('\n')
}

const TURNS_MAX = 60
const SPINS_MAX = 20_000
/** No life gets as far as the end. */
const REACH = 0.95

/** Where so many lives end: each further than the one before. */
function killPoints(job: CrashJob, kills: number, random: Random): KillPoint[] {
  const total = job.ends.reduce((sum, end) => sum + end, 0) * job.tables.length
  const targets = Array.from({ length: kills }, () => Math.ceil(random() * REACH * total))
  return targets
    .sort((a, b) => a - b)
    .map((consumed, turn) => ({
      consumed,
      at: turn % 2 === 0 ? 'cut' : 'batch',
      turns: Math.floor(random() ** 2 * TURNS_MAX),
      spins: Math.floor(random() * SPINS_MAX),
    }))
}

/**
 * What is left after so many killed workers and one that was let finish. What a life has said to be
 * stored the next one must find.
 */
export async function killed(
  job: CrashJob,
  directory: string,
  { kills, random }: { readonly kills: number; readonly random: Random },
): Promise<{ lines: string[]; resumed: number }> {
  const output = join(directory, 'killed.jsonl')
  let stored = 0
  let resumed = 0
  for (const kill of [...killPoints(job, kills, random), undefined]) {
    const death = await live({ job, kill, output })
    assert.equal(death.killed, kill !== undefined)
    if (death.first >= 0) assert.ok(death.first >= stored, `${death.first} of ${stored} are stored`)
    if (death.first > 0) resumed++
    stored = Math.max(stored, death.last)
  }
  return { lines: (await readFile(output, 'utf8')).split('\n'), resumed }
}
