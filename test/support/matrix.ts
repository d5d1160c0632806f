// The main job from topic to printed rows, as a user runs it: `euphorion worker` and `euphorion
// table` on mixed_app.ts, compared with the naive reference. For the matrix of its settings.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Compression, Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import type { ProgramName } from './mixed_app.ts'
import { mixedPlans, rowSchema } from './mixed_plans.ts'
import { type MixedOptions, mixedRecords } from './mixed_views.ts'
import { differenceOf, type NaiveResult, type NaiveRow, naiveOfEach } from './naive.ts'
import { type Json, readJson } from './naive_json.ts'
import { type CaseOf, pairwise } from './pairwise.ts'
import { euphorion, runNode } from './program.ts'

const app = join(import.meta.dirname, '../../../test/support/mixed_app.ts')

export const factors = {
  compression: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  threads: [1, 2, 4],
  backend: ['wasm', 'js'],
  log: ['embedded', 'kafkajs'],
  window: ['tumbling', 'hopping'],
  grace: ['none', 'some'],
  batchBytes: ['64KiB', '4MiB'],
} as const

export type MatrixCase = CaseOf<typeof factors>

/** Cases with every pair of values of two factors. */
export const pairs: readonly MatrixCase[] = pairwise(factors)

const titleOf = (each: MatrixCase): string =>
  Object.entries(each)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

/** The tables that a case computes: with the windows that it says, and one more in turn. */
function programsOf({ window, grace }: MatrixCase, turn: number): ProgramName[] {
  if (window === 'tumbling')
    return grace === 'none'
      ? ['tumbling', turn % 2 ? 'plain' : 'plain-by-key']
      : ['tumbling-grace', turn % 2 ? 'plain-by-key' : 'plain']
  return grace === 'none' ? ['uneven', 'plain'] : ['hopping-grace', 'uneven-grace']
}

/** Records in a batch: of one fetch and of several, the last ones larger than the least fetch. */
const BATCH_RECORDS = [1, 40, 300, 7, 900]

/** Makes the topic with the mixed views in it. */
async function writeMixed(
  log: Log,
  topic: string,
  options: MixedOptions,
  compression: Compression,
): Promise<void> {
  await prepareCompression(compression)
  await log.createTopic(topic, {
    partitions: options.partitions,
    // The records are of some years ago.
    config: { retentionMs: -1 },
  })
  const producer = await log.producer({ compression })
  await Promise.all(
    Array.from({ length: options.partitions }, async (_, partition) => {
      let batch = []
      let batches = 0
      for (const record of mixedRecords(options, partition)) {
        batch.push(record)
        if (batch.length < BATCH_RECORDS[batches % BATCH_RECORDS.length]) continue
        await producer.append(topic, partition, batch)
        batch = []
        batches++
      }
      if (batch.length > 0) await producer.append(topic, partition, batch)
    }),
  )
  await producer.close()
}

/** All that mixed_app.ts has. */
export const programNames = Object.keys(mixedPlans) as ProgramName[]

/** Few enough events for a case of a few seconds. */
export const smallMixed: MixedOptions = {
  events: 60_000,
  partitions: 4,
  seed: 1,
  keys: 200,
  spanMs: 120_000,
  texts: 4000,
}

export const millionMixed: MixedOptions = {
  ...smallMixed,
  events: 1_000_000,
  seed: 2,
  spanMs: 300_000,
  texts: 10_000,
}

export type Expected = ReadonlyMap<ProgramName, NaiveResult>

/** What the tables must hold, computed apart. */
export function expectMixed(options: MixedOptions, names: readonly ProgramName[]): Expected {
  const records = Array.from({ length: options.partitions }, (_, partition) =>
    mixedRecords(options, partition),
  )
  const results = naiveOfEach(
    names.map((name) => mixedPlans[name]),
    records,
    Date.now(),
  )
  return new Map(results.map((result, index) => [names[index], result]))
}

interface MatrixRun {
  /** Where the worker runs; its data goes to `{cwd}/data`. */
  readonly cwd: string
  readonly broker: string
  readonly topic: string
  /** Names the app: its group and its data. */
  readonly id: string
  readonly records: number
  readonly programs: readonly ProgramName[]
  /** Settings of the worker, as on its command line. */
  readonly settings: readonly string[]
}

