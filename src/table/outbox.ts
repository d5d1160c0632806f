// What has still to be sent of one table on one partition, kept in the batch of the cut that made
// it due: a crash between the cut and the sending repeats results, and loses none.
//
//   0 u16 │ "changed/" number    keys of the cells that the last cut changed, as packed rows
//   0 u16 │ "final/" number      stream time up to which closed windows were sent
import type { Store, StoreBatch } from './store.ts'

function outboxKey(kind: 'changed' | 'final', table: number): Buffer {
  return Buffer.from(`\0\0${kind}/${table}`)
}

/** Packed rows (batch/rows.ts) without values. */
export function readChanged(store: Store, table: number): Promise<Buffer | undefined> {
  return store.get(outboxKey('changed', table))
}

export function writeChanged(batch: StoreBatch, table: number, rows: Uint8Array): void {
  if (rows.length === 0) batch.delete(outboxKey('changed', table))
  else batch.put(outboxKey('changed', table), rows)
}

/** -1 before the first. */
export async function readFinalThrough(store: Store, table: number): Promise<number> {
  const text = await store.get(outboxKey('final', table))
  return text === undefined ? -1 : Number(text.toString())
}

export function writeFinalThrough(batch: StoreBatch, table: number, streamTimeMs: number): void {
  batch.put(outboxKey('final', table), Buffer.from(String(streamTimeMs)))
}
