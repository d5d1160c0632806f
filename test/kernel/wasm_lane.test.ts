// The WebAssembly kernel keeps the kernels' contract, on the calling thread and in the pool.
import { SharedMemory } from '../../src/batch/memory.ts'
import { BatchTemplates, Region } from '../../src/batch/region.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import type { LaneOptions } from '../../src/kernel/lane.ts'
import { WasmLane } from '../../src/kernel/wasm_lane.ts'
import { BatchCursor } from '../../src/wire/batch_header.ts'
import { kernelContract } from '../contract/kernel.ts'
import type { LaneUnderTest } from '../support/lane_job.ts'

const MIB = 1 << 20
const tight = { indexEntries: 64, heapBytes: 1, rowsBytes: 1, rowsBytesMax: 1, rejectsBytes: 1024 }

const memory = new SharedMemory(192)
const inline = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax: 32 * MIB })

/** Each batch gets a region of its own, freed when the next one comes. */
function underTest(executor: Executor, options: LaneOptions, room: string): LaneUnderTest {
  const templates = new BatchTemplates()
  const lane = new WasmLane({
    ...options,
    memory,
    executor,
    checkCrcs: true,
    arenaBytesMax: room === 'tight' ? 0 : 32 * MIB,
    inflatedBytesMax: 32 * MIB,
    ...(room === 'tight' ? { sizes: tight } : {}),
  })
  let region: Region | undefined
  return {
    lane,
    batch(payload) {
      region?.free()
      region = new Region(memory, payload.length)
      region.target().set(payload)
      const cursor = new BatchCursor(payload)
      const facts = { firstOffset: 0, nextOffset: 0, recordCount: 0 }
      while (cursor.next()) facts.nextOffset = cursor.lastOffset + 1
      const at = { topic: 'test', partition: 0, fetchedAtMs: 0 }
      return region.finish(templates, { ...facts, ...at }, payload.length)
    },
    async close() {
      region?.free()
      lane.close()
    },
  }
}

kernelContract('wasm', async (options, room) => underTest(inline, options, room))
