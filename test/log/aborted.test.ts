// Batches of aborted transactions, emptied in place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyAborted } from '../../src/log/aborted.ts'
import { attribute, headerAt, writeInt16, writeInt32 } from '../../src/wire/batch_header.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import { crc32c } from '../../src/wire/crc32c.ts'
import { concat } from '../support/batches.ts'
import { decodeBatches } from '../support/record_batch.ts'

/** A step of a log with transactions of producers 0 to 3. */
type Step =
  | { readonly kind: 'data'; readonly producer: number; readonly records: number }
  | { readonly kind: 'plain'; readonly records: number }
  | { readonly kind: 'end'; readonly producer: number; readonly commit: boolean }

function batchAt(offset: number, step: Step): Uint8Array {
  const writer = new BatchWriter()
  const count = step.kind === 'end' ? 1 : step.records
  const key = step.kind === 'end' ? Uint8Array.of(0, 0, 0, step.commit ? 1 : 0) : null
  for (let i = 0; i < count; i++) writer.append(key, Buffer.from(`v${offset + i}`), offset + i)
  const producerId = step.kind === 'plain' ? -1 : step.producer
  const options = { baseOffset: offset, producerId, producerEpoch: 0, baseSequence: offset }
  const batch = Uint8Array.from(writer.finish(options))
  const isTransactional = step.kind === 'plain' ? 0 : attribute.transactional
  const bits = isTransactional | (step.kind === 'end' ? attribute.control : 0)
  writeInt16(batch, headerAt.attributes, bits)
  writeInt32(batch, headerAt.crc, crc32c(batch.subarray(headerAt.attributes)))
  return batch
}

/** The log of the steps, what a broker says was aborted, and the offsets that were not. */
function logOf(steps: readonly Step[]) {
  const batches: Uint8Array[] = []
  const aborted: { producerId: number; firstOffset: number; endOffset: number }[] = []
  const kept = new Map<number, boolean>()
  const open = new Map<number, { firstOffset: number; offsets: number[] }>()
  let offset = 0
  for (const step of steps) {
    // an end without a transaction is not in any log
    if (step.kind === 'end' && !open.has(step.producer)) continue
    batches.push(batchAt(offset, step))
    if (step.kind === 'plain') for (let i = 0; i < step.records; i++) kept.set(offset + i, true)
    if (step.kind === 'data') {
      const running = open.get(step.producer) ?? { firstOffset: offset, offsets: [] }
      for (let i = 0; i < step.records; i++) running.offsets.push(offset + i)
      open.set(step.producer, running)
    }
    if (step.kind === 'end') {
      const { firstOffset, offsets } = open.get(step.producer)!
      open.delete(step.producer)
      for (const each of offsets) kept.set(each, step.commit)
      if (!step.commit) aborted.push({ producerId: step.producer, firstOffset, endOffset: offset })
    }
    offset += step.kind === 'end' ? 1 : step.records
  }
  return { batches, aborted, kept, open: [...open.values()], endOffset: offset }
}

const producer = fc.integer({ min: 0, max: 3 })
const records = fc.integer({ min: 1, max: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('data' as const), producer, records }),
  fc.record({ kind: fc.constant('plain' as const), records }),
  fc.record({ kind: fc.constant('end' as const), producer, commit: fc.boolean() }),
)

test('exactly the records of aborted transactions go, wherever reading begins', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.nat(), (steps, from) => {
      const { batches, aborted, kept, open, endOffset } = logOf(steps)
      // the last stable offset: nothing of an open transaction is given out
      const stable = Math.min(endOffset, ...open.map(({ firstOffset }) => firstOffset))
      const bytesOf = (batch: Uint8Array) => decodeBatches(batch)[0]
      const readable = batches.filter((batch) => bytesOf(batch).lastOffset < stable)
      const given = readable.slice(from % Math.max(1, readable.length))
      if (given.length === 0) return
      const begin = bytesOf(given[0]).baseOffset
      const known = aborted.filter(({ endOffset: end }) => end >= begin)
      const bytes = concat(given)
      const length = emptyAborted(bytes, bytes.length, known)
      const left = decodeBatches(bytes.subarray(0, length))
      assert.equal(left[left.length - 1].lastOffset, bytesOf(given[given.length - 1]).lastOffset)
      assert.equal(left.length, given.length)
      const found = left.flatMap((batch) => batch.records.map(({ offset }) => offset))
      const expected = given
        .flatMap((batch) => bytesOf(batch).records.map(({ offset }) => offset))
        .filter((offset) => kept.get(offset) !== false)
      assert.deepEqual(found, expected)
    }),
    { numRuns: 500 },
  )
})

test('without aborted transactions nothing is touched', () => {
  const bytes = batchAt(5, { kind: 'data', producer: 1, records: 3 })
  const before = Buffer.from(bytes)
  assert.equal(emptyAborted(bytes, bytes.length, []), bytes.length)
  assert.deepEqual(Buffer.from(bytes), before)
})
