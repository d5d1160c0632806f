// One partition's lanes over a store that the test can make wait or fail: what a cut writes, and
// where lanes go back to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LaneOutputs } from '../../src/app/lane_outputs.ts'
import { PartitionTask } from '../../src/app/partition_task.ts'
import { readTable } from '../../src/app/read_table.ts'
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
import { emptyState, stateLayout } from '../../src/kernel/state.ts'
import { resolveSettings, type SettingsSource } from '../../src/settings.ts'
import { cellKey } from '../../src/table/cell.ts'
import { readPosition } from '../../src/table/meta.ts'
import { openStore } from '../../src/table/open.ts'
import type { Store } from '../../src/table/store.ts'
import { MemoryProducer } from '../support/agents.ts'
import { batchOf } from '../support/batches.ts'
import { inDirectory } from '../support/embedded.ts'
import { fixedClock } from '../support/lane_job.ts'
import { byKey, keyed, tumbling } from '../support/plans.ts'

const nothing = async () => undefined

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
    executor: undefined,
    laneBytesMax: 1 << 20,
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
  await task.open(definitions, 0)
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
  await task.cut(nothing, false)
  await feed(task, 3, 'ab')
  let write = (): void => undefined
  const cut = task.cut(
    () => new Promise<undefined>((resolve) => (write = () => resolve(undefined))),
    false,
  )
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
  await task.cut(nothing, false)
  assert.deepEqual(await stored(), { a: 4, b: 2 })
  await task.close()
})

test('after a cut that could not be written, none passes the records that were in it', async () => {
  const { task, store, stored, failures } = await openTask(definition('a'))
  await feed(task, 0, 'aab')
  const full = new EuphorionError('DISK_FULL', 'for a moment')
  await assert.rejects(
    task.cut(() => Promise.reject(full), false),
    full,
  )
  const [failure] = failures as EuphorionError[]
  assert.equal(failures.length, 1)
  assert.deepEqual(
    [failure.code, failure.place],
    ['DISK_FULL', { topic: 't', partition: 0, offset: 3 }],
  )
  await feed(task, 3, 'b')
  await task.cut(nothing, false)
  assert.deepEqual(await stored(), {})
  assert.equal(await readPosition(store as Store, task.lanes[0].table), undefined)
  await task.close()
})

test('changes that could not be sent are still due after later cuts', async () => {
  const sent: unknown[] = []
  let broken = true
  const send = async ({ key, views }: ResultRow) => {
    if (broken) throw new EuphorionError('LOG_FAILED', 'no')
    sent.push([key, views])
  }
  const changing = definition('a', [{ mode: 'changes', send }])
  const { task } = await openTask(changing)
  await feed(task, 0, 'aab')
  await assert.rejects(task.cut(nothing, false), { code: 'LOG_FAILED' })
  await feed(task, 3, 'c')
  await assert.rejects(task.cut(nothing, false), { code: 'LOG_FAILED' })
  broken = false
  await feed(task, 4, 'c')
  await task.cut(nothing, false)
  assert.deepEqual(sent, [
    ['a', 2],
    ['b', 1],
    ['c', 2],
  ])
  await task.close()
})

test('windows whose end was cut but not sent are sent when the partition is opened again', async () => {
  const window = tumbling(10)
  const plan = byKey({ name: 'a', window })
  const store = await openStore('memory', '')
  const layout = stateLayout(plan)
  const batch = store.batch()
  batch.put(cellKey(1, 0, 0, Buffer.from('k')), emptyState(layout))
  await batch.commit()
  const sent: unknown[] = []
  const outputs = new LaneOutputs(
    store,
    1,
    { layout, window, decodeKey: (bytes) => Buffer.from(bytes).toString() },
    definition(
      'a',
      [{ mode: 'final', send: async ({ key, start }) => sent.push([key, start]) }],
      plan,
    ),
  )
  await outputs.open(10)
  assert.deepEqual(sent, [['k', 0]])
  await outputs.written(10)
  assert.equal(sent.length, 1)
  await store.close()
})

test('a partition that cannot be opened leaves its store free', async () => {
  await inDirectory(async (dataDir) => {
    const code = { dataDir }
    const before = makeTask(code)
    await before.task.open([definition('a')], 0)
    await before.task.close()
    const changed = definition('a', [], byKey({ name: 'a', window: tumbling(10) }))
    await assert.rejects(makeTask(code).task.open([definition('b'), changed], 0), {
      code: 'TABLE_CHANGED',
    })
    const again = makeTask(code)
    await again.task.open([definition('a')], 0)
    await again.task.close()
  })
})
