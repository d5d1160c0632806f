// Headers count in the size of a batch: brokers refuse one that is too large, with all its records.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../src/ingest/sender.ts'
import { recordCountOf } from '../../src/wire/batch_header.ts'

test('a batch of small records with large headers stays below the default limit of brokers', async () => {
  const sizes: number[] = []
  let offset = 0
  const sender = new Sender(
    {
      append: () => assert.fail('the sender makes batches'),
      async appendBatch(_topic: string, _partition: number, batch: Uint8Array) {
        sizes.push(batch.length)
        offset += recordCountOf(batch)
        return { offset: offset - recordCountOf(batch) }
      },
      async close() {},
    },
    { recordsMax: 20_000 },
  )
  const headers = [
    { key: 'trace', value: Buffer.alloc(180) },
    { key: 'ü'.repeat(20), value: null },
  ]
  const record = { key: null, value: Buffer.from('1'), timestamp: 0, headers }
  await Promise.all(Array.from({ length: 10_000 }, () => sender.send('t', 0, record)))
  assert.equal(offset, 10_000)
  assert.ok(Math.max(...sizes) <= 600_000, `largest batch: ${Math.max(...sizes)} bytes`)
  assert.ok(sizes.length < 10, `${sizes.length} batches`)
})
