// One partition's lanes over a store that the test can make wait or fail: what a cut writes, and
// where lanes go back to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentTables } from '../../src/app/agent_tables.ts'
import { PartitionTask } from '../../src/app/partition_task.ts'
import { readTable } from '../../src/app/read_table.ts'
import { TaskCut } from '../../src/app/task_cut.ts'
import type { TaskLane } from '../../src/app/task_lane.ts'
import { SharedMemory } from '../../src/batch/memory.ts'
import type { SharedBatch } from '../../src/batch/region.ts'
import { EuphorionError } from '../../src/errors.ts'
import type {
  AggregationDefinition,
  ResultOutput,
  ResultRow,
} from '../../src/ingest/aggregation.ts'
import { DeadLetters } from '../../src/ingest/dead_letter.ts'
import { Sender } from '../../src/ingest/sender.ts'
import { createLogger } from '../../src/logger.ts'
import { resolveSettings, type SettingsSource } from '../../src/settings.ts'
import { readPosition } from '../../src/table/meta.ts'
import { openStore } from '../../src/table/open.ts'
import { MemoryProducer } from '../support/agents.ts'
import { batchOf } from '../support/batches.ts'
import { inDirectory } from '../support/embedded.ts'
import { fixedClock } from '../support/lane_job.ts'
import { byKey, keyed, tumbling } from '../support/plans.ts'

function definition(
  name: string,
  outputs: readonly ResultOutput[] = [],
  plan = byKey({ name }),
): AggregationDefinition {
  const keys = {
    encode: (key: unknown) => Buffer.from(String(key)),
    decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  }
  return { topic: 't', plan, keys, onBadRecord: 'skip', outputs, late: [] }
}

const noTables = () =>
  new AgentTables(
    {
      subscribers: [],
      settings: resolveSettings({}),
      clock: fixedClock(0),
      logger: createLogger('test', 'silent'),
    },
    { partitionsOf: new Map(), wantsCut: () => undefined, elsewhere: () => assert.fail() },
  )

/** A task of the reference kernel, and the failures of its lanes. */
function makeTask(code: SettingsSource) {
  const settings = resolveSettings({ code })
  const sender = new Sender(new MemoryProducer(), { recordsMax: 100 })
  const failures: unknown[] = []
  const task = new PartitionTask('t', 0, {
    appId: 'app',
    settings,
    clock: fixedClock(1000),
    memory: new SharedMemory(1),
    openStore,
    recovery: undefined,
    agentTables: noTables(),
    executor: undefined,
    laneBytesMax: 1 << 20,
    dirtyBytesMax: 1 << 20,
    isExactlyOnce: false,
    changelogs: undefined,
    hasAgents: () => false,
    deadLetters: new DeadLetters({ topic: 'dead', partitions: 1, sender }),
    askForCut: () => undefined,
    rewound: () => undefined,
    progressed: () => undefined,
    laneFailed: (_task, _table, error) => failures.push(error),
  })
  return { task, failures }
}

/** A task with these lanes over a store in memory. */
async function openTask(...definitions: readonly AggregationDefinition[]) {
  const { task, failures } = makeTask({ store: 'memory' })
  await task.open(definitions, { earliest: 0 })
  const store = task.store!
  /** Counts of a table by key, as stored. */
  const stored = async (index = 0) => {
    const { layout, table } = task.lanes[index]
    const { plan, keys } = definitions[index]
    const parts = new Map([[0, { store, number: table }]])
    const readable = { name: plan.name, layout, window: plan.window, keys }
    const rows: Record<string, unknown> = {}
    for await (const row of readTable(readable, parts).range({})) rows[String(row.key)] = row.views
    return rows
  }
  return { task, store, stored, failures }
}

/** A cut of the task alone; `before` is awaited between what is drained and the write of it. */
async function cutTask(
  task: PartitionTask,
  before: () => Promise<unknown> = async () => undefined,
) {
  const cut = new TaskCut(task, {})
  try {
    await cut.drain()
    await cut.sendDue(undefined)
    await before()
    await cut.write({ sync: false })
  } catch (error) {
    cut.drop()
    throw error
  }
}

/** Records of these keys from the offset on, offered as one batch. */
async function feed(task: PartitionTask, offset: number, keys: string): Promise<void> {
  const payload = Buffer.from(batchOf([...keys].map((key, i) => keyed(offset + i, 1, key))))
  const nextOffset = offset + keys.length
  task.intake.offer({ payload, nextOffset } as SharedBatch, () => undefined)
  for (const lane of task.intake.lanes) await lane.finish()
}

