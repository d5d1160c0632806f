// One partition of a table in its store: ranges of its keys, and cells as rows of the store. Called
// by everything that reads or expires tables.
import {
  KEY_TABLE_BYTES,
  KEY_WINDOW_BYTES,
  readSkipped,
  readSliceStart,
  writeWindowPrefix,
} from '../batch/keys.ts'
import { mergeStates } from '../kernel/aggregates.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow, lastWindow } from '../kernel/slices.ts'
import type { StateLayout } from '../kernel/state.ts'
import type { StoreEntry, StoreReads } from './store.ts'

/** Where one partition of a table is kept. */
export interface TablePart {
  readonly store: StoreReads
  /** Number of the table in this store (meta.ts). */
  readonly number: number
}

/** What the bytes of a table's cells mean. */
export interface TableLayout {
  readonly layout: StateLayout
  /** Undefined: one cell a key. */
  readonly window: WindowPlan | undefined
}

/** A row of a windowed table. */
export interface Cell {
  readonly key: Buffer
  readonly slice: number
  /** Start of the oldest window that the cell's records are in. */
  readonly openFrom: number
  readonly state: Buffer
}

/** A window's state for one key; without windows `start` is undefined. */
export interface WindowState {
  readonly key: Buffer
  readonly start: number | undefined
  /** Not to be written to: it may be the store's own. */
  readonly state: Buffer
}

/** Below every key of the table. */
export function tableStart(table: number): Buffer {
  return Buffer.from([table >>> 8, table & 255])
}

/** Above every key of the table. */
export function tableEnd(table: number): Buffer {
  return tableStart(table + 1)
}

export function plainKey(table: number, key: Uint8Array): Buffer {
  return Buffer.concat([tableStart(table), key])
}

/** Key of a cell; without `key`, the bound below every cell of the slice and what it skipped. */
export function cellKey(table: number, slice: number, skipped: number, key?: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafeSlow(KEY_WINDOW_BYTES + (key?.length ?? 0))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  writeWindowPrefix(view, 0, table, BigInt(slice), skipped)
  if (key) bytes.set(key, KEY_WINDOW_BYTES)
  return bytes
}

/**
 * Bound below every cell of slices that start at `slice` or later; ±Infinity for the table's ends.
 */
export function sliceBound(table: number, slice: number): Buffer {
  if (slice === Number.NEGATIVE_INFINITY) return tableStart(table)
  if (slice === Number.POSITIVE_INFINITY) return tableEnd(table)
  return cellKey(table, slice, 0)
}

export function readCell(window: WindowPlan, [key, state]: StoreEntry): Cell {
  const slice = readSliceStart(key)
  return {
    key: key.subarray(KEY_WINDOW_BYTES),
    slice,
    openFrom: firstWindow(window, slice) + readSkipped(key) * window.stepMs,
    state,
  }
}

export function readPlain([key, state]: StoreEntry): WindowState {
  return { key: key.subarray(KEY_TABLE_BYTES), start: undefined, state }
}

/** How many different `skipped` a slice can have. */
export function windowsPerSlice(window: WindowPlan): number {
  return (lastWindow(window, 0) - firstWindow(window, 0)) / window.stepMs + 1
}

/** One row of the range, the first or the last; undefined when it is empty. */
export async function edgeKey(
  store: StoreReads,
  gte: Buffer,
  lt: Buffer,
  reverse: boolean,
): Promise<Buffer | undefined> {
  for await (const [key] of store.scan({ gte, lt, reverse, limit: 1 })) return key
  return undefined
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Merges states one after the other; copies the first only when there is a second. */
export class Merged {
  readonly #layout: StateLayout
  #state: Buffer
  #own = false

  constructor(layout: StateLayout, state: Buffer) {
    this.#layout = layout
    this.#state = state
  }

  add(state: Buffer): void {
    if (!this.#own) this.#state = Buffer.from(this.#state)
    this.#own = true
    mergeStates(this.#layout, viewOf(this.#state), 0, viewOf(state), 0)
  }

  get state(): Buffer {
    return this.#state
  }
}
