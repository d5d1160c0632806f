// What tests of changelogs share: random packed rows, and the records that they should become.
import { ROW_DELETE, ROW_PUT } from '../../src/batch/rows.ts'
import type { StoredRecord } from '../../src/log/log.ts'
import { RowWriter } from '../../src/table/packed.ts'

/** A change of one key of a store. */
export interface Change {
  readonly key: Buffer
  /** Null: it is deleted. */
  readonly value: Buffer | null
}

/** Keys of that table, with lengths around every limit that bytes have. */
export function randomChanges(random: () => number, table: number, count: number): Change[] {
  const lengths = [0, 1, 7, 15, 16, 17, 31, 33, 40, 61, 62, 63, 64, 65, 127, 300]
  const some = () => lengths[Math.floor(random() * lengths.length)]
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random() * 9))
  return Array.from({ length: count }, () => ({
    key: Buffer.concat([Buffer.from([table >>> 8, table & 255]), bytes(some())]),
    value: random() < 0.2 ? null : bytes(random() < 0.01 ? 20_000 : some()),
  }))
}

export function packedRows(changes: readonly Change[]): Uint8Array {
  const rows = new RowWriter()
  for (const { key, value } of changes)
    rows.add(value === null ? ROW_DELETE : ROW_PUT, key, value ?? Buffer.alloc(0))
  return rows.take()
}

/** As they are in the changelog. */
export function recordsOf(changes: readonly Change[], timestamp: number): StoredRecord[] {
  return changes.map(({ key, value }, offset) => ({
    offset,
    timestamp,
    key: Buffer.concat([Buffer.from([0, 1]), key.subarray(2)]),
    value,
  }))
}

/** Offsets as a log gives them: one batch behind the other. */
export function appended(batches: readonly Uint8Array[], from = 0): Buffer {
  let offset = from
  return Buffer.concat(
    batches.map((batch) => {
      const copy = Buffer.from(batch)
      copy.writeBigInt64BE(BigInt(offset), 0)
      offset += copy.readInt32BE(23) + 1
      return copy
    }),
  )
}