/** Runs the worker over the topic until everything is stored; it must end well. */
async function work(t: TestContext, { cwd, broker, settings, ...run }: MatrixRun): Promise<void> {
  const args = [
    euphorion,
    'worker',
    '-A',
    app,
    '--broker',
    broker,
    '--log-level',
    'warn',
    ...settings,
  ]
  const env = { ...appEnvironment(run), MIXED_APP_RECORDS: String(run.records) }
  const { code, err } = await runNode(t, args, { cwd, env })
  assert.equal(code, 0, err)
}

const appEnvironment = ({
  id,
  topic,
  programs,
}: Omit<MatrixRun, 'cwd' | 'broker' | 'settings'>) => ({
  MIXED_APP_ID: id,
  MIXED_APP_TOPIC: topic,
  MIXED_APP_TABLES: programs.join(),
})

/** The rows that `euphorion table NAME -A app.ts --format jsonl` prints. */
async function printed(t: TestContext, run: MatrixRun, name: ProgramName): Promise<NaiveRow[]> {
  const args = [euphorion, 'table', name, '-A', app, '--format', 'jsonl']
  const { code, out, err } = await runNode(t, args, { cwd: run.cwd, env: appEnvironment(run) })
  assert.equal(code, 0, err)
  assert.match(out, /\n$/)
  const schema = rowSchema(mixedPlans[name])
  return out
    .slice(0, -1)
    .split('\n')
    .map((line) => rowOf(schema, line))
}

function rowOf(schema: RecordSchema, line: string): NaiveRow {
  const read = readJson(schema, Buffer.from(line))
  assert(read instanceof Map, line)
  const row: Record<string, unknown> = { start: 0, end: 0, ...Object.fromEntries(read) }
  for (const [name, { type }] of schema.fields)
    if (type === 'decimal') row[name] = BigInt(row[name] as string)
  const key = row.key as Json
  return { ...row, key: key instanceof Map ? [...key.values()] : key } as NaiveRow
}

const settingsOf = ({ threads, backend, batchBytes }: MatrixCase): string[] => [
  '--threads',
  String(threads),
  '--backend',
  backend,
  '--batch-bytes',
  batchBytes,
]

/** Where cases run, one of another, on a broker that others may use too. */
export class MatrixPlace {
  readonly cwd: string
  readonly broker: string
  readonly options: MixedOptions
  /** No other run on the broker has topics and apps of this name. */
  readonly #name = `matrix-${randomUUID()}`

  constructor(cwd: string, broker: string, options: MixedOptions) {
    this.cwd = cwd
    this.broker = broker
    this.options = options
  }

  /** Makes the topics, gives them to `check`, and deletes them. */
  async withTopics(
    compressions: readonly Compression[],
    check: () => Promise<void>,
  ): Promise<void> {
    const settings = { fsync: 'never' } as const
    const log = await openLog(this.broker, { settings })
    for (const compression of compressions)
      await writeMixed(log, this.#topic(compression), this.options, compression)
    await log.close()
    try {
      await check()
    } finally {
      const again = await openLog(this.broker, { settings })
      for (const compression of compressions) await again.deleteTopic(this.#topic(compression))
      await again.close()
    }
  }

  /** Runs worker and table; the rows must be those expected. */
  async check(
    t: TestContext,
    id: string,
    compression: Compression,
    settings: readonly string[],
    expected: Expected,
    programs: readonly ProgramName[] = [...expected.keys()],
  ): Promise<void> {
    const run = {
      cwd: this.cwd,
      broker: this.broker,
      topic: this.#topic(compression),
      id: `${this.#name}-${id}`,
      records: this.options.events,
      programs,
      settings,
    }
    await work(t, run)
    for (const name of programs) {
      const difference = differenceOf(await printed(t, run, name), expected.get(name)!.rows)
      assert.equal(difference, undefined, `${name}: ${difference}`)
    }
  }

  /** Checks each case in a subtest. */
  async checkCases(
    t: TestContext,
    cases: readonly MatrixCase[],
    expected: Expected,
  ): Promise<void> {
    for (const [turn, each] of cases.entries())
      await t.test(titleOf(each), (t) => {
        const id = Object.values(each).join('-')
        const programs = programsOf(each, turn)
        return this.check(t, id, each.compression, settingsOf(each), expected, programs)
      })
  }

  #topic(compression: Compression): string {
    return `${this.#name}-${compression}`
  }
}
