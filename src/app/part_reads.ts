// Reading a partition of a table that another worker has: what is asked and answered over HTTP, and
// the keys in it. Stores number their tables by themselves, so what travels has one number for all.
import { KEY_TABLE_BYTES } from '../batch/keys.ts'
import { eachRow } from '../batch/rows.ts'
import { tableStart } from '../table/cell.ts'

/** The number of the table in keys that travel. */
export const PORTABLE_TABLE = 1

/** Most keys of one question, and rows of one answer. */
export const READ_KEYS_MAX = 1024
export const READ_ROWS_MAX = 1000

/** Keys are base64. Answered by packed values for `keys`, by packed rows for `scan`. */
export interface PartRead {
  readonly table: string
  readonly partition: number
  /** A copy, which may lag behind, will do. */
  readonly stale: boolean
  readonly keys?: readonly string[]
  readonly scan?: {
    readonly gte?: string
    readonly lt?: string
    readonly reverse: boolean
    readonly limit: number
  }
}

/** What an answer says where it is no rows. */
export interface ReadRefusal {
  readonly code: string
  readonly message: string
}

const META = Buffer.from([0, 0])

/**
 * The key in a store that has the table under `number`: also a bound behind the last key, and what
 * the store notes of the table ("retained/1").
 */
export function localKey(key: Buffer, number: number): Buffer {
  if (key.subarray(0, KEY_TABLE_BYTES).equals(META)) {
    const [name] = key.toString('utf8', KEY_TABLE_BYTES).split('/')
    return Buffer.concat([META, Buffer.from(`${name}/${number}`)])
  }
  const table = key.readUInt16BE(0) - PORTABLE_TABLE + number
  return Buffer.concat([tableStart(table), key.subarray(KEY_TABLE_BYTES)])
}

/** Gives packed rows of a store the number that travels, in place. */
export function makePortable(rows: Uint8Array): void {
  eachRow(rows, (_op, keyStart) => {
    rows[keyStart] = PORTABLE_TABLE >>> 8
    rows[keyStart + 1] = PORTABLE_TABLE & 255
  })
}
