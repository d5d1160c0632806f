// Which partitions the cuts of a worker have in them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cuts } from '../../src/app/cuts.ts'
import { plainWays } from '../../src/app/log_ways.ts'
import type { PartitionTask } from '../../src/app/partition_task.ts'
import type { DeadLetters } from '../../src/ingest/dead_letter.ts'
import type { LogConsumer, StartPosition } from '../../src/log/log.ts'
import { resolveSettings } from '../../src/settings.ts'
import { ManualClock } from '../support/manual_clock.ts'

/** A partition of agents, which have acknowledged one event more each time that they are asked. */
function taskOf(partition: number): PartitionTask {
  let acknowledged = 0
  const intake = { topic: 't', partition, sinks: [], acknowledged: () => ++acknowledged }
  const task = {
    intake,
    place: { topic: 't', partition },
    lanes: [],
    tables: [],
    halts: new Map(),
    isGivenUp: false,
    committed: 0,
    sources: () => ({}),
  }
  return task as unknown as PartitionTask
}

test('a cut that was asked for before partitions left leaves them out', async () => {
  const [staying, leaving] = [taskOf(0), taskOf(1)]
  const tasks = new Set([staying, leaving])
  const commits: number[][] = []
  const consumer = {
    commit: async (offsets: readonly StartPosition[]) =>
      void commits.push(offsets.map(({ partition }) => partition)),
  }
  const cuts = new Cuts({
    settings: resolveSettings({}),
    clock: new ManualClock(),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    deadLetters: { forget() {} } as unknown as DeadLetters,
    flush: async () => undefined,
    consumer: () => consumer as unknown as LogConsumer,
    ways: () => plainWays,
    tasks: () => [...tasks],
    reopen: () => undefined,
    made: () => undefined,
    wake: () => undefined,
    onError: (error) => assert.fail(String(error)),
  })
  const left = cuts.leave([leaving], false)
  const asked = cuts.cut([...tasks])
  await left
  tasks.delete(leaving)
  await asked
  await cuts.cut([...tasks])
  assert.deepEqual(commits, [[1], [0], [0]])
})
