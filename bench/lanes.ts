// Events a second of the kernels alone: four lanes count page views by url in tumbling windows from
// batches that lie in memory already, with one thread and with more. Run by hand:
// `npm run compile && node dist/bench/lanes.js [threads]`; with --smoke, once and short. Every
// round checks its total.
import assert from 'node:assert/strict'
import { SharedMemory } from '../src/batch/memory.ts'
import { BatchTemplates, Region, type SharedBatch } from '../src/batch/region.ts'
import { systemClock } from '../src/clock.ts'
import { openExecutor } from '../src/kernel/executor.ts'
import type { LanePosition } from '../src/kernel/lane.ts'
import type { AggregationPlan } from '../src/kernel/plan.ts'
import { WasmLane } from '../src/kernel/wasm_lane.ts'
import { PageViews } from '../src/tune/workload.ts'

const smoke = process.argv.includes('--smoke')
const threadsMax = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 2)
const EVENTS = smoke ? 20_000 : 1_500_000
const ROUNDS = smoke ? 1 : 9
const LANES = 4
const MIB = 1 << 20

const plan: AggregationPlan = {
  name: 'views',
  value: {
    type: 'record',
    name: 'PageView',
    fields: [
      ['user', { type: 'string' }],
      ['url', { type: 'string' }],
      ['ms', { type: 'float64' }],
      ['ts', { type: 'timestamp' }],
    ],
  },
  columns: [
    { path: ['url'], type: 'string' },
    { path: ['ts'], type: 'timestamp' },
  ],
  where: undefined,
  key: { from: 'columns', columns: [0] },
  time: { from: 'column', column: 1 },
  window: { sizeMs: 10_000, stepMs: 10_000, graceMs: 5000, retentionMs: 86_400_000 },
  aggregates: [{ name: 'views', fn: 'count', column: -1 }],
  maxFutureMs: 3_600_000,
}

const begin: LanePosition = {
  nextOffset: 0,
  streamTimeMs: -1,
  storedThroughMs: Number.NEGATIVE_INFINITY,
  counted: 0,
  late: 0,
  bad: 0,
  filtered: 0,
}

/** The page views of each partition as batches in memory. */
function placeAll(memory: SharedMemory): SharedBatch[][] {
  const views = new PageViews({ events: EVENTS, partitions: LANES })
  const templates = new BatchTemplates()
  const placed: SharedBatch[][] = Array.from({ length: LANES }, () => [])
  const offsets = new Array<number>(LANES).fill(0)
  for (let batch = views.nextBatch(); batch !== undefined; batch = views.nextBatch()) {
    const { partition, bytes, records } = batch
    const region = new Region(memory, bytes.length)
    const target = region.target()
    target.set(bytes)
    const firstOffset = offsets[partition]
    target.writeBigInt64BE(BigInt(firstOffset), 0)
    offsets[partition] += records
    const nextOffset = offsets[partition]
    const facts = { topic: 'views', partition, firstOffset, nextOffset }
    const counts = { recordCount: records, fetchedAtMs: 0 }
    placed[partition].push(region.finish(templates, { ...facts, ...counts }, bytes.length))
  }
  return placed
}

async function consumeAll(lane: WasmLane, batches: readonly SharedBatch[]): Promise<void> {
  for (const batch of batches) {
    for (let status = await lane.consume(batch); status !== 'done'; ) {
      assert.equal(status, 'full')
      assert(await lane.grow(), 'no memory left')
      status = await lane.consume(batch)
    }
  }
}

/** Seconds of each round. */
async function measure(threads: number): Promise<number[]> {
  const memory = new SharedMemory(512)
  const executor = openExecutor({ memory, threads, queueMax: 64, inflatedBytesMax: 64 * MIB })
  await executor.ready()
  const options = { plan, table: 1, onBadRecord: 'skip', collectLate: false } as const
  const bounds = { checkCrcs: true, arenaBytesMax: 32 * MIB, inflatedBytesMax: 64 * MIB }
  const lanes = Array.from({ length: LANES }, () => {
    return new WasmLane({ ...options, ...bounds, memory, executor, clock: systemClock })
  })
  const batches = placeAll(memory)
  const seconds: number[] = []
  // one more than counts: code is compiled, tables grow
  for (let round = 0; round <= ROUNDS; round++) {
    for (const lane of lanes) lane.restore(begin)
    const started = systemClock.monotonic()
    await Promise.all(lanes.map((lane, index) => consumeAll(lane, batches[index])))
    seconds.push((systemClock.monotonic() - started) / 1000)
    const counters = lanes.map((lane) => lane.counters())
    assert.equal(
      counters.reduce((total, { counted, late }) => total + counted + late, 0),
      EVENTS,
    )
  }
  await executor.close()
  return seconds.slice(1)
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]

let one = 0
for (let threads = 1; threads <= threadsMax; threads++) {
  const seconds = median(await measure(threads))
  if (threads === 1) one = seconds
  const rate = (EVENTS / seconds / 1e6).toFixed(2)
  const ratio = (one / seconds).toFixed(2)
  console.log(`${threads} threads  ${rate} M events/s  ${ratio} × one thread`)
}
