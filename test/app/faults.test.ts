// Kernels that trap and threads that die under a running engine: lanes go on from their last cut
// and no cell is wrong, or they end with an error that says where.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import type { SettingsInput } from '../../src/settings.ts'
import type { PageViewOptions } from '../../src/tune/workload.ts'
import type { CrashJob, CrashTable } from '../support/crash_app.ts'
import { assertSameRows, assertW1 } from '../support/crash_checks.ts'
import { crashSeed, fillTopic, inDirectory } from '../support/crash_lives.ts'
import { type FaultOptions, runWithFaults } from '../support/fault_engine.ts'

const VIEWS: PageViewOptions = { events: 120_000, batchRecords: 250, seed: 31, keys: 3000 }
const TABLES: readonly CrashTable[] = ['w1', 'w2', 'w3']
const SETTINGS: SettingsInput = { threads: 2, batchBytes: '64KiB', laneRetries: 100 }

interface Variant {
  readonly views: PageViewOptions
  readonly tables: readonly CrashTable[]
  readonly settings: SettingsInput
}

/** A filled topic, and what a run without faults leaves. */
async function prepare(
  directory: string,
  tables = TABLES,
  views = VIEWS,
): Promise<{ job: CrashJob; expected: readonly string[] }> {
  const broker = `embedded:${join(directory, 'log')}`
  const ends = await fillTopic(broker, 'views', views)
  const job: CrashJob = {
    appId: 'faults',
    topic: 'views',
    ends,
    tables,
    settings: { broker, ...SETTINGS },
  }
  const plain: CrashJob = {
    ...job,
    appId: 'plain',
    settings: { broker, backend: 'js', store: 'memory' },
  }
  const { lines, failures } = await runWithFaults({ directory, job: plain })
  assert.deepEqual(failures, [])
  return { job, expected: lines }
}

/** Runs with faults at random tasks of all kinds; the outcome is as without. */
async function expectExact(
  note: string,
  task: FaultOptions['task'],
  { views = VIEWS, tables = TABLES, settings = {} }: Partial<Variant> = {},
): Promise<void> {
  await inDirectory(async (directory) => {
    const prepared = await prepare(directory, tables, views)
    const job = { ...prepared.job, settings: { ...prepared.job.settings, ...settings } }
    const { expected } = prepared
    const { lines, failures, logged } = await runWithFaults({ directory, job, task })
    assert.deepEqual(failures, [], note)
    assert.deepEqual(logged, [], note)
    assertSameRows(lines, expected, note)
    assertW1(lines, views, note)
  })
}

test('lanes whose kernels trap go on from their last cut, and every cell is exact', async (t) => {
  const seed = crashSeed()
  const random = seededRandom(seed)
  let traps = 0
  await expectExact(`seed ${seed}`, (task) => {
    if (random() > 0.03) return undefined
    traps++
    task.corrupt()
    return undefined
  })
  t.diagnostic(`seed ${seed}: ${traps} tables were spoiled`)
  assert.ok(traps > 5)
})

test('threads that die are replaced, and every cell is exact', async (t) => {
  const seed = crashSeed()
  const random = seededRandom(seed)
  const died = new Map<string, number>()
  await expectExact(`seed ${seed}`, (task) => {
    if (random() > 0.02) return undefined
    died.set(task.task, (died.get(task.task) ?? 0) + 1)
    task.terminate()
    return undefined
  })
  t.diagnostic(`seed ${seed}: threads died at ${JSON.stringify(Object.fromEntries(died))}`)
  assert.ok((died.get('consume') ?? 0) > 2)
})

test('a thread that dies while a table grows is no other than one that dies at a batch', async () => {
  let died = 0
  const task: FaultOptions['task'] = (each) => {
    if (each.task !== 'moveHeap' || died === 3) return undefined
    died++
    return new Error('the thread died')
  }
  await expectExact('while a table grows', task, {
    views: { ...VIEWS, keys: 100_000 },
    tables: ['w1'],
    // cuts would make room
    settings: { commitIntervalMs: '2s' },
  })
  assert.equal(died, 3)
})

