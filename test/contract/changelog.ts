// What the kernels of changelogs must do, and with them the writer and the reader: records as Kafka
// has them, read back as the rows that they were. Run on the TypeScript reference and on the
// WebAssembly kernels.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROW_HEADER_BYTES } from '../../src/batch/rows.ts'
import { seededRandom } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { ChangelogKernels } from '../../src/kernel/changelog/kernels.ts'
import type { Compression } from '../../src/log/log.ts'
import { type ChangelogMeta, changelogReader, changelogWriter } from '../../src/table/changelog.ts'
import { attribute } from '../../src/wire/batch_header.ts'
import { codecNames, decompress } from '../../src/wire/compression.ts'
import { batchOf, concat, withAttributes } from '../support/batches.ts'
import { appended, packedRows, randomChanges, recordsOf } from '../support/changelogs.ts'
import { decodeBatches } from '../support/record_batch.ts'

const TABLE = 7
const NOW_MS = 1_700_000_000_123
const position = { nextOffset: 9, streamTimeMs: 8, counted: 7, late: 0, bad: 1, filtered: 2 }
const meta: ChangelogMeta = { shape: '{"key":["string"]}', position, sources: { orders: 12 } }
const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const codecOf = (batch: Uint8Array) => batch[22] & attribute.codecMask

const inflate = (codec: number, bytes: Uint8Array) =>
  decompress(codecNames[codec]!, bytes, 64 * 1024 * 1024)

export function changelogContract(name: string, open: () => ChangelogKernels): void {
  const contract = (title: string, run: (kernels: ChangelogKernels) => Promise<unknown>) => {
    test(`${name}: ${title}`, async () => {
      await run(open())
    })
  }
  writing(contract)
  reading(contract)
}

type Contract = (title: string, run: (kernels: ChangelogKernels) => Promise<unknown>) => void

function writerOf(
  kernels: ChangelogKernels,
  options: { batchBytesMax?: number; compression?: Compression } = {},
) {
  const { batchBytesMax = 1 << 20, compression = 'none' } = options
  return changelogWriter({ table: TABLE, compression, batchBytesMax, kernels })
}

function cutRecord(offset: number) {
  const key = Buffer.from('\0\0cut')
  const value = Buffer.from(JSON.stringify({ version: 1, ...meta }))
  return { offset, timestamp: NOW_MS, key, value, headers: [] }
}

/** Rows of a cut, in pieces of any size. */
function pieces(rows: Uint8Array, random: () => number): Uint8Array[] {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  const all: Uint8Array[] = []
  let from = 0
  for (let at = 0; at < rows.length; ) {
    at += ROW_HEADER_BYTES + view.getUint16(at + 2, true) + view.getUint32(at + 4, true)
    if (random() < 0.01 || at === rows.length) {
      all.push(rows.slice(from, at))
      from = at
    }
  }
  return all
}

