// Keys: their partition, and their cell in the table of a lane. Records have a key and no value, so
// that a lane does little besides.
import assert from 'node:assert/strict'
import { Partitioners } from 'kafkajs'
import { SharedMemory } from '../../src/batch/memory.ts'
import { seededRandom, shuffled } from '../../src/clock.ts'
import { openExecutor } from '../../src/kernel/executor.ts'
import type { BatchRef, LaneKernel } from '../../src/kernel/lane.ts'
import { ReferenceLane } from '../../src/kernel/reference/lane.ts'
import { RecordWalker } from '../../src/kernel/reference/walk.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { BatchCursor, headerAt, writeInt64 } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { startPosition } from '../../test/support/lane_job.ts'
import type { BenchContext } from '../report/bench.ts'
import { addCases, equals, type MicroCase, type MicroPart } from './part.ts'
import { byKey, consumeAll, inflatedBytesMax, laneOptions, placed, wasmLane } from './views.ts'

const MIB = 1 << 20
const MEMORY_MIB = 192
const PARTITIONS = 4
/** As many as the page views of the benches have, and more than the caches hold. */
const FEW = 8057
const MANY = 200_000
const TIME = 1_700_000_000_000

export const hash: MicroPart = {
  name: 'hash',
  async run(context) {
    await addPartitions(context)
    await addCells(context, FEW)
    await addCells(context, context.isSmoke ? 2 * FEW : MANY)
  },
}

function keysOf(count: number): Buffer[] {
  return Array.from({ length: count }, (_, key) => Buffer.from(`/page/${key}`))
}

async function addPartitions(context: BenchContext): Promise<void> {
  const keys = keysOf(FEW)
  const ids = Array.from({ length: PARTITIONS }, (_, partitionId) => partitionId)
  const partitionMetadata = ids.map((partitionId) => {
    return { partitionId, partitionErrorCode: 0, leader: 0, replicas: [0], isr: [0] }
  })
  const partitioner = Partitioners.DefaultPartitioner()
  const counted = (partitionOf: (key: Buffer) => number): number[] => {
    const counts = new Array<number>(PARTITIONS).fill(0)
    for (const key of keys) counts[partitionOf(key)]++
    return counts
  }
  const byKafkajs = (key: Buffer) =>
    partitioner({ topic: 'views', partitionMetadata, message: { key, value: null } })
  const common = { per: FEW, check: equals(counted(byKafkajs)) }
  await addCases(context, {
    group: 'partition of a key, murmur2',
    per: 'key',
    cases: [
      {
        ...common,
        name: 'ours',
        work: () => counted((key) => partitionOfKey(key, PARTITIONS)),
      },
      { ...common, name: 'kafkajs', work: () => counted(byKafkajs) },
    ],
  })
}

/** One batch that has each key once, by chance. */
function batchOfKeys(count: number, seed: number) {
  const writer = new BatchWriter()
  for (const key of shuffled(keysOf(count), seededRandom(seed))) writer.append(key, null, TIME)
  return { partition: 0, bytes: writer.finish(), firstOffset: 0, records: count }
}

async function addCells(context: BenchContext, keys: number): Promise<void> {
  const memory = new SharedMemory(MEMORY_MIB)
  const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax })
  const batch = batchOfKeys(keys, context.seed)
  const shared = placed(memory, batch)
  const lanes = {
    WebAssembly: () => wasmLane(memory, executor, byKey, false),
    'plain JavaScript': () =>
      new ReferenceLane(laneOptions(byKey), { roomBytes: 128 * MIB, budgetBytes: 128 * MIB }),
  }
  const cases = Object.entries(lanes).flatMap(([name, make]): MicroCase[] => {
    const lane = make()
    const known = make()
    return [
      {
        name: `${name}, new keys`,
        per: keys,
        prepare: () => lane.restore(startPosition),
        work: () => counted(lane, shared),
        check: equals(keys),
      },
      {
        // the same records once more: they are behind what was consumed, so they move up
        name: `${name}, keys that are there`,
        per: keys,
        prepare: () => moveBehind(shared.payload, known),
        work: () => counted(known, shared),
        check: (answer) => assert.equal((answer as number) % keys, 0),
      },
    ]
  })
  cases.push(countedInMap(batch.bytes, keys))
  await addCases(context, {
    group: `the cell of a key, ${keys.toLocaleString('en')} keys, walk included`,
    per: 'record',
    cases,
  })
  await executor.close()
}

/** Writes the offset at which the lane goes on. */
function moveBehind(payload: Uint8Array, lane: LaneKernel): void {
  writeInt64(payload, headerAt.baseOffset, lane.counters().nextOffset)
}

async function counted(lane: LaneKernel, batch: BatchRef): Promise<number> {
  await consumeAll(lane, [batch])
  return lane.counters().counted
}

/** What a person writes. */
function countedInMap(bytes: Uint8Array, keys: number): MicroCase {
  const cursor = new BatchCursor(Buffer.from(bytes))
  assert(cursor.next())
  const walker = new RecordWalker()
  const cells = new Map<string, { count: number }>()
  const work = (): number => {
    walker.begin(cursor, inflatedBytesMax)
    while (walker.next()) {
      const key = (walker.key as Buffer).toString('latin1')
      const cell = cells.get(key)
      if (cell === undefined) cells.set(key, { count: 1 })
      else cell.count++
    }
    return cells.size
  }
  return { name: 'a Map of strings, keys that are there', per: keys, work, check: equals(keys) }
}
