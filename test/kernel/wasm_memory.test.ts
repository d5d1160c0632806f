// The largest memory that can be asked for, with a lane at its very end: addresses just below 2 GiB.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMemory } from '../../src/batch/memory.ts'
import { BatchTemplates, Region } from '../../src/batch/region.ts'
import { eachRow } from '../../src/batch/rows.ts'
import { openExecutor } from '../../src/kernel/executor.ts'
import { WasmLane } from '../../src/kernel/wasm_lane.ts'
import { settingSpecs } from '../../src/settings.ts'
import { batchOf } from '../support/batches.ts'
import { fixedClock, startPosition } from '../support/lane_job.ts'
import { byKey, keyed } from '../support/plans.ts'

const MIB = 1 << 20

test('a lane counts at the end of the largest memory', async () => {
  const memory = new SharedMemory(settingSpecs.memoryMib.max)
  const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax: MIB })
  memory.allocate(memory.freeBytes() - 8 * MIB, 'what lies below')
  const lane = new WasmLane({
    plan: byKey(),
    table: 1,
    onBadRecord: 'skip',
    collectLate: false,
    clock: fixedClock(1000),
    memory,
    executor,
    checkCrcs: true,
    arenaBytesMax: 6 * MIB,
    inflatedBytesMax: MIB,
  })
  lane.restore(startPosition)
  const records = Array.from({ length: 20_000 }, (_, i) => keyed(i, 1, `key ${i % 10_000}`))
  const payload = batchOf(records)
  const region = new Region(memory, payload.length)
  region.target().set(payload)
  const facts = { firstOffset: 0, nextOffset: records.length, recordCount: records.length }
  const place = { topic: 't', partition: 0, fetchedAtMs: 0 }
  const batch = region.finish(new BatchTemplates(), { ...facts, ...place }, payload.length)
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
  await executor.close()
})
