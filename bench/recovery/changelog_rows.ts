// A changelog of so many rows, and the check that a store has all of them. Used by restore.ts.
import assert from 'node:assert/strict'
import { eachRow, ROW_HEADER_BYTES, ROW_PUT } from '../../src/batch/rows.ts'
import { seededRandom, systemClock } from '../../src/clock.ts'
import type { ChangelogKernels } from '../../src/kernel/changelog/kernels.ts'
import type { Log } from '../../src/log/log.ts'
import { changelogWriter } from '../../src/table/changelog.ts'
import { tableRange } from '../../src/table/recovery.ts'
import type { Store } from '../../src/table/store.ts'

export const SHAPE = '{"key":["record key"],"fields":[{"name":"views","kind":"count"}]}'
export const PARTITIONS = 4
const CUT_ROWS = 50_000
const BATCH_BYTES_MAX = 512 * 1024
const KEY_BYTES = 21
const VALUE_BYTES = 24
const ROW_BYTES = ROW_HEADER_BYTES + KEY_BYTES + VALUE_BYTES
const NUMBER_AT = KEY_BYTES - 4

export interface ChangelogSpec {
  readonly topic: string
  /** Of all partitions. */
  readonly rows: number
  readonly seed: number
  readonly kernels: ChangelogKernels
}

/** Rows in no order, as a lane's table gives them. */
function pack(numbers: Uint32Array): Uint8Array {
  const rows = new Uint8Array(numbers.length * ROW_BYTES)
  const view = new DataView(rows.buffer)
  for (const [i, number] of numbers.entries()) {
    const row = i * ROW_BYTES
    view.setUint8(row, ROW_PUT)
    view.setUint16(row + 2, KEY_BYTES, true)
    view.setUint32(row + 4, VALUE_BYTES, true)
    view.setUint16(row + ROW_HEADER_BYTES, 1)
    view.setUint32(row + ROW_HEADER_BYTES + NUMBER_AT, number)
    view.setFloat64(row + ROW_HEADER_BYTES + KEY_BYTES, number, true)
  }
  return rows
}

export async function writeChangelog(log: Log, spec: ChangelogSpec): Promise<void> {
  const { topic, rows, seed } = spec
  await log.createTopic(topic, { partitions: PARTITIONS, config: { cleanup: 'compact' } })
  const options = { transactionalId: topic, transactionTimeoutMs: 60_000 }
  const producer = await log.transactionalProducer(options)
  const random = seededRandom(seed)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const numbers = Uint32Array.from({ length: rows / PARTITIONS }, (_, i) => i)
    for (let i = numbers.length - 1; i > 0; i--) {
      const other = Math.floor(random() * (i + 1))
      const number = numbers[i]
      numbers[i] = numbers[other]
      numbers[other] = number
    }
    const { kernels } = spec
    const packing = { compression: 'none', batchBytesMax: BATCH_BYTES_MAX } as const
    const writer = changelogWriter({ table: 1, kernels, ...packing })
    for (let from = 0; from < numbers.length; from += CUT_ROWS) {
      await writer.add(pack(numbers.subarray(from, from + CUT_ROWS)))
      const nextOffset = Math.min(numbers.length, from + CUT_ROWS)
      const counted = { streamTimeMs: 1, counted: nextOffset, late: 0, bad: 0, filtered: 0 }
      const meta = { shape: SHAPE, position: { nextOffset, ...counted } }
      for (const batch of await writer.finish(meta, systemClock.now()))
        await producer.appendBatch(topic, partition, batch)
      await producer.commit()
    }
    writer.close()
  }
  await producer.close()
}

/** Throws unless it has these rows, each as it was written, and no other. */
export async function checkRows(store: Store, rows: number): Promise<void> {
  let next = 0
  for await (const chunk of store.scanRows(tableRange(1))) {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    eachRow(chunk, (_, keyStart, keyEnd) => {
      assert.equal(view.getUint32(keyStart + NUMBER_AT), next)
      assert.equal(view.getFloat64(keyEnd, true), next)
      next++
    })
  }
  assert.equal(next, rows)
}