test('a lane that fails between drain and write goes back to what is then written', async () => {
  await inDirectory(async (directory) => {
    const { job, expected } = await prepare(directory, ['w1'], { ...VIEWS, partitions: 1 })
    let consumed = 0
    let hits = 0
    let armed: (() => void) | undefined
    const { lines, failures } = await runWithFaults({
      directory,
      job,
      task: ({ task, cut }) => {
        if (task !== 'consume') return undefined
        if (++consumed % 20 === 0) cut()
        if (armed === undefined) return undefined
        hits++
        armed()
        armed = undefined
        return new Error('unreachable')
      },
      // while there is more to come
      beforeCommit: async () => {
        if (consumed < 80)
          await new Promise<void>((resolve) => {
            armed = resolve
          })
      },
    })
    assert.ok(hits > 0)
    assert.deepEqual(failures, [])
    assertSameRows(lines, expected, 'between drain and write')
  })
})

test('after a cut that could not be made, its partitions go on from the one before', async () => {
  await inDirectory(async (directory) => {
    const { job, expected } = await prepare(directory, ['w1', 'w3'])
    let commits = 0
    const { failures, lines } = await runWithFaults({
      directory,
      job,
      task: ({ cut }) => {
        if (commits < 3) cut()
        return undefined
      },
      beforeCommit: async () => {
        if (++commits === 3) throw new EuphorionError('LOG_FAILED', 'no answer')
      },
    })
    assert.deepEqual(failures, [])
    assertSameRows(lines, expected, 'after a failed cut')
  })
})

test('a batch at which the kernel always traps ends its lane with the place; others go on', async () => {
  await inDirectory(async (directory) => {
    const { job, expected } = await prepare(directory, ['w1', 'w3'])
    let poisoned: number | undefined
    let tries = 0
    let last = -1
    const { lines, failures, logged } = await runWithFaults({
      directory,
      job: { ...job, settings: { ...job.settings, laneRetries: 3 } },
      task: ({ lane, task, nextOffset }) => {
        if (task !== 'consume' || nextOffset < 5000) return undefined
        poisoned ??= lane
        if (lane !== poisoned) return undefined
        tries++
        last = nextOffset
        return new Error('unreachable')
      },
    })
    // four since the last cut; before that one there may have been some
    assert.ok(tries >= 4 && tries <= 40, `${tries} tries`)
    assert.deepEqual(failures, [])
    const [{ err, table, topic, partition }] = logged
    const error = err as EuphorionError
    assert.equal(logged.length, 1)
    assert.equal(error.code, 'KERNEL_TRAPPED')
    assert.deepEqual(error.place, { topic, partition, offset: last })
    const others = (line: string): boolean => {
      const [of, row] = JSON.parse(line) as [
        string,
        { table: string; partition: number; key: string },
      ]
      const place = of === 'counters' ? row.table : of
      const at = of === 'counters' ? row.partition : partitionOfKey(Buffer.from(row.key), 4)
      return place !== table || at !== partition
    }
    assertSameRows(lines.filter(others), expected.filter(others), 'the other lanes')
  })
})

for (const [failing, laneRetries] of [
  ['consume', 0],
  ['drain', 2],
] as const) {
  test(`where ${failing} always fails every lane ends, and the engine gives up`, async () => {
    await inDirectory(async (directory) => {
      const { job } = await prepare(directory, ['w1'])
      const { failures } = await runWithFaults({
        directory,
        job: { ...job, settings: { ...job.settings, laneRetries } },
        task: ({ task }) => (task === failing ? new Error('unreachable') : undefined),
      })
      assert.deepEqual(
        failures.map((error) => (error as EuphorionError).code),
        ['KERNEL_TRAPPED'],
      )
    })
  })
}
