// Results of windows that have closed: `perPage.final()`. Called after a cut, before expiry.

import { firstOpenWindow } from '../kernel/slices.ts'
import type { TablePart, WindowState } from './cell.ts'
import { eachWindow, type WindowedLayout } from './windowed.ts'

/**
 * Windows with before < end + grace ≤ after, by start and key: consecutive stream times of a
 * partition give every window exactly once (-1 before the first record). No record can change them
 * any more.
 */
export function closedWindows(
  part: TablePart,
  table: WindowedLayout,
  beforeMs: number,
  afterMs: number,
): AsyncIterable<WindowState> {
  const from = firstOpenWindow(table.window, beforeMs)
  const to = firstOpenWindow(table.window, afterMs)
  return eachWindow(part, table, { from, to })
}
