// Rows of tables of sets, one for each member, in the store's order: members of a key follow each
// other. Read by agent_set.ts, and from stores on disk.
import { tableStart } from './cell.ts'
import type { StoreEntry } from './store.ts'

/** A key, and its members; their bytes. */
export type StoredSet = readonly [key: Buffer, members: Buffer[]]

/** In front of the members of the key. */
export function setBound(table: number, key: Uint8Array): Buffer {
  return Buffer.concat([tableStart(table), Buffer.from([key.length >>> 8, key.length & 255]), key])
}

/** Bounds of the members of the key. */
export function setRange(table: number, key: Uint8Array): [gte: Buffer, lt: Buffer] {
  const gte = setBound(table, key)
  const lt = Buffer.from(gte)
  // the next key of this length; the length itself is never all ones
  let at = lt.length - 1
  while (lt[at] === 255) lt[at--] = 0
  lt[at]++
  return [gte, lt]
}

/** Each key once. Memory: the members of one. */
export async function* setsOf(entries: AsyncIterable<StoreEntry>): AsyncGenerator<StoredSet, void> {
  let set: StoredSet | undefined
  for await (const [rowKey] of entries) {
    const keyEnd = 4 + ((rowKey[2] << 8) | rowKey[3])
    const key = rowKey.subarray(4, keyEnd)
    const member = Buffer.from(rowKey.subarray(keyEnd))
    if (set?.[0].equals(key)) set[1].push(member)
    else {
      if (set !== undefined) yield set
      set = [Buffer.from(key), [member]]
    }
  }
  if (set !== undefined) yield set
}