function writing(contract: Contract): void {
  for (const compression of codecs)
    contract(`a cut becomes transactional batches (${compression})`, async (kernels) => {
      const random = seededRandom(1)
      const writer = writerOf(kernels, { compression, batchBytesMax: 40_000 })
      for (const count of [3000, 0, 1, 200]) {
        const changes = randomChanges(random, TABLE, count)
        for (const rows of pieces(packedRows(changes), random)) await writer.add(rows)
        const batches = await writer.finish(meta, NOW_MS)
        for (const batch of batches) assert.ok(batch.length <= 40_000, `${batch.length} bytes`)
        const records = decodeBatches(appended(batches), inflate).flatMap((each) => each.records)
        const wanted = recordsOf(changes, NOW_MS).map((each) => ({ ...each, headers: [] }))
        assert.deepEqual(records, [...wanted, cutRecord(count)])
        for (const batch of batches)
          assert.equal(batch[22] & ~attribute.codecMask, attribute.transactional)
        if (compression !== 'none' && count === 200)
          assert.ok(batches.some((batch) => codecOf(batch) !== 0))
      }
      writer.close()
    })
  contract('a record larger than a batch has one of its own', async (kernels) => {
    const writer = writerOf(kernels, { batchBytesMax: 1000 })
    const key = Buffer.from('\0\x07key')
    const sizes = [10, 50_000, 900, 80, 0]
    const changes = sizes.map((size) => ({ key, value: Buffer.alloc(size, 'x') }))
    await writer.add(packedRows(changes))
    const batches = decodeBatches(appended(await writer.finish(meta, NOW_MS)))
    assert.deepEqual(
      batches.flatMap((each) => each.records.map((record) => record.value!.length)),
      [...sizes, cutRecord(0).value.length],
    )
    assert.equal(batches.find((each) => each.records[0].value!.length === 50_000)!.count, 1)
    writer.close()
  })
  contract('what is dropped is in no batch', async (kernels) => {
    const writer = writerOf(kernels)
    await writer.add(packedRows(randomChanges(seededRandom(2), TABLE, 500)))
    writer.drop()
    const [batch, ...others] = await writer.finish(meta, NOW_MS)
    assert.deepEqual(others, [])
    assert.deepEqual(decodeBatches(batch)[0].records, [cutRecord(0)])
    writer.close()
  })
  contract('the last of 100,000 rows are as those before', async (kernels) => {
    const writer = writerOf(kernels)
    const changes = Array.from({ length: 100_000 }, (_, i) => ({
      key: Buffer.from(`\0\x07key ${i}`),
      value: Buffer.from(`value ${i}`),
    }))
    await writer.add(packedRows(changes))
    const batches = decodeBatches(appended(await writer.finish(meta, NOW_MS)))
    const records = batches.flatMap((each) => each.records)
    assert.equal(records.length, 100_001)
    assert.equal(records[99_999].value!.toString(), 'value 99999')
    assert.ok(batches.every((each) => each.records.length === each.count))
    writer.close()
  })
}

function reading(contract: Contract): void {
  for (const compression of codecs)
    contract(`what was written is read back (${compression})`, async (kernels) => {
      const random = seededRandom(3)
      const writer = writerOf(kernels, { compression, batchBytesMax: 30_000 })
      const reader = changelogReader({ table: 0x1234, kernels })
      for (const count of [2000, 0, 30, 1]) {
        const changes = randomChanges(random, TABLE, count)
        await writer.add(packedRows(changes))
        const batches = appended(await writer.finish(meta, NOW_MS), 500)
        const read = await reader.read(batches)
        assert.equal(read.records, count)
        assert.deepEqual(read.meta, meta)
        assert.equal(read.nextOffset, 500 + count + 1)
        const own = changes.map(({ key, value }) => ({
          key: Buffer.concat([Buffer.from([0x12, 0x34]), key.subarray(2)]),
          value,
        }))
        assert.deepEqual(Buffer.from(read.rows), Buffer.from(packedRows(own)))
      }
      reader.close()
      writer.close()
    })
  contract('records before the offset are left out', async (kernels) => {
    const changes = randomChanges(seededRandom(4), 1, 40)
    const records = recordsOf(changes, NOW_MS)
    const batches = concat([batchOf(records.slice(0, 15)), batchOf(records.slice(15), 'lz4')])
    const reader = changelogReader({ table: 1, kernels })
    for (const from of [0, 1, 14, 15, 16, 39, 40]) {
      const read = await reader.read(batches, from)
      assert.deepEqual(Buffer.from(read.rows), Buffer.from(packedRows(changes.slice(from))))
      assert.deepEqual([read.records, read.nextOffset], [40 - from, 40])
    }
    assert.equal((await reader.read(batches, 50)).nextOffset, 50)
    reader.close()
  })
  contract('markers, emptied and compacted batches have what they have', async (kernels) => {
    const changes = randomChanges(seededRandom(5), 1, 30)
    const records = recordsOf(changes, NOW_MS)
    const marker = withAttributes(
      batchOf([{ ...records[10], key: Buffer.alloc(4), value: Buffer.alloc(6) }]),
      attribute.control | attribute.transactional,
    )
    const gaps = [12, 15, 16].map((i) => records[i])
    const empty = emptyBatch(20, 25)
    const batches = concat([
      batchOf(records.slice(0, 10)),
      marker,
      batchOf(gaps, 'none', 19),
      empty,
    ])
    const reader = changelogReader({ table: 1, kernels })
    const read = await reader.read(batches)
    const kept = [...changes.slice(0, 10), changes[12], changes[15], changes[16]]
    assert.deepEqual(Buffer.from(read.rows), Buffer.from(packedRows(kept)))
    assert.deepEqual([read.records, read.meta, read.nextOffset], [13, undefined, 26])
    reader.close()
  })
  contract('the last of several cuts counts, one that was deleted does not', async (kernels) => {
    const reader = changelogReader({ table: 1, kernels })
    const value = (shape: string) => Buffer.from(JSON.stringify({ version: 1, shape }))
    const key = Buffer.from('\0\0cut')
    const records = ['a', 'b', 'c'].map((shape, offset) => ({
      offset,
      timestamp: NOW_MS,
      key,
      value: value(shape),
    }))
    const other = { offset: 3, timestamp: NOW_MS, key: Buffer.from('\0\0cuts'), value: value('d') }
    const gone = { offset: 4, timestamp: NOW_MS, key, value: null }
    const batches = concat([
      batchOf(records.slice(0, 2)),
      batchOf([records[2], other, gone], 'gzip'),
    ])
    assert.deepEqual((await reader.read(batches)).meta, { shape: 'c' })
    const long = { ...records[0], value: value('s'.repeat(100_000)) }
    assert.equal((await reader.read(batchOf([long]))).meta?.shape.length, 100_000)
    assert.equal((await reader.read(batchOf([records[1]]))).meta?.shape, 'b')
    reader.close()
  })
  contract('damage and what is no changelog are coded errors', (kernels) => damage(kernels))
}