/** The next task of the lane traps. */
function trap({ feed: { lane } }: TaskLane): void {
  const { consume } = lane
  lane.consume = async () => {
    lane.consume = consume
    throw new Error('trap')
  }
}

test('a lane that fails while its cut is being written goes back to that cut', async () => {
  const { task, stored } = await openTask(definition('a'))
  await feed(task, 0, 'aab')
  await cutTask(task)
  await feed(task, 3, 'ab')
  let write = (): void => undefined
  const cut = cutTask(task, () => new Promise<void>((resolve) => (write = resolve)))
  while (task.lanes[0].cutting === undefined) await new Promise(setImmediate)
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
  trap(task.lanes[0])
  const failing = feed(task, 5, 'a')
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
  write()
  await Promise.all([cut, failing])
  assert.equal(task.intake.rewoundTo, 5)
  task.intake.rewoundTo = undefined
  await feed(task, 3, 'ab')
  await feed(task, 5, 'a')
  await cutTask(task)
  assert.deepEqual(await stored(), { a: 4, b: 2 })
  await task.close()
})

test('a cut whose results cannot be sent is not written', async () => {
  const sent: unknown[] = []
  let broken = true
  const send = async ({ key, views }: ResultRow) => {
    if (broken) throw new EuphorionError('LOG_FAILED', 'no')
    sent.push([key, views])
  }
  const changing = definition('a', [{ mode: 'changes', topic: 'out', send }])
  const { task, stored } = await openTask(changing)
  await feed(task, 0, 'aab')
  await assert.rejects(cutTask(task), { code: 'LOG_FAILED' })
  assert.deepEqual(await stored(), {})
  assert.equal(await readPosition(task.store!, task.lanes[0].table), undefined)
  assert.deepEqual(sent, [])
  broken = false
  await feed(task, 3, 'c')
  await cutTask(task)
  assert.deepEqual(sent, [['c', 1]])
  await task.close()
})

test('results are those of the cut before it is written, and each closed window comes once', async () => {
  const plan = byKey({ name: 'a', window: tumbling(10) })
  const sent: unknown[] = []
  let isStored = false
  const output = (mode: 'changes' | 'final'): ResultOutput => ({
    mode,
    topic: 'out',
    send: async ({ key, start, views }) => {
      const position = await readPosition(task.store!, task.lanes[0].table)
      isStored ||= position?.nextOffset === end
      sent.push([mode, key, start, views])
    },
  })
  const { task } = await openTask(definition('a', [output('changes'), output('final')], plan))
  let end = 0
  const cut = async (records: readonly (readonly [time: number, key: string])[]) => {
    const payload = Buffer.from(batchOf(records.map(([time, key], i) => keyed(end + i, time, key))))
    end += records.length
    task.intake.offer({ payload, nextOffset: end } as SharedBatch, () => undefined)
    for (const lane of task.intake.lanes) await lane.finish()
    await cutTask(task)
    return sent.splice(0)
  }
  assert.deepEqual(
    await cut([
      [1, 'k'],
      [2, 'k'],
    ]),
    [['changes', 'k', 0, 2]],
  )
  assert.deepEqual(
    await cut([
      [3, 'k'],
      [11, 'l'],
    ]),
    [
      ['changes', 'k', 0, 3],
      ['changes', 'l', 10, 1],
      ['final', 'k', 0, 3],
    ],
  )
  assert.deepEqual(
    await cut([
      [12, 'l'],
      [25, 'k'],
    ]),
    [
      ['changes', 'l', 10, 2],
      ['changes', 'k', 20, 1],
      ['final', 'l', 10, 2],
    ],
  )
  assert.equal(isStored, false)
  await task.close()
})

test('a partition that cannot be opened leaves its store free', async () => {
  await inDirectory(async (dataDir) => {
    const code = { dataDir }
    const before = makeTask(code)
    await before.task.open([definition('a')], { earliest: 0 })
    await before.task.close()
    const changed = definition('a', [], byKey({ name: 'a', window: tumbling(10) }))
    await assert.rejects(makeTask(code).task.open([definition('b'), changed], { earliest: 0 }), {
      code: 'TABLE_CHANGED',
    })
    const again = makeTask(code)
    await again.task.open([definition('a')], { earliest: 0 })
    await again.task.close()
  })
})
