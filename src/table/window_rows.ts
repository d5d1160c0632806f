// Rows of windows from several partitions in one order: by start of the window, then by the bytes
// of the key. Called by agent_windowed.ts.
import { WINDOW_START_BYTES, windowBound, windowStartOf } from './agent_row_keys.ts'
import { tableEnd } from './cell.ts'
import type { StoreEntry } from './store.ts'

/** Below every window. */
export const FIRST_START = -Number.MAX_SAFE_INTEGER

export type StoreRow = readonly [key: Buffer, value: Buffer, start: number]

/** Bounds of the rows of windows with from ≤ start < to. */
export function windowRange(
  table: number,
  from = FIRST_START,
  to = Number.POSITIVE_INFINITY,
): [gte: Buffer, lt: Buffer] {
  const gte = windowBound(table, Math.max(FIRST_START, Math.ceil(from)))
  return [gte, to > -FIRST_START ? tableEnd(table) : windowBound(table, Math.ceil(to))]
}

/** Those of one partition, in its order; `wanted`: only of this key. */
export async function* rowsOf(
  entries: AsyncIterable<StoreEntry>,
  wanted: Uint8Array | undefined,
): AsyncGenerator<StoreRow, void> {
  for await (const [rowKey, value] of entries) {
    const key = rowKey.subarray(WINDOW_START_BYTES)
    if (wanted === undefined || key.equals(wanted)) yield [key, value, windowStartOf(rowKey)]
  }
}

/** Cost: a row of each source in memory, and a look at each of them a row. */
export async function* inOrder(
  sources: readonly AsyncGenerator<StoreRow, void>[],
): AsyncGenerator<StoreRow, void> {
  const heads: { readonly row: StoreRow; readonly source: AsyncGenerator<StoreRow, void> }[] = []
  try {
    for (const source of sources) {
      const { done, value } = await source.next()
      if (done !== true) heads.push({ row: value, source })
    }
    while (heads.length > 0) {
      let least = 0
      for (let i = 1; i < heads.length; i++)
        if (compare(heads[i].row, heads[least].row) < 0) least = i
      const { row, source } = heads[least]
      const { done, value } = await source.next()
      if (done === true) heads.splice(least, 1)
      else heads[least] = { row: value, source }
      yield row
    }
  } finally {
    for (const source of sources) await source.return()
  }
}

function compare([aKey, , aStart]: StoreRow, [bKey, , bStart]: StoreRow): number {
  return aStart - bStart || Buffer.compare(aKey, bKey)
}