function emptyBatch(baseOffset: number, lastOffset: number): Uint8Array {
  const record = { offset: 0, timestamp: 0, key: null, value: null }
  const batch = Buffer.from(batchOf([record]).subarray(0, 61))
  batch.writeBigInt64BE(BigInt(baseOffset), 0)
  batch.writeInt32BE(61 - 12, 8)
  batch.writeInt32BE(lastOffset - baseOffset, 23)
  batch.writeInt32BE(0, 57)
  return withAttributes(batch, 0)
}

async function damage(kernels: ChangelogKernels): Promise<void> {
  const reader = changelogReader({ table: 1, kernels })
  const rejected = async (bytes: Uint8Array, code: string) => {
    const isCoded = (error: unknown) => error instanceof EuphorionError && error.code === code
    await assert.rejects(reader.read(bytes), isCoded)
  }
  const records = recordsOf(randomChanges(seededRandom(6), 1, 50), NOW_MS)
  const good = batchOf(records)
  for (const at of [61, 100, good.length - 1]) {
    const bad = Uint8Array.from(good)
    bad[at] ^= 1
    await rejected(bad, 'BATCH_CORRUPT')
  }
  await rejected(good.subarray(0, good.length - 1), 'BATCH_CORRUPT')
  for (const key of [null, Buffer.from('k'), Buffer.from('\0\x02k'), Buffer.alloc(70_000, 1)])
    await rejected(batchOf([{ offset: 0, timestamp: 0, key, value: null }]), 'BATCH_CORRUPT')
  const later = Buffer.from('{"version":2,"shape":"x"}')
  const cut = { offset: 0, timestamp: 0, key: Buffer.from('\0\0cut'), value: later }
  await rejected(batchOf([cut]), 'STORE_INCOMPATIBLE')
  await rejected(batchOf([{ ...cut, value: Buffer.from('{') }]), 'BATCH_CORRUPT')
  const huge = {
    offset: 0,
    timestamp: 0,
    key: Buffer.from('\0\x01k'),
    value: Buffer.alloc(9 << 20),
  }
  await rejected(batchOf([huge], 'lz4'), 'RECORD_TOO_LARGE')
  await rejected(batchOf([huge], 'gzip'), 'RECORD_TOO_LARGE')
  assert.equal((await reader.read(good)).records, 50)
  reader.close()
}
