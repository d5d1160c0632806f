// Packing of kafkajs messages into RecordBatch v2 bytes, compared with an independent decoder.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { Packer } from '../../src/log/kafkajs/pack.ts'
import { decodeBatches } from '../support/record_batch.ts'

function message(offset: number, parts: Partial<KafkaMessage> = {}): KafkaMessage {
  const base = { attributes: 0, key: null, value: Buffer.from('v'), headers: {} }
  return { ...base, timestamp: '1700000000000', offset: String(offset), ...parts } as KafkaMessage
}

/** Packs all messages as a consumer would, a target after the other. */
function packAll(messages: readonly KafkaMessage[], lastOffset: number, target: Uint8Array) {
  const packer = new Packer()
  const batches = []
  for (let from = 0; from < messages.length; from = packer.next) {
    const bytes = packer.pack(messages, from, lastOffset, target)
    assert.ok(bytes > 0, `message ${from} fits`)
    batches.push(...decodeBatches(target.subarray(0, bytes)))
  }
  return batches
}

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const messages = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 100_000 })),
      timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
      key: fc.option(bytes),
      value: fc.option(bytes),
      headers: fc.dictionary(fc.string(), fc.oneof(bytes, fc.array(bytes, { minLength: 2 })), {
        noNullPrototype: true,
        maxKeys: 3,
      }),
    }),
    { minLength: 1, maxLength: 50 },
  )
  .map((all) => {
    let offset = 0
    return all.map(({ gap, timestamp, ...parts }) =>
      message((offset += gap), { timestamp: String(timestamp), ...parts }),
    )
  })

test('what is packed decodes to the same records, whatever the target', () => {
  fc.assert(
    fc.property(messages, fc.integer({ min: 0, max: 4000 }), (all, extra) => {
      const largest = Math.max(...all.map(Packer.bytesFor))
      const target = new Uint8Array(new SharedArrayBuffer(largest + extra))
      const last = Number(all[all.length - 1].offset)
      const records = packAll(all, last, target).flatMap((batch) => batch.records)
      assert.deepEqual(
        records.map((record) => ({
          ...record,
          headers: record.headers!.map(({ key, value }) => [key, value]),
        })),
        all.map(({ offset, timestamp, key, value, headers }) => ({
          offset: Number(offset),
          timestamp: Number(timestamp),
          key,
          value,
          headers: Object.entries(headers!).flatMap(([name, values]) =>
            [values].flat().map((one) => [name, one]),
          ),
        })),
      )
    }),
    { numRuns: 200 },
  )
})

test('the last batch reaches to the offset where the fetch ended', () => {
  const target = new Uint8Array(120)
  const batches = packAll([message(10), message(14), message(15)], 20, target)
  assert.deepEqual(
    batches.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]),
    batches.map(({ baseOffset }, index) => [
      baseOffset,
      index === batches.length - 1 ? 20 : batches[index].records.at(-1)!.offset,
    ]),
  )
  assert.equal(batches[0].baseOffset, 10)
})

test('offsets too far apart for one batch make two', () => {
  const target = new Uint8Array(1000)
  const far = 3_000_000_000
  const batches = packAll([message(5), message(5 + far)], 5 + far, target)
  assert.deepEqual(
    batches.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]),
    [
      [5, 5],
      [5 + far, 5 + far],
    ],
  )
})

test('a message that does not fit packs nothing, and says what it needs', () => {
  const large = message(3, { value: Buffer.alloc(5000), key: Buffer.alloc(300) })
  const packer = new Packer()
  assert.equal(packer.pack([large], 0, 3, new Uint8Array(5000)), 0)
  const target = new Uint8Array(Packer.bytesFor(large))
  assert.ok(packer.pack([large], 0, 3, target) > 5300)
})
