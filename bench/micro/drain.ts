// What a cut takes from a lane: changed cells as packed rows, rows as batches of a changelog, and
// those back as rows, as a restore reads them.
import assert from 'node:assert/strict'
import { SharedMemory } from '../../src/batch/memory.ts'
import { eachRow } from '../../src/batch/rows.ts'
import type { ChangelogKernels } from '../../src/kernel/changelog/kernels.ts'
import { openChangelogKernels } from '../../src/kernel/changelog/open.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import type { BatchRef, LaneKernel } from '../../src/kernel/lane.ts'
import { ReferenceLane } from '../../src/kernel/reference/lane.ts'
import { stateLayout } from '../../src/kernel/state.ts'
import { codecOf } from '../../src/record/codec.ts'
import { PageView } from '../../src/tune/page_view.ts'
import { headerAt, readInt32 } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { startPosition } from '../../test/support/lane_job.ts'
import type { BenchContext } from '../report/bench.ts'
import { addCases, equals, type MicroCase, type MicroPart } from './part.ts'
import { consumeAll, inflatedBytesMax, laneOptions, placed, planOf, wasmLane } from './views.ts'

const MEMORY_MIB = 64
const CELLS = 4000
const TIME = 1_700_000_000_000
/** Counting takes ten times as long as draining what was counted. */
const SAMPLE_MS = 15

export const drain: MicroPart = {
  name: 'drain',
  async run(context) {
    const memory = new SharedMemory(MEMORY_MIB)
    const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax })
    const batch = placed(memory, batchOfKeys())
    for (const workload of ['w1', 'w2'] as const)
      await addDrains(context, workload, { memory, executor, batch })
    const lane = wasmLane(memory, executor, planOf('w2'))
    await consumeAll(lane, [batch])
    assert.equal(await lane.drain(), 'done')
    await addChangelogs(context, lane.rows(), { memory, executor })
    await executor.close()
  },
}

/** One page view of each page, in one window. */
function batchOfKeys() {
  const codec = codecOf(PageView)
  const writer = new BatchWriter()
  for (let page = 0; page < CELLS; page++) {
    const value = codec.encode({ user: 'u1', url: `/page/${page}`, ms: page / 100, ts: TIME })
    writer.append(null, value, TIME)
  }
  return { partition: 0, bytes: writer.finish(), firstOffset: 0, records: CELLS }
}

interface Services {
  readonly memory: SharedMemory
  readonly executor: Executor
}

async function addDrains(
  context: BenchContext,
  workload: 'w1' | 'w2',
  { memory, executor, batch }: Services & { readonly batch: BatchRef },
): Promise<void> {
  const plan = planOf(workload)
  const lanes: readonly (readonly [string, LaneKernel])[] = [
    ['WebAssembly', wasmLane(memory, executor, plan)],
    ['plain JavaScript', new ReferenceLane(laneOptions(plan))],
  ]
  const refill = async (lane: LaneKernel) => {
    lane.restore(startPosition)
    await consumeAll(lane, [batch])
  }
  const drained: Buffer[] = []
  for (const [, lane] of lanes) {
    await refill(lane)
    await lane.drain()
    drained.push(Buffer.from(lane.rows()))
  }
  assert.equal(Buffer.compare(drained[0], drained[1]), 0, 'the rows differ')
  assert.equal(countRows(drained[0]), CELLS)
  const cases = lanes.map(([name, lane]): MicroCase => {
    const work = async () => [await lane.drain(), lane.rows().length]
    const check = equals(['done', drained[0].length])
    return { name, per: CELLS, prepare: () => refill(lane), work, check }
  })
  const { bytes } = stateLayout(plan)
  const group = `changed cells to rows, ${workload.toUpperCase()} (${bytes} bytes of state)`
  await addCases(context, { group, per: 'row', cases, sampleMs: SAMPLE_MS })
  for (const [, lane] of lanes) lane.close()
}

function countRows(rows: Uint8Array): number {
  let count = 0
  eachRow(rows, () => count++)
  return count
}

async function addChangelogs(
  context: BenchContext,
  rows: Uint8Array,
  { memory, executor }: Services,
): Promise<void> {
  const common = { memory, inflatedBytesMax, checkCrcs: true }
  const kinds: readonly (readonly [string, ChangelogKernels, Uint8Array])[] = [
    ['WebAssembly', openChangelogKernels({ ...common, executor }), rows],
    ['plain JavaScript', openChangelogKernels({ ...common, executor: undefined }), rows.slice()],
  ]
  const batches: Buffer[] = []
  for (const [, kernels, from] of kinds) batches.push((await sealed(kernels, from)).copy)
  assert.equal(Buffer.compare(batches[0], batches[1]), 0, 'the batches differ')
  const crc = readInt32(batches[0], headerAt.crc)
  await addCases(context, {
    group: 'rows to a batch of a changelog',
    per: 'row',
    cases: kinds.map(([name, kernels, from]) => ({
      name,
      per: CELLS,
      work: async () => (await sealed(kernels, from, false)).crc,
      check: equals(crc),
    })),
  })
  const decoders = kinds.map(([name, kernels]) => [name, kernels.decoder(1)] as const)
  const expected = Buffer.from(rows)
  await addCases(context, {
    group: 'a batch of a changelog to rows',
    per: 'row',
    cases: decoders.map(([name, decoder]) => ({
      name,
      per: CELLS,
      work: () => decoder.decode(batches[0], 0),
      check: (answer) => {
        const found = (answer as Awaited<ReturnType<typeof decoder.decode>>).rows
        assert.equal(Buffer.compare(found, expected), 0)
      },
    })),
  })
  for (const [, decoder] of decoders) decoder.close()
}

/** Rows as a batch, and its checksum. */
async function sealed(kernels: ChangelogKernels, rows: Uint8Array, isKept = true) {
  const span = kernels.span(2 * rows.length)
  try {
    assert.equal(await kernels.encode(span, rows, 0), rows.length)
    await kernels.seal(span, TIME, 'none')
    const copy = isKept ? Buffer.from(span.batch) : Buffer.alloc(0)
    return { copy, crc: readInt32(span.batch, headerAt.crc) }
  } finally {
    span.free()
  }
}
