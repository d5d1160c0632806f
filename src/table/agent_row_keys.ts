// How the rows of agents' tables are keyed: in memory by a group and a key, in a store by bytes.
// Made once a table, by whoever declares it.
//
//              group          key      behind the table's number
//   plain      always 0       key      key bytes
//   windowed   window start   key      start i64, sign flipped │ key bytes
//   sets       key            member   length of the key u16 │ key bytes │ member bytes
import { readSliceStart, writeWindowPrefix } from '../batch/keys.ts'
import type { JsonBytes } from '../record/json_bytes.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import { tableStart } from './cell.ts'
import { setBound } from './set_rows.ts'

export interface RowKeys {
  /** What decides the partition. */
  placed(group: CacheKey, key: CacheKey): Uint8Array
  /** The row's key in a store. */
  encode(table: number, group: CacheKey, key: CacheKey): Buffer
  /** Appends the same, behind the table's number. */
  write(to: JsonBytes, group: CacheKey, key: CacheKey): void
}

/** The group of all rows of a plain table. */
export const PLAIN = 0

export function plainRowKeys(keys: KeyForm<unknown>): RowKeys {
  return {
    placed: (_, key) => keys.encode(key),
    encode: (table, _, key) => Buffer.concat([tableStart(table), keys.encode(key)]),
    write: (to, _, key) => keys.write(to, key),
  }
}

/** Table and start of the window. */
export const WINDOW_START_BYTES = 2 + 8

export function windowRowKeys(keys: KeyForm<unknown>): RowKeys {
  // rows of one window mostly follow each other
  let head = windowBound(0, 0)
  let headStart = 0
  return {
    placed: (_, key) => keys.encode(key),
    encode: (table, start, key) =>
      Buffer.concat([windowBound(table, start as number), keys.encode(key)]),
    write(to, start, key) {
      if (start !== headStart) head = windowBound(0, start as number)
      headStart = start as number
      to.raw(head.subarray(2))
      keys.write(to, key)
    },
  }
}

/** Below every row of windows that start there or later. */
export function windowBound(table: number, start: number): Buffer {
  const bytes = Buffer.alloc(WINDOW_START_BYTES + 2)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  writeWindowPrefix(view, 0, table, BigInt(start), 0)
  return bytes.subarray(0, WINDOW_START_BYTES)
}

/** Of a row's key in a store. */
export function windowStartOf(key: Uint8Array): number {
  return readSliceStart(key)
}

export function setRowKeys(keys: KeyForm<unknown>, members: KeyForm<unknown>): RowKeys {
  return {
    placed: (key) => keys.encode(key),
    encode: (table, key, member) =>
      Buffer.concat([setBound(table, keys.encode(key)), members.encode(member)]),
    write(to, key, member) {
      to.raw(setBound(0, keys.encode(key)).subarray(2))
      members.write(to, member)
    },
  }
}
