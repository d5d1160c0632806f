// RecordBatches: their records walked, their headers, their checksums, and their making.
import assert from 'node:assert/strict'
import { SharedMemory } from '../../src/batch/memory.ts'
import { openExecutor } from '../../src/kernel/executor.ts'
import { nativeAddon } from '../../src/kernel/native.ts'
import { RecordWalker } from '../../src/kernel/reference/walk.ts'
import { BatchCursor } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { crc32c, crc32cSlicing } from '../../src/wire/crc32c.ts'
import type { StoredRecord } from '../../src/wire/record.ts'
import { decodeBatches, encodeBatch } from '../../src/wire/record_batch.ts'
import { inputAt, bytes as kernelBytes, kernels } from '../../test/support/json_kernel.ts'
import { startPosition } from '../../test/support/lane_job.ts'
import type { BenchContext } from '../report/bench.ts'
import { addCases, equals, type MicroCase, type MicroPart } from './part.ts'
import { byKey, inflatedBytesMax, placed, type ViewBatch, viewBatches, wasmLane } from './views.ts'

const RECORDS = 20_000
const MEMORY_MIB = 16
const SMALL_BATCHES = 1000
const SMALL_RECORDS = 4
const USUAL_RECORDS = 4000
const CHECKED_KIB = 256

export const wire: MicroPart = {
  name: 'wire',
  async run(context) {
    await addWalks(context)
    await addHeaders(context)
    await addChecksums(context)
    await addEncoding(context)
  },
}

async function addWalks(context: BenchContext): Promise<void> {
  const { isSmoke, seed } = context
  const records = isSmoke ? RECORDS / 10 : RECORDS
  const [batch] = viewBatches({ events: records, partitions: 1, batchRecords: records, seed })
  const memory = new SharedMemory(MEMORY_MIB)
  const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax })
  const lane = wasmLane(memory, executor, byKey, false)
  const shared = placed(memory, batch)
  const walker = new RecordWalker()
  const cursor = new BatchCursor(batch.bytes)
  assert(cursor.next())
  const offsets = (records * (records - 1)) / 2
  await addCases(context, {
    group: 'records of a batch walked',
    per: 'record',
    cases: [
      {
        // a lane that is at the last record: the kernel passes over all before it, and counts one
        name: 'WebAssembly',
        per: records,
        work: async () => {
          lane.restore({ ...startPosition, nextOffset: records - 1 })
          await lane.consume(shared)
          const { counted, nextOffset } = lane.counters()
          return [counted, nextOffset]
        },
        check: equals([1, records]),
      },
      {
        name: 'plain JavaScript, no object each',
        per: records,
        work: () => {
          let sum = 0
          walker.begin(cursor, inflatedBytesMax)
          while (walker.next()) sum += walker.offset
          return sum
        },
        check: equals(offsets),
      },
      {
        name: 'plain JavaScript, an object each',
        per: records,
        work: () => {
          let sum = 0
          for (const { offset } of decodeBatches(batch.bytes, { checkCrc: false })) sum += offset
          return sum
        },
        check: equals(offsets),
      },
    ],
  })
  await executor.close()
}

async function addHeaders(context: BenchContext): Promise<void> {
  const { seed } = context
  const events = SMALL_BATCHES * SMALL_RECORDS
  const batches = viewBatches({ events, partitions: 1, batchRecords: SMALL_RECORDS, seed })
  const payload = Buffer.concat(batches.map(({ bytes }) => bytes))
  const cursor = new BatchCursor(payload)
  const walk = (isRight: () => boolean): number[] => {
    let [batches, records] = [0, 0]
    cursor.reset(payload, 0, payload.length)
    while (cursor.next()) {
      if (!isRight()) break
      batches++
      records += cursor.recordCount
    }
    return [batches, records]
  }
  const check = equals([SMALL_BATCHES, events])
  const common = { per: SMALL_BATCHES, check }
  await addCases(context, {
    group: `headers of batches of ${SMALL_RECORDS} records`,
    per: 'batch',
    cases: [
      { ...common, name: 'cursor', work: () => walk(() => true) },
      { ...common, name: 'cursor, checksums checked', work: () => walk(() => cursor.crcValid()) },
    ],
  })
}

async function addChecksums(context: BenchContext): Promise<void> {
  const [batch] = viewBatches({ events: USUAL_RECORDS, partitions: 1, seed: context.seed })
  const bytes = batch.bytes.slice(0, CHECKED_KIB * 1024)
  kernelBytes.set(bytes, inputAt)
  const check = equals(crc32cSlicing(bytes))
  const common = { per: bytes.length / 1024, check }
  const cases: MicroCase[] = [
    { ...common, name: 'plain JavaScript, by eight', work: () => crc32cSlicing(bytes) },
    {
      ...common,
      name: 'WebAssembly, three streams',
      work: () => kernels.crc32c(inputAt, bytes.length) >>> 0,
    },
  ]
  if (crc32c !== crc32cSlicing)
    cases.push({ ...common, name: '@node-rs/crc32', work: () => crc32c(bytes) })
  const addon = nativeAddon()
  if (addon !== undefined)
    cases.push({ ...common, name: 'native addon', work: () => addon.crc32c(bytes) })
  await addCases(context, { group: 'CRC-32C', per: 'KiB', cases })
}

async function addEncoding(context: BenchContext): Promise<void> {
  const [batch] = viewBatches({ events: USUAL_RECORDS, partitions: 1, seed: context.seed })
  const records = decodeBatches(batch.bytes)
  const writer = new BatchWriter()
  const check = sameRecords(batch, records)
  const common = { per: records.length, check }
  await addCases(context, {
    group: `a batch of ${USUAL_RECORDS} records made`,
    per: 'record',
    cases: [
      {
        ...common,
        name: 'into the buffer of a writer',
        work: () => {
          writer.reset()
          for (const { key, value, timestamp } of records) writer.append(key, value, timestamp)
          return writer.finish()
        },
      },
      { ...common, name: 'into bytes of its own', work: () => encodeBatch(records) },
    ],
  })
}

/** The bytes of the batch, which decode to its records. */
function sameRecords({ bytes }: ViewBatch, records: readonly StoredRecord[]): MicroCase['check'] {
  return (answer) => {
    const made = answer as Uint8Array
    assert.equal(Buffer.compare(made, bytes), 0)
    assert.deepEqual(decodeBatches(made), records)
  }
}
