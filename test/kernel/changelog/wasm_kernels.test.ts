// The WebAssembly kernels of changelogs keep the contract, on the calling thread, in the pool and
// where the memory has no room; and their batches are those of the reference, byte for byte.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SharedMemory } from '../../../src/batch/memory.ts'
import { seededRandom } from '../../../src/clock.ts'
import type { ChangelogKernels } from '../../../src/kernel/changelog/kernels.ts'
import { openChangelogKernels } from '../../../src/kernel/changelog/open.ts'
import { type Executor, openExecutor } from '../../../src/kernel/executor.ts'
import {
  type ChangelogMeta,
  changelogReader,
  changelogWriter,
} from '../../../src/table/changelog.ts'
import { changelogContract } from '../../contract/changelog.ts'
import { appended, packedRows, randomChanges } from '../../support/changelogs.ts'

const MIB = 1 << 20
const inflatedBytesMax = 4 * MIB
const memory = new SharedMemory(96)
const inline = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax })
const pool = openExecutor({ memory, threads: 2, queueMax: 100, inflatedBytesMax })
after(() => pool.close())

const kernelsOn = (executor: Executor | undefined, at: SharedMemory) =>
  openChangelogKernels({ memory: at, executor, inflatedBytesMax, checkCrcs: true })

changelogContract('wasm', () => kernelsOn(inline, memory))
changelogContract('wasm in the pool', () => kernelsOn(pool, memory))

const full = new SharedMemory(8)
const inFull = openExecutor({ memory: full, threads: 0, queueMax: 1, inflatedBytesMax })
full.allocate(full.freeBytes() - 100_000, 'everything')
changelogContract('wasm without memory', () => kernelsOn(inFull, full))

const meta: ChangelogMeta = { shape: 'x'.repeat(100) }

async function batchesOf(kernels: ChangelogKernels, rows: Uint8Array, batchBytesMax: number) {
  const writer = changelogWriter({ table: 3, compression: 'none', batchBytesMax, kernels })
  await writer.add(rows)
  const batches = (await writer.finish(meta, 1_700_000_000_000)).map((each) => Buffer.from(each))
  writer.close()
  return batches
}

/** The rows where lanes have theirs. */
function placed(rows: Uint8Array): { rows: Uint8Array; free: () => void } {
  const address = memory.allocate(rows.length + 64, 'rows')
  const span = memory.span(address, rows.length)
  span.set(rows)
  return { rows: span, free: () => memory.free(address) }
}

test('batches and rows are those of the reference, byte for byte', async () => {
  const reference = kernelsOn(undefined, memory)
  const wasm = kernelsOn(inline, memory)
  for (let seed = 1; seed <= 25; seed++) {
    const random = seededRandom(seed)
    const changes = randomChanges(random, 3, Math.floor(random() * 5000))
    const rows = packedRows(changes)
    const shared = placed(rows)
    const batchBytesMax = 2000 + Math.floor(random() * 300_000)
    const wanted = await batchesOf(reference, rows, batchBytesMax)
    for (const given of [rows, shared.rows])
      assert.deepEqual(await batchesOf(wasm, given, batchBytesMax), wanted, `seed ${seed}`)
    const from = Math.floor(random() * 5000)
    const bytes = appended(wanted)
    const read = []
    for (const kernels of [reference, wasm]) {
      const reader = changelogReader({ table: 9, kernels })
      const { rows: found, ...facts } = await reader.read(bytes, from)
      read.push({ ...facts, rows: Buffer.from(found) })
      reader.close()
    }
    assert.deepEqual(read[1], read[0], `seed ${seed}`)
    shared.free()
  }
})

test('all memory is given back', async () => {
  const kernels = kernelsOn(inline, memory)
  const free = memory.freeBytes()
  const rows = packedRows(randomChanges(seededRandom(1), 3, 20_000))
  const writer = changelogWriter({
    table: 3,
    compression: 'lz4',
    batchBytesMax: 100_000,
    kernels,
  })
  const reader = changelogReader({ table: 3, kernels })
  for (let i = 0; i < 3; i++) {
    await writer.add(rows)
    const batches = appended(await writer.finish(meta, 1))
    const read = await reader.read(batches)
    assert.equal(read.records, 20_000)
    assert.deepEqual(Buffer.from(read.rows), Buffer.from(rows))
  }
  await writer.add(rows)
  assert.ok(memory.freeBytes() < free)
  writer.close()
  reader.close()
  assert.equal(memory.freeBytes(), free)
})

test('what is dropped while threads write is given back afterwards', async () => {
  const kernels = kernelsOn(pool, memory)
  const free = memory.freeBytes()
  const rows = packedRows(randomChanges(seededRandom(1), 3, 5000))
  const writer = changelogWriter({ table: 3, compression: 'gzip', batchBytesMax: 100_000, kernels })
  const adding = writer.add(rows)
  writer.drop()
  const taken = free - memory.freeBytes()
  assert.ok(taken > 0, 'its memory is not given to others yet')
  await writer.add(rows)
  await adding
  const finishing = writer.finish(meta, 1)
  writer.close()
  const bytes = appended(await finishing)
  const reader = changelogReader({ table: 3, kernels })
  const reading = reader.read(Buffer.from(bytes))
  reader.close()
  assert.equal((await reading).records, 5000)
  assert.equal(memory.freeBytes(), free)
})
