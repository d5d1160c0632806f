// How long a start takes, from the start of the process: the command line, and a worker until it
// can be asked for its first new results. Every count is checked.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openStoredTable } from '../../src/app/stored_table.ts'
import { systemClock } from '../../src/clock.ts'
import type { LogProducer } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { medianOf } from '../../src/tune/comparison.ts'
import { unique } from '../../test/support/log.ts'
import { numberOption } from '../report/bench.ts'
import { TABLE } from './job.ts'
import { Life } from './life.ts'
import { logsOf, type RecoveryContext, type RecoveryPart } from './part.ts'
import { PARTITIONS, partitionNumbers, Views } from './views.ts'

export const startPart: RecoveryPart = { name: 'start', run: runStarts }

const ROWS = 1_000_000
const SMOKE_ROWS = 2000
const FEW_ROWS = 1000
const ROUNDS = 5
/** That wait for a worker when it starts. */
const WAITING_VIEWS = 1000
const commandLine = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

async function runStarts(context: RecoveryContext): Promise<void> {
  const rounds = numberOption(context, 'rounds', context.isSmoke ? 1 : ROUNDS)
  await measureCommand(context, rounds)
  for (const [name, broker] of await logsOf(context)) {
    const place = { name, broker, rounds }
    await measureFirst(context, place)
    await measureAgain(context, place)
  }
}

interface Place {
  /** Of the log. */
  readonly name: string
  readonly broker: string
  readonly rounds: number
}

/** In turns with Node itself, which is a part of it. */
async function measureCommand({ add, say }: RecoveryContext, rounds: number): Promise<void> {
  say('start: euphorion --help')
  const cases = [
    { name: 'node, an empty program', args: ['-e', '0'], prints: /^$/ },
    { name: 'euphorion --help', args: [commandLine, '--help'], prints: /Usage: euphorion/ },
  ].map((each) => ({ ...each, samples: [] as number[] }))
  for (let round = 0; round < rounds; round++)
    for (const { name, args, prints, samples } of cases) {
      const beganMs = systemClock.monotonic()
      const { stdout } = await promisify(execFile)(process.execPath, args)
      samples.push(systemClock.monotonic() - beganMs)
      assert.match(stdout, prints, name)
    }
  for (const { name, samples } of cases)
    add({ group: 'The command line', case: name, unit: 'ms', better: 'less', samples })
}

/** One start of a worker: in ms since there was a process. */
interface Start {
  readonly loadedMs: number
  readonly startedMs: number
  /** A row of before, in all partitions. */
  readonly rowsMs: number
  /** New results, in all partitions. */
  readonly resultsMs: number
}

/** Starts for the first time: nothing is on its disk, and its own topics are not there. */
async function measureFirst(context: RecoveryContext, place: Place): Promise<void> {
  const { say, seed, directory } = context
  const { name, broker, rounds } = place
  const topic = unique('views')
  const views = new Views(FEW_ROWS, seed)
  await append(broker, topic, (producer) => views.appendRows(producer, topic))
  await append(broker, topic, (producer) => views.appendTurn(producer, topic, WAITING_VIEWS))
  const starts: Start[] = []
  for (let round = 1; round <= rounds; round++) {
    say(`start: ${name}, empty table, ${round} of ${rounds}`)
    const appId = unique('start')
    const dataDir = join(directory, appId)
    const job = { appId, topic, probes: views.probes, settings: { broker } }
    const life = new Life(job, dataDir)
    starts.push(await startOf(life, views.nextId - PARTITIONS))
    await life.stop()
    await checkTable(dataDir, appId, views)
    await forget(broker, appId)
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
  }
  await forget(broker, topic)
  addFigures(context, `${name}, empty table: first results`, FEW_ROWS, starts, 'resultsMs')
}

/** Starts again: the table is on its disk, and some views have come since. */
async function measureAgain(context: RecoveryContext, place: Place): Promise<void> {
  const { say, seed, directory, isSmoke } = context
  const { name, broker, rounds } = place
  const rows = numberOption(context, 'rows', isSmoke ? SMOKE_ROWS : ROWS)
  const [topic, appId] = [unique('views'), unique('start')]
  const dataDir = join(directory, appId)
  const views = new Views(rows, seed)
  const job = { appId, topic, probes: views.probes, settings: { broker } }
  say(`start: ${name}, ${rows.toLocaleString('en')} rows are counted`)
  await append(broker, topic, (producer) => views.appendRows(producer, topic))
  const starts: Start[] = []
  // the first one makes the table
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) say(`start: ${name}, ${rows.toLocaleString('en')} rows, ${round} of ${rounds}`)
    await append(broker, topic, (producer) => views.appendTurn(producer, topic, WAITING_VIEWS))
    const life = new Life(job, dataDir)
    const start = await startOf(life, views.nextId - PARTITIONS)
    if (round > 0) starts.push(start)
    await life.stop()
  }
  await checkTable(dataDir, appId, views)
  await forget(broker, appId)
  await forget(broker, topic)
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
  const shown = `${rows.toLocaleString('en')} rows on disk`
  addFigures(context, `${name}, ${shown}: rows can be read`, rows, starts, 'rowsMs')
  addFigures(context, `${name}, ${shown}: new results`, rows, starts, 'resultsMs')
}

async function startOf(life: Life, newest: number): Promise<Start> {
  try {
    const read = (id: number): number | undefined => life.readMs(partitionNumbers, id)
    await life.until('it has new results', () => read(newest) !== undefined)
    await life.until('it has started', () => life.saidMs('worker started') !== undefined)
    const sinceStart = (ms: number): number => ms - life.startedMs
    return {
      loadedMs: sinceStart(life.lines[0].atMs),
      startedMs: sinceStart(life.saidMs('worker started')!),
      rowsMs: sinceStart(read(0)!),
      resultsMs: sinceStart(read(newest)!),
    }
  } catch (error) {
    await life.kill()
    throw error
  }
}

/** The embedded log is one process's: it is closed before the worker opens it. */
async function append(
  broker: string,
  topic: string,
  write: (producer: LogProducer) => Promise<void>,
): Promise<void> {
  const log = await openLog(broker)
  try {
    await log.createTopic(topic, { partitions: PARTITIONS, config: { retentionMs: -1 } })
    const producer = await log.producer()
    await write(producer)
    await producer.close()
  } finally {
    await log.close()
  }
}

async function checkTable(dataDir: string, appId: string, views: Views): Promise<void> {
  const table = await openStoredTable(dataDir, [appId], TABLE)
  try {
    await views.check(table.reader)
  } finally {
    await table.close()
  }
}

/** Topics whose names begin so. */
async function forget(broker: string, name: string): Promise<void> {
  const log = await openLog(broker)
  try {
    for (const topic of await log.topics())
      if (topic.name.startsWith(name)) await log.deleteTopic(topic.name)
  } finally {
    await log.close()
  }
}

function addFigures(
  { add }: RecoveryContext,
  name: string,
  rows: number,
  starts: readonly Start[],
  of: 'rowsMs' | 'resultsMs',
): void {
  const median = (each: keyof Start): number => medianOf(starts.map((start) => start[each]))
  add({
    group: 'A worker starts',
    case: name,
    unit: 'ms',
    better: 'less',
    samples: starts.map((start) => start[of]),
    facts: { rows, 'loaded, ms': median('loadedMs'), 'started, ms': median('startedMs') },
  })
}
