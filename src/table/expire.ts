// Forgets windows that nobody asks for any more. Called after a cut, once the windows that it closed
// have been handed out (final.ts).
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow } from '../kernel/slices.ts'
import { sliceBound, type TablePart } from './cell.ts'
import { readRetained, writeRetained } from './meta.ts'

/**
 * Deletes the cells that only windows with end + grace + retention ≤ stream time need; resolves with
 * their number. Reads leave such windows out from the first moment, also those that share slices with
 * windows that are kept. May be stopped at any point and called again. Cost: about 1 µs a deleted row,
 * in slices.
 */
export async function expireWindows(
  { store, number }: TablePart,
  window: WindowPlan,
  streamTimeMs: number,
): Promise<number> {
  const kept = firstWindow(window, streamTimeMs - window.graceMs - window.retentionMs)
  if (kept > (await readRetained(store, number))) {
    const batch = store.batch()
    writeRetained(batch, number, kept)
    await batch.commit()
  }
  return store.deleteRange(sliceBound(number, Number.NEGATIVE_INFINITY), sliceBound(number, kept))
}
