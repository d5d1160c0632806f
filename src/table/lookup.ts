// Cells of one key in one partition of a windowed table, without reading those of other keys.
// Called by windowed.ts. A key can have a cell in every slice and for every number of skipped
// windows; while that is few, all are asked for at once, else only the pairs that exist: one seek
// each.
import { readSkipped, readSliceStart } from '../batch/keys.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { lastWindow, sliceEnd, sliceStart } from '../kernel/slices.ts'
import {
  type Cell,
  cellKey,
  edgeKey,
  readCell,
  sliceBound,
  type TablePart,
  windowsPerSlice,
} from './cell.ts'

/** Keys of one getMany. */
const LOOKUPS_MAX = 512
/** Steps of one lookup where only existing pairs are asked for. */
const SEEK_STEPS = 64

/** Steps whose cells of one key fit one getMany; at least one. */
function stepsPerLookup(window: WindowPlan): number {
  const slices = window.sizeMs % window.stepMs === 0 ? 1 : 2
  return Math.floor(LOOKUPS_MAX / (slices * windowsPerSlice(window))) || SEEK_STEPS
}

/**
 * Keys of every cell that `key` could have in slices from ≤ slice < to; undefined if they are many.
 */
function candidates(
  part: TablePart,
  window: WindowPlan,
  key: Uint8Array,
  from: number,
  to: number,
): Buffer[] | undefined {
  const skips = windowsPerSlice(window)
  const keys: Buffer[] = []
  for (let slice = sliceStart(window, from); slice < to; slice = sliceEnd(window, slice)) {
    if (keys.length + skips > LOOKUPS_MAX) return undefined
    for (let skipped = 0; skipped < skips; skipped++)
      keys.push(cellKey(part.number, slice, skipped, key))
  }
  return keys
}

/** The same, of the pairs (slice, skipped) that exist in the store for any key. */
async function existing(
  part: TablePart,
  key: Uint8Array,
  from: number,
  to: number,
): Promise<Buffer[]> {
  const keys: Buffer[] = []
  const end = sliceBound(part.number, to)
  for (let at = sliceBound(part.number, from); ; ) {
    const found = await edgeKey(part.store, at, end, false)
    if (!found) return keys
    const slice = readSliceStart(found)
    const skipped = readSkipped(found)
    keys.push(cellKey(part.number, slice, skipped, key))
    at =
      skipped === 0xffff
        ? cellKey(part.number, slice + 1, 0)
        : cellKey(part.number, slice, skipped + 1)
  }
}

/** Cells of the key in slices from ≤ slice < to (finite, `from` the start of a slice), in order. */
export async function cellsOfKey(
  part: TablePart,
  window: WindowPlan,
  key: Uint8Array,
  from: number,
  to: number,
): Promise<Cell[]> {
  const keys = candidates(part, window, key, from, to) ?? (await existing(part, key, from, to))
  const cells: Cell[] = []
  for (let at = 0; at < keys.length; at += LOOKUPS_MAX) {
    const asked = keys.slice(at, at + LOOKUPS_MAX)
    const states = await part.store.getMany(asked)
    states.forEach((state, index) => {
      if (state) cells.push(readCell(window, [asked[index], state]))
    })
  }
  return cells
}

/**
 * Cells of the key in slices from ≤ slice < to (may be infinite), in order; skips gaps by a seek.
 */
export async function* eachCellOfKey(
  part: TablePart,
  window: WindowPlan,
  key: Uint8Array,
  from: number,
  to: number,
): AsyncGenerator<Cell, void> {
  const steps = stepsPerLookup(window)
  const end = sliceBound(part.number, to)
  for (let at = from; ; ) {
    const found = await edgeKey(part.store, sliceBound(part.number, at), end, false)
    if (!found) return
    const slice = readSliceStart(found)
    const next = Math.min(to, lastWindow(window, slice) + steps * window.stepMs)
    yield* await cellsOfKey(part, window, key, slice, next)
    at = next
  }
}

/**
 * Start of the newest slice in which the key has a cell. Cost: one seek and one getMany when it is
 * among the newest slices of the store, growing with the slices that lie after it.
 */
export async function newestSlice(
  part: TablePart,
  window: WindowPlan,
  key: Uint8Array,
): Promise<number | undefined> {
  const start = sliceBound(part.number, Number.NEGATIVE_INFINITY)
  let end = sliceBound(part.number, Number.POSITIVE_INFINITY)
  for (let steps = 1; ; steps = Math.min(steps * 4, stepsPerLookup(window))) {
    const found = await edgeKey(part.store, start, end, true)
    if (!found) return undefined
    const slice = readSliceStart(found)
    const from = lastWindow(window, slice) - (steps - 1) * window.stepMs
    const cells = await cellsOfKey(part, window, key, from, slice + 1)
    if (cells.length > 0) return cells[cells.length - 1].slice
    end = sliceBound(part.number, from)
  }
}
