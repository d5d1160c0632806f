import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EuphorionError } from '../../src/errors.ts'
import { BatchCursor, batchHeaderBytes, eachBatchHeader } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { type Compression, prepareCompression } from '../../src/wire/compression.ts'
import type { LogRecord } from '../../src/wire/record.ts'
import {
  decodeBatches,
  decodeRecord,
  encodeBatch,
  recordBytes,
} from '../../src/wire/record_batch.ts'
import { VarintReader } from '../../src/wire/varint.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

const someBytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })
const someRecord: fc.Arbitrary<LogRecord> = fc.record(
  {
    key: someBytes,
    value: someBytes,
    timestamp: fc.integer({ min: -1, max: 2 ** 45 }),
    headers: fc.array(
      fc
        .tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), someBytes)
        .map(([key, value]) => ({ key, value })),
      { maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
)

function withoutEmptyHeaders(record: LogRecord): LogRecord {
  const { key, value, timestamp, headers } = record
  return headers?.length ? { key, value, timestamp, headers } : { key, value, timestamp }
}

describe('RecordBatch v2', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(
        fc.array(someRecord, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 0, max: 2 ** 50 }),
        (records, baseOffset) => {
          const batch = encodeBatch(records, { baseOffset })
          assert.deepEqual(
            decodeBatches(batch),
            records.map((record, i) => ({
              offset: baseOffset + i,
              ...withoutEmptyHeaders(record),
            })),
          )
        },
      ),
      { numRuns: 200 },
    )
  })

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] satisfies Compression[]) {
    it(`gives back what was compressed with ${codec}`, async () => {
      await prepareCompression(codec)
      const records = Array.from({ length: 2000 }, (_, i) => ({
        key: bytes(`/page/${i % 17}`),
        value: bytes(`{"user":"u${i}","url":"/page/${i % 17}"}`),
        timestamp: 1_700_000_000_000 + i,
      }))
      const plain = encodeBatch(records)
      const packed = encodeBatch(records, { compression: codec })
      assert.ok(packed.length < plain.length / 2)
      assert.deepEqual(decodeBatches(packed), decodeBatches(plain))
      assert.throws(() => decodeBatches(packed, { maxBytes: 1000 }), { code: 'RECORD_TOO_LARGE' })
    })
  }

  it('has the bytes that Kafka writes', () => {
    const batch = encodeBatch(
      [
        { key: bytes('a'), value: bytes('xy'), timestamp: 1000 },
        { key: null, value: null, timestamp: 998, headers: [{ key: 'h', value: null }] },
      ],
      { baseOffset: 5, producerId: 7, producerEpoch: 1, baseSequence: 3 },
    )
    const expected =
      `${'0000000000000005'}${'00000049'}ffffffff02`.slice(0, 16) +
      `${(batch.length - 12).toString(16).padStart(8, '0')}ffffffff02`
    const hex = Buffer.from(batch).toString('hex')
    assert.equal(hex.slice(0, 34), expected)
    assert.equal(
      hex.slice(42, 122),
      '0000' +
        '00000001' +
        '00000000000003e8' +
        '00000000000003e8' +
        '0000000000000007' +
        '0001' +
        '00000003' +
        '00000002',
    )
    assert.equal(
      hex.slice(122),
      '12' +
        '00' +
        '00' +
        '00' +
        '02' +
        '61' +
        '04' +
        '7879' +
        '00' +
        '12' +
        '00' +
        '03' +
        '02' +
        '01' +
        '01' +
        '02' +
        '02' +
        '68' +
        '01',
    )
  })

  it('finds the header fields of each batch and stops at a torn one', () => {
    const one = encodeBatch([{ key: null, value: bytes('1'), timestamp: 10 }], { baseOffset: 0 })
    const two = encodeBatch(
      [
        { key: null, value: bytes('2'), timestamp: 30 },
        { key: null, value: bytes('3'), timestamp: 20 },
      ],
      { baseOffset: 2 ** 40, producerId: 2 ** 33, producerEpoch: 4, baseSequence: 9 },
    )
    const both = new Uint8Array([...one, ...two])
    const seen: unknown[] = []
    const whole = eachBatchHeader(both, (b) =>
      seen.push([
        b.baseOffset,
        b.lastOffset,
        b.maxTimestamp,
        b.recordCount,
        b.producerId,
        b.producerEpoch,
        b.baseSequence,
        b.codec,
        b.size,
        b.crcValid(),
      ]),
    )
    assert.equal(whole, both.length)
    assert.deepEqual(seen, [
      [0, 0, 10, 1, -1, -1, -1, 0, one.length, true],
      [2 ** 40, 2 ** 40 + 1, 30, 2, 2 ** 33, 4, 9, 0, two.length, true],
    ])
    for (let cut = 0; cut < two.length; cut++) {
      const cursor = new BatchCursor(both.subarray(0, one.length + cut))
      assert.equal(cursor.next(), true)
      assert.equal(cursor.next(), false)
      assert.equal(cursor.at, one.length)
      assert.equal(cursor.needed, cut < 12 ? 0 : two.length)
      assert.equal(cursor.broken, false)
    }
  })

  it('rejects any changed byte behind the checksum, and never crashes without it', () => {
    const batch = encodeBatch([
      {
        key: bytes('key'),
        value: bytes('value'),
        timestamp: 5,
        headers: [{ key: 'h', value: bytes('v') }],
      },
      { key: null, value: null, timestamp: 6 },
    ])
    fc.assert(
      fc.property(
        fc.integer({ min: 17, max: batch.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const damaged = batch.slice()
          damaged[at] ^= change
          assert.throws(() => decodeBatches(damaged), { code: 'BATCH_CORRUPT' })
          try {
            decodeBatches(damaged, { checkCrc: false, maxBytes: 1 << 20 })
          } catch (error) {
            assert.ok(error instanceof EuphorionError, String(error))
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('decodes one record from its body', () => {
    const batch = encodeBatch(
      [
        { key: bytes('a'), value: bytes('b'), timestamp: 100 },
        { key: bytes('c'), value: null, timestamp: 90, headers: [{ key: 'n', value: bytes('v') }] },
      ],
      { baseOffset: 40 },
    )
    const cursor = new BatchCursor(batch)
    cursor.next()
    const reader = new VarintReader(recordBytes(cursor))
    reader.skip(reader.read())
    reader.read()
    assert.deepEqual(decodeRecord(recordBytes(cursor), reader.at, 40, 100), {
      offset: 41,
      key: bytes('c'),
      value: null,
      timestamp: 90,
      headers: [{ key: 'n', value: bytes('v') }],
    })
  })

  it('reuses the writer with scratch buffers longer than their contents', () => {
    const writer = new BatchWriter(16)
    const scratch = new Uint8Array(500).fill(0x61)
    for (let round = 0; round < 3; round++) {
      writer.reset()
      for (let i = 0; i < 400; i++) writer.append(scratch, scratch, i, undefined, i % 7, i)
      const records = decodeBatches(writer.finish({ baseOffset: round }))
      assert.equal(records.length, 400)
      for (const [i, record] of records.entries()) {
        assert.equal(record.offset, round + i)
        assert.equal(record.key?.length, i % 7)
        assert.equal(record.value?.length, i)
      }
    }
    assert.ok(writer.size > batchHeaderBytes)
  })
})
