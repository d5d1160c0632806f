// A task to another thread and back. The executor of the lanes hands over a number, and the batch
// stays where it is; beside it, piscina with the bytes of the batch in the message.
import assert from 'node:assert/strict'
import { Piscina } from 'piscina'
import { SharedMemory } from '../../src/batch/memory.ts'
import { allocateColumn, releaseColumn } from '../../src/kernel/column/memory.ts'
import { sum } from '../../src/kernel/column/summaries.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import { kernelPool } from '../../src/kernel/offload/pool.ts'
import type { WasmLane } from '../../src/kernel/wasm_lane.ts'
import { recordCountOf } from '../../src/wire/batch_header.ts'
import type { BenchContext } from '../report/bench.ts'
import type { HandedOver } from './handover_thread.ts'
import { addCases, equals, type MicroPart } from './part.ts'
import { byKey, consumeAll, inflatedBytesMax, placed, viewBatches, wasmLane } from './views.ts'

const MEMORY_MIB = 32
const QUEUE_MAX = 64
/** A lane each. */
const AT_ONCE = 4
const RECORDS = 4000
const VALUES = 1000

export const handover: MicroPart = {
  name: 'handover',
  async run(context) {
    const memory = new SharedMemory(MEMORY_MIB)
    const open = (threads: number) =>
      openExecutor({ memory, threads, queueMax: QUEUE_MAX, inflatedBytesMax })
    const executors = { here: open(0), one: open(1), two: open(2) }
    await Promise.all([executors.one.ready(), executors.two.ready()])
    await addTasks(context, memory, executors)
    await addBatches(context, memory, executors.one)
    await addNumbers(context)
    for (const executor of Object.values(executors)) await executor.close()
  },
}

/** A drain of a lane that has nothing: as good as no work. */
async function addTasks(
  context: BenchContext,
  memory: SharedMemory,
  { here, one, two }: Readonly<Record<'here' | 'one' | 'two', Executor>>,
): Promise<void> {
  const lanesOf = (executor: Executor, count: number): WasmLane[] =>
    Array.from({ length: count }, () => wasmLane(memory, executor, byKey))
  const kinds = [
    ['on the calling thread', lanesOf(here, 1)],
    ['to a thread, one at a time', lanesOf(one, 1)],
    [`to a thread, ${AT_ONCE} at once`, lanesOf(one, AT_ONCE)],
    [`to two threads, ${AT_ONCE} at once`, lanesOf(two, AT_ONCE)],
  ] as const
  await addCases(context, {
    group: "a task of a lane, which is a number, by the lanes' executor",
    per: 'task',
    cases: kinds.map(([name, lanes]) => ({
      name,
      per: lanes.length,
      work: () => Promise.all(lanes.map((lane) => lane.drain())),
      check: equals(lanes.map(() => 'done')),
    })),
  })
  for (const [, lanes] of kinds) for (const lane of lanes) lane.close()
}

async function addBatches(
  context: BenchContext,
  memory: SharedMemory,
  executor: Executor,
): Promise<void> {
  const [batch] = viewBatches({ events: RECORDS, partitions: 1, seed: context.seed })
  const lane = wasmLane(memory, executor, byKey)
  const shared = placed(memory, batch)
  await consumeAll(lane, [shared])
  const pool = new Piscina<HandedOver, Uint8Array | number>({
    filename: new URL('./handover_thread.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    recordTiming: false,
  })
  let moving: Uint8Array = batch.bytes.slice()
  const check = equals(RECORDS)
  await addCases(context, {
    group: `a batch of ${Math.round(batch.bytes.length / 1024)} KiB to a thread`,
    per: 'batch',
    cases: [
      {
        // all of its records were counted before: the kernel looks at its header
        name: 'in shared memory, by its address',
        work: async () => {
          assert.equal(await lane.consume(shared), 'done')
          return lane.counters().counted
        },
        check,
      },
      {
        name: 'transferred, and back',
        work: async () => {
          const given = moving.buffer as ArrayBuffer
          moving = await bytesOf(
            pool.run({ bytes: moving, back: 'moved' }, { transferList: [given] }),
          )
          return recordCountOf(moving)
        },
        check,
      },
      {
        name: 'copied, a count back',
        work: () => pool.run({ bytes: batch.bytes, back: 'count' }),
        check,
      },
      {
        name: 'copied, and back',
        work: async () =>
          recordCountOf(await bytesOf(pool.run({ bytes: batch.bytes, back: 'copied' }))),
        check,
      },
    ],
  })
  await pool.destroy()
}

async function bytesOf(answer: Promise<Uint8Array | number>): Promise<Uint8Array> {
  const bytes = await answer
  assert(typeof bytes !== 'number')
  return bytes
}

/** The other pool: that of numeric kernels. */
async function addNumbers(context: BenchContext): Promise<void> {
  const column = allocateColumn('f64', VALUES).fill(1)
  const check = equals(VALUES)
  await addCases(context, {
    group: `a sum of ${VALUES} values in shared memory`,
    per: 'call',
    cases: [
      { name: 'on the calling thread', work: () => sum.sync(column, { backend: 'wasm' }), check },
      {
        name: 'in the pool of numeric kernels',
        work: () => sum(column, { backend: 'wasm', offload: true }),
        check,
      },
    ],
  })
  releaseColumn(column)
  await kernelPool().close()
}
