// Events a second of the kernels alone: four lanes count page views from batches that lie in memory
// already, on one thread and on more, and one lane in plain TypeScript.
import assert from 'node:assert/strict'
import { SharedMemory } from '../../src/batch/memory.ts'
import type { SharedBatch } from '../../src/batch/region.ts'
import { systemClock } from '../../src/clock.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import type { BatchRef, LaneKernel } from '../../src/kernel/lane.ts'
import { ReferenceLane } from '../../src/kernel/reference/lane.ts'
import { startPosition } from '../../test/support/lane_job.ts'
import { numberOption } from '../report/bench.ts'
import { addRuns, type MicroPart, type MicroRuns } from './part.ts'
import {
  consumeAll,
  inflatedBytesMax,
  laneOptions,
  placed,
  planOf,
  viewBatches,
  wasmLane,
} from './views.ts'

const EVENTS = 1_500_000
const EVENTS_SMOKE = 20_000
/** Plain TypeScript has a part of them. */
const REFERENCE = 1 / 5
const LANES = 4
const MEMORY_MIB = 640
const QUEUE_MAX = 64
const workloads = ['w1', 'w2', 'w3'] as const

export const lanes: MicroPart = {
  name: 'lanes',
  async run(context) {
    const { isSmoke, seed } = context
    const threadsMax = numberOption(context, 'threads', 2)
    const events = isSmoke ? EVENTS_SMOKE : EVENTS
    const memory = new SharedMemory(MEMORY_MIB)
    const executors: Executor[] = []
    for (let threads = 1; threads <= threadsMax; threads++) {
      const executor = openExecutor({ memory, threads, queueMax: QUEUE_MAX, inflatedBytesMax })
      await executor.ready()
      executors.push(executor)
    }
    const parts: SharedBatch[][] = Array.from({ length: LANES }, () => [])
    for (const batch of viewBatches({ events, partitions: LANES, seed }))
      parts[batch.partition].push(placed(memory, batch))
    for (const workload of workloads) {
      const plan = planOf(workload)
      const cases = executors.map((executor): MicroRuns['cases'][number] => {
        const four = parts.map(() => wasmLane(memory, executor, plan))
        const { threads } = executor
        const name = `WebAssembly, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
        return { name, run: () => rateOf(four, parts), facts: { events } }
      })
      const options = { events: events * REFERENCE, partitions: 1, seed }
      const few = viewBatches(options).map(({ bytes }) => ({ payload: bytes, address: 0 }))
      const reference = new ReferenceLane(laneOptions(plan))
      const facts = { events: options.events }
      cases.push({ name: 'plain JavaScript', run: () => rateOf([reference], [few]), facts })
      const group = `${workload.toUpperCase()} from batches in memory`
      await addRuns(context, { group, unit: 'events/s', better: 'more', cases })
    }
    for (const executor of executors) await executor.close()
  },
}

/** Events a second; their total is checked. */
async function rateOf(
  lanes: readonly LaneKernel[],
  parts: readonly (readonly BatchRef[])[],
): Promise<number> {
  for (const lane of lanes) lane.restore(startPosition)
  const started = systemClock.monotonic()
  await Promise.all(lanes.map((lane, index) => consumeAll(lane, parts[index])))
  const seconds = (systemClock.monotonic() - started) / 1000
  let [counted, events] = [0, 0]
  for (const lane of lanes) {
    const { nextOffset, ...counters } = lane.counters()
    counted += counters.counted + counters.late
    events += nextOffset
  }
  assert.equal(counted, events)
  return events / seconds
}
