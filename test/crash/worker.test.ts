// Workers that aggregate page views of an embedded log are killed with kill -9 in the middle of
// batches and of cuts, ten times in a row; what the last one leaves is what one undisturbed worker
// on the plain kernels computes in memory.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { openLog } from '../../src/log/open.ts'
import type { SettingsInput } from '../../src/settings.ts'
import type { PageViewOptions } from '../../src/tune/workload.ts'
import type { CrashJob, CrashTable } from '../support/crash_app.ts'
import {
  assertResults,
  assertSameRows,
  assertW1,
  crashSeed,
  fillTopic,
  inDirectory,
  killed,
  undisturbed,
} from '../support/crash_lives.ts'

const KILLS = 10
const TOPIC = 'page-views'

interface Variant {
  readonly views: PageViewOptions
  readonly tables: readonly CrashTable[]
  readonly results?: CrashJob['results']
  readonly settings?: SettingsInput
}

/** Kills ten workers, compares, and looks at what the log says of the group. */
async function killTen(
  t: TestContext,
  { views, tables, results, settings }: Variant,
): Promise<void> {
  const seed = crashSeed()
  t.diagnostic(`seed ${seed}`)
  await inDirectory(async (directory) => {
    const broker = `embedded:${join(directory, 'log')}`
    const ends = await fillTopic(broker, TOPIC, views)
    const common = { broker, dataDir: join(directory, 'data'), commitIntervalMs: '10ms' }
    const job: CrashJob = {
      appId: 'crash',
      topic: TOPIC,
      ends,
      tables,
      results,
      settings: { ...common, threads: 2, batchBytes: '64KiB', ...settings },
    }
    const plain: CrashJob = { ...job, settings: { ...common, backend: 'js', store: 'memory' } }
    const expected = await undisturbed(plain, directory)
    const { lines, resumed } = await killed(job, directory, {
      kills: KILLS,
      random: seededRandom(seed),
    })
    const note = `seed ${seed}`
    t.diagnostic(`${resumed} lives went on from the middle, ${lines.length} rows`)
    assert.ok(resumed > 1, 'lives ended before anything was stored')
    assertSameRows(lines, expected, note)
    if (tables.includes('w1')) assertW1(lines, views, note)
    const log = await openLog(broker)
    try {
      const committed = await log.committed(job.appId, TOPIC)
      assert.deepEqual(
        ends.map((_, partition) => committed.get(partition)),
        ends,
      )
      if (results !== undefined) await assertResults(log, results, lines)
    } finally {
      await log.close()
    }
  })
}

test('W1: after ten times kill -9 every cell is exact', (t) =>
  killTen(t, { views: { events: 600_000, batchRecords: 500, seed: 11 }, tables: ['w1'] }))

test('W1 with changes and final results in topics: after ten times kill -9 none is missing', (t) =>
  killTen(t, {
    views: { events: 400_000, batchRecords: 500, seed: 12, keys: 500 },
    tables: ['w1'],
    results: { changes: 'changes', finals: 'finals' },
  }))

test('hopping, unwindowed and late: after ten times kill -9 every cell is exact', (t) =>
  killTen(t, {
    views: { events: 150_000, batchRecords: 250, seed: 13, partitions: 3 },
    tables: ['w1', 'w2', 'w3', 'late'],
  }))

test('more state than memory: after ten times kill -9 every cell is exact', (t) =>
  killTen(t, {
    views: { events: 300_000, batchRecords: 500, seed: 14, keys: 100_000 },
    tables: ['w1', 'w2', 'w3'],
    settings: { memoryMib: 32 },
  }))
