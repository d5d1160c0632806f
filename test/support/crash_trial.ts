// One trial of crash tests: a topic is filled, an undisturbed worker shows what is right, others
// are killed, and the two are compared. Called by crash tests on every log.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { openLog } from '../../src/log/open.ts'
import type { SettingsInput } from '../../src/settings.ts'
import type { PageViewOptions } from '../../src/tune/workload.ts'
import type { CrashJob, CrashTable } from './crash_app.ts'
import { assertResults, assertSameRows, assertW1 } from './crash_checks.ts'
import { crashSeed, fillTopic, killed, undisturbed } from './crash_lives.ts'
import { unique } from './log.ts'

export interface CrashTrial {
  readonly broker: string
  readonly kills: number
  readonly views: PageViewOptions
  readonly tables: readonly CrashTable[]
  /** Names of topics for the changes and the final results of 'w1'. */
  readonly results?: CrashJob['results']
  readonly settings?: SettingsInput
}

/** Kills the workers, compares, and looks at what the log says of the group. */
export async function tryCrashes(
  t: TestContext,
  directory: string,
  { broker, kills, views, tables, results, settings }: CrashTrial,
): Promise<void> {
  const seed = crashSeed()
  const note = `seed ${seed}`
  t.diagnostic(note)
  const topic = unique('page-views')
  const ends = await fillTopic(broker, topic, views)
  const common = { commitIntervalMs: '10ms', ...settings, broker, dataDir: join(directory, 'data') }
  const job: CrashJob = {
    appId: unique('crash'),
    topic,
    ends,
    tables,
    results,
    settings: { threads: 2, batchBytes: '64KiB', ...common },
  }
  const plain: CrashJob = {
    ...job,
    settings: { ...common, memoryMib: 256, backend: 'js', store: 'memory' },
  }
  const expected = await undisturbed(plain, directory)
  const random = seededRandom(seed)
  const { lines, resumed } = await killed(job, directory, { kills, random })
  t.diagnostic(`${resumed} lives went on from the middle, ${lines.length} rows`)
  assert.ok(resumed > 1, 'lives ended before anything was stored')
  assertSameRows(lines, expected, note)
  if (tables.includes('w1')) assertW1(lines, views, note)
  const log = await openLog(broker)
  try {
    const committed = await log.committed(job.appId, topic)
    assert.deepEqual(
      ends.map((_, partition) => committed.get(partition)),
      ends,
    )
    if (results !== undefined) await assertResults(log, results, lines)
  } finally {
    await log.close()
  }
}
