// Forgets windows that nobody asks for any more. Called after a cut, once the windows that it
// closed have been handed out (final.ts).
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow } from '../kernel/slices.ts'
import { sliceBound, type TablePart } from './cell.ts'
import { readExpired, readRetained, writeExpired, writeRetained } from './meta.ts'
import type { Store, StoreBatch } from './store.ts'

/**
 * Deletes the cells that only windows with end + grace + retention ≤ stream time need; resolves
 * with whether time had moved on so far that there can be some. Reads leave such windows out from
 * the first moment, also those that share slices with windows that are kept. May be stopped at any
 * point and called again. Cost: two reads when nothing has expired since the last time, else one
 * write (native store) or about 1 µs a deleted row, in slices.
 */
export async function expireWindows(
  { store, number }: TablePart & { readonly store: Store },
  window: WindowPlan,
  streamTimeMs: number,
): Promise<boolean> {
  const put = async (write: (batch: StoreBatch) => void) => {
    const batch = store.batch()
    write(batch)
    await batch.commit()
  }
  const retained = await readRetained(store, number)
  const kept = firstWindow(window, streamTimeMs - window.graceMs - window.retentionMs)
  const upTo = Math.max(kept, retained)
  if (kept > retained) await put((batch) => writeRetained(batch, number, kept))
  // From where the last expiry ended: a scan from the table's start would pass all that was
  // deleted.
  const expired = await readExpired(store, number)
  if (upTo === expired) return false
  await store.deleteRange(sliceBound(number, expired), sliceBound(number, upTo))
  await put((batch) => writeExpired(batch, number, upTo))
  return true
}
