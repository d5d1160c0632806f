// Where in memory a lane lies and what lies around it makes no difference: the end of the largest
// memory, and old bytes behind a batch.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMemory } from '../../src/batch/memory.ts'
import { BatchTemplates, Region } from '../../src/batch/region.ts'
import { eachRow } from '../../src/batch/rows.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import { WasmLane } from '../../src/kernel/wasm_lane.ts'
import { settingSpecs } from '../../src/setting_specs.ts'
import { headerAt, writeInt32 } from '../../src/wire/batch_header.ts'
import { batchOf, sealed } from '../support/batches.ts'
import { fixedClock, startPosition } from '../support/lane_job.ts'
import { byKey, keyed } from '../support/plans.ts'

const MIB = 1 << 20

function laneOf(memory: SharedMemory, executor: Executor, table = 1): WasmLane {
  const lane = new WasmLane({
    plan: byKey(),
    table,
    onBadRecord: 'skip',
    collectLate: false,
    clock: fixedClock(1000),
    memory,
    executor,
    checkCrcs: true,
    arenaBytesMax: 6 * MIB,
    inflatedBytesMax: 32 * MIB,
  })
  lane.restore(startPosition)
  return lane
}

/** A lane in the last 8 MiB. */
function laneIn(memory: SharedMemory) {
  const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax: MIB })
  memory.allocate(memory.freeBytes() - 8 * MIB, 'what lies below')
  return { lane: laneOf(memory, executor), executor }
}

/** A region that holds these bytes, and a Batch of the first of them. */
function placed(memory: SharedMemory, bytes: Uint8Array, length = bytes.length) {
  const region = new Region(memory, bytes.length)
  region.target().set(bytes)
  const facts = { firstOffset: 0, nextOffset: 0, recordCount: 0, fetchedAtMs: 0 }
  return region.finish(new BatchTemplates(), { topic: 't', partition: 0, ...facts }, length)
}

test('a lane counts at the end of the largest memory', async () => {
  const memory = new SharedMemory(settingSpecs.memoryMib.max)
  const { lane } = laneIn(memory)
  const records = Array.from({ length: 20_000 }, (_, i) => keyed(i, 1, `key ${i % 10_000}`))
  const batch = placed(memory, batchOf(records))
  assert.ok(batch.address > 2 ** 31 - 8 * MIB)
  let status = await lane.consume(batch)
  while (status === 'full' && (await lane.grow())) status = await lane.consume(batch)
  assert.equal(status, 'done')
  assert.equal(lane.counters().counted, 20_000)
  let cells = 0
  do {
    status = await lane.drain()
    eachRow(lane.rows(), () => {
      cells++
    })
  } while (status === 'full')
  assert.equal(cells, 10_000)
})

test('a record whose length runs over the end of its batch is not read from behind it', async () => {
  const memory = new SharedMemory(32)
  const { lane } = laneIn(memory)
  const whole = batchOf([keyed(0, 1, 'a'), keyed(1, 1, 'b'.repeat(200))])
  const first = batchOf([keyed(0, 1, 'a')])
  // one byte of the two that tell the second record's length
  const torn = Uint8Array.from(whole.subarray(0, first.length + 1))
  writeInt32(torn, headerAt.length, torn.length - 12)
  const bytes = Uint8Array.from(whole)
  bytes.set(sealed(torn))
  const batch = placed(memory, bytes, torn.length)
  assert.equal(await lane.consume(batch), 'corrupt')
  assert.equal(lane.counters().counted, 1)
})

test('a lane that fails while it grows keeps no memory', async () => {
  const memory = new SharedMemory(32)
  const { lane, executor } = laneIn(memory)
  const records = Array.from({ length: 2000 }, (_, i) => keyed(i, 1, `${i} ${'k'.repeat(500)}`))
  const batch = placed(memory, batchOf(records))
  assert.equal(await lane.consume(batch), 'full')
  const free = memory.freeBytes()
  const { run } = executor
  executor.run = () => Promise.reject(new Error('trap'))
  await assert.rejects(lane.grow())
  assert.equal(memory.freeBytes(), free)
  executor.run = run
  lane.restore(startPosition)
  let status = await lane.consume(batch)
  while (status === 'full' && (await lane.grow())) status = await lane.consume(batch)
  assert.equal(lane.counters().counted, 2000)
})

test('lanes wait for each other where memory has no room to decompress all their batches', async () => {
  const memory = new SharedMemory(32)
  const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax: 32 * MIB })
  const lanes = [1, 2, 3].map((table) => laneOf(memory, executor, table))
  const records = Array.from({ length: 50 }, (_, i) => ({
    ...keyed(i, 1, `${i}`),
    value: new Uint8Array(100_000),
  }))
  const compressed = (['lz4', 'gzip', 'snappy'] as const).map((codec) =>
    placed(memory, batchOf(records, codec)),
  )
  memory.allocate(memory.freeBytes() - 9 * MIB, 'what lies below')
  const statuses = await Promise.all(lanes.map((lane, i) => lane.consume(compressed[i])))
  assert.deepEqual(statuses, ['done', 'done', 'done'])
  for (const lane of lanes) assert.equal(lane.counters().counted, 50)
})
