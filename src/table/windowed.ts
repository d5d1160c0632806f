// Windows of one partition of a windowed table, composed from the cells of their slices. Called by
// table.ts, changes.ts and final.ts. A cell counts for the windows of its slice that were still
// open when its records came (openFrom); a window exists when at least one cell counts for it.
import { setImmediate } from 'node:timers/promises'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow, lastWindow } from '../kernel/slices.ts'
import type { StateLayout } from '../kernel/state.ts'
import {
  type Cell,
  Merged,
  readCell,
  sliceBound,
  type TableLayout,
  type TablePart,
  type WindowState,
} from './cell.ts'
import { cellsOfKey, eachCellOfKey, newestSlice } from './lookup.ts'
import { readRetained } from './meta.ts'

export interface WindowedLayout extends TableLayout {
  readonly window: WindowPlan
}

/** Bounds on the starts of windows: from ≤ start < to. Infinite where not given. */
export interface WindowRange {
  readonly from?: number
  readonly to?: number
  /** Only this key: looked up, not scanned for. */
  readonly key?: Uint8Array
  /** Only these keys (latin1 of their bytes). */
  readonly keys?: ReadonlySet<string>
}

/** Cells merged between two turns of the event loop. */
const TURN_CELLS = 10_000

/** Windows in the order (start, key bytes), as of one moment; expired ones are left out. */
export async function* eachWindow(
  part: TablePart,
  table: WindowedLayout,
  range: WindowRange,
): AsyncGenerator<WindowState, void> {
  const { window } = table
  // Where cells may begin; not from the table's start, to pass nothing that expiry has deleted.
  const oldest = await readRetained(part.store, part.number)
  const from = Math.max(oldest, windowFrom(window, range.from ?? Number.NEGATIVE_INFINITY))
  const to = windowFrom(window, range.to ?? Number.POSITIVE_INFINITY)
  if (!(from < to)) return
  const cells = range.key
    ? eachCellOfKey(part, window, range.key, from, to - window.stepMs + window.sizeMs)
    : scanCells(part, window, from, to - window.stepMs + window.sizeMs, range.keys)
  const windows =
    window.sizeMs === window.stepMs ? tumbling(cells) : composed(table, cells, from, to)
  // Read once a scan has its view of the store: whatever expires later is still whole in that view.
  let retained: number | undefined
  for await (const found of windows) {
    retained ??= await readRetained(part.store, part.number)
    if (found.start! >= retained) yield found
  }
}

/** Start of the first window that starts at or after `t`; never -0. */
function windowFrom(window: WindowPlan, t: number): number {
  return Math.ceil(t / window.stepMs) * window.stepMs + 0
}

async function* scanCells(
  part: TablePart,
  window: WindowPlan,
  from: number,
  to: number,
  keys: ReadonlySet<string> | undefined,
): AsyncGenerator<Cell, void> {
  const bounds = { gte: sliceBound(part.number, from), lt: sliceBound(part.number, to) }
  for await (const entry of part.store.scan(bounds)) {
    const cell = readCell(window, entry)
    if (!keys || keys.has(cell.key.toString('latin1'))) yield cell
  }
}

async function* tumbling(cells: AsyncIterable<Cell>): AsyncGenerator<WindowState, void> {
  for await (const { key, slice, state } of cells) yield { key, start: slice, state }
}

interface HeldCell {
  /** latin1 of the key's bytes: orders as they do. */
  readonly key: string
  readonly openFrom: number
  readonly state: Buffer
}

/** A slice's cells while windows that hold it are yet to come. */
interface HeldSlice {
  readonly start: number
  readonly cells: HeldCell[]
}

/** Memory: the cells of one window, whatever the length of the range. */
async function* composed(
  { layout, window }: WindowedLayout,
  cells: AsyncIterable<Cell>,
  from: number,
  to: number,
): AsyncGenerator<WindowState, void> {
  const held: HeldSlice[] = []
  let next = from
  for await (const { key, slice, openFrom, state } of cells) {
    if (held.at(-1)?.start !== slice) {
      // Windows that end at or before this slice are complete; those before the first held are
      // empty.
      while (held.length > 0 && next + window.sizeMs <= slice) {
        yield* composeWindow(layout, window, next, held)
        next = advance(window, next, held)
      }
      if (held.length === 0) next = Math.max(next, firstWindow(window, slice))
      held.push({ start: slice, cells: [] })
    }
    held[held.length - 1].cells.push({ key: key.toString('latin1'), openFrom, state })
  }
  while (held.length > 0 && next < to) {
    yield* composeWindow(layout, window, next, held)
    next = advance(window, next, held)
  }
}

/** The next window that can hold something; forgets the slices before it. */
function advance(window: WindowPlan, current: number, held: HeldSlice[]): number {
  const next = current + window.stepMs
  while (held.length > 0 && held[0].start < next) held.shift()
  return held.length > 0 ? Math.max(next, firstWindow(window, held[0].start)) : next
}

async function* composeWindow(
  layout: StateLayout,
  window: WindowPlan,
  start: number,
  held: readonly HeldSlice[],
): AsyncGenerator<WindowState, void> {
  const states = new Map<string, Merged>()
  let merged = 0
  for (const slice of held) {
    if (slice.start >= start + window.sizeMs) break
    for (const { key, openFrom, state } of slice.cells) {
      if (openFrom > start) continue
      const sum = states.get(key)
      if (sum) sum.add(state)
      else states.set(key, new Merged(layout, state))
      if (++merged % TURN_CELLS === 0) await setImmediate()
    }
  }
  for (const key of [...states.keys()].sort())
    yield { key: Buffer.from(key, 'latin1'), start, state: states.get(key)!.state }
}

/** The state of one window from cells of one key; undefined when none counts for it. */
function windowOf(
  { layout, window }: WindowedLayout,
  key: Uint8Array,
  start: number,
  cells: readonly Cell[],
): WindowState | undefined {
  let sum: Merged | undefined
  for (const { slice, openFrom, state } of cells) {
    if (slice < start || slice >= start + window.sizeMs || openFrom > start) continue
    if (sum) sum.add(state)
    else sum = new Merged(layout, state)
  }
  return sum && { key: Buffer.from(key), start, state: sum.state }
}

/** The window with the largest start in which the key has anything. Cost: see newestSlice. */
export async function newestWindow(
  part: TablePart,
  table: WindowedLayout,
  key: Uint8Array,
): Promise<WindowState | undefined> {
  const slice = await newestSlice(part, table.window, key)
  if (slice === undefined) return undefined
  const start = lastWindow(table.window, slice)
  const cells = await cellsOfKey(part, table.window, key, start, start + table.window.sizeMs)
  const retained = await readRetained(part.store, part.number)
  return start < retained ? undefined : windowOf(table, key, start, cells)
}

/** Every window of the key that holds the time `at`, oldest first. */
export async function windowsAt(
  part: TablePart,
  table: WindowedLayout,
  key: Uint8Array,
  at: number,
): Promise<WindowState[]> {
  const { window } = table
  const first = firstWindow(window, at)
  const last = lastWindow(window, at)
  const cells = await cellsOfKey(part, window, key, first, last + window.sizeMs)
  const retained = await readRetained(part.store, part.number)
  const found: WindowState[] = []
  for (let start = first; start <= last; start += window.stepMs) {
    const state = start < retained ? undefined : windowOf(table, key, start, cells)
    if (state) found.push(state)
  }
  return found
}
