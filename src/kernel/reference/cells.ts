// The cells of a reference lane: states in one growing buffer, found by slice, skipped windows and
// key; drained as packed rows. Only lane.ts calls it.
import assert from 'node:assert/strict'
import { KEY_TABLE_BYTES, KEY_WINDOW_BYTES, writeWindowPrefix } from '../../batch/keys.ts'
import { eachRow, ROW_DELTA, ROW_HEADER_BYTES, ROW_PUT, writeRow } from '../../batch/rows.ts'
import { mergeStates } from '../aggregates.ts'
import type { WindowPlan } from '../plan.ts'
import { skippedFor } from '../slices.ts'
import { emptyState, type StateLayout } from '../state.ts'

export interface Cell {
  /** Key of its row in the store. */
  readonly rowKey: Uint8Array
  /** Byte offset of its state. */
  readonly at: number
  dirty: boolean
  /** The state is a difference to what the store may hold. */
  delta: boolean
}

export interface CellsOptions {
  readonly table: number
  readonly layout: StateLayout
  readonly window: WindowPlan | undefined
  /** Cells may take about this much before `full`; grow doubles it up to budgetBytes. */
  readonly roomBytes: number
  readonly budgetBytes: number
  /** Size of the buffer of drained rows. */
  readonly drainBytes: number
}

/** What V8 spends on a cell beside its key and state: object, key array, map entry. */
const CELL_OVERHEAD_BYTES = 200
const LIKELY_KEY_BYTES = 40

/** Cells of one slice by the number of skipped windows, then by the text of the key. */
type Slice = (Map<string, Cell> | undefined)[]

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

export class Cells {
  readonly #options: CellsOptions
  readonly #empty: Uint8Array
  readonly #slices = new Map<number, Slice>()
  #roomBytes: number
  #usedBytes = 0
  #states = new Uint8Array(4096)
  /** Over #states; replaced when that grows. */
  view = new DataView(this.#states.buffer)
  #free: number[] = []
  #freshAt = 0
  #dirty: Cell[] = []
  #dirtyHead = 0
  /** Cells drained as deltas and not absorbed since, by row key. */
  #lent = new Map<string, Cell>()
  #storedThroughMs = Number.NEGATIVE_INFINITY
  /** Among the rows of the last drain. */
  deltas = 0
  #rows: Uint8Array
  #rowBytes = 0

  constructor(options: CellsOptions) {
    this.#options = options
    this.#empty = emptyState(options.layout)
    this.#roomBytes = options.roomBytes
    this.#rows = new Uint8Array(options.drainBytes)
  }

  find(slice: number, skipped: number, text: string): Cell | undefined {
    return this.#slices.get(slice)?.[skipped]?.get(text)
  }

  /**
   * A new empty cell; undefined when there is no room. `text` is as good as `key` to tell cells
   * apart.
   */
  add(slice: number, skipped: number, text: string, key: Uint8Array): Cell | undefined {
    const bytes = this.#cellBytes(key.length)
    if (this.#usedBytes > 0 && this.#usedBytes + bytes > this.#roomBytes) return undefined
    this.#usedBytes += bytes
    let groups = this.#slices.get(slice)
    if (groups === undefined) this.#slices.set(slice, (groups = []))
    let cells = groups[skipped]
    if (cells === undefined) cells = groups[skipped] = new Map()
    const cell: Cell = {
      rowKey: this.#rowKey(slice, skipped, key),
      at: this.#takeState(),
      dirty: false,
      delta: this.#mayBeStored(slice),
    }
    cells.set(text, cell)
    return cell
  }

  touch(cell: Cell): void {
    if (cell.dirty) return
    cell.dirty = true
    this.#dirty.push(cell)
  }

  /** Counts them: one step for each slice and group. */
  size(): { readonly cells: number; readonly bytes: number } {
    let cells = 0
    for (const groups of this.#slices.values())
      for (const group of groups) cells += group?.size ?? 0
    return { cells, bytes: this.#usedBytes }
  }

  /** About what the dirty cells are as rows. */
  get dirtyBytes(): number {
    const perRow = ROW_HEADER_BYTES + KEY_WINDOW_BYTES + this.#empty.length + LIKELY_KEY_BYTES
    return (this.#dirty.length - this.#dirtyHead) * perRow
  }

  drain(): 'done' | 'full' {
    this.#rowBytes = 0
    this.deltas = 0
    const stateBytes = this.#empty.length
    while (this.#dirtyHead < this.#dirty.length) {
      const cell = this.#dirty[this.#dirtyHead]
      const need = ROW_HEADER_BYTES + cell.rowKey.length + stateBytes
      if (this.#rowBytes + need > this.#rows.length) {
        if (this.#rowBytes > 0) return 'full'
        this.#rows = new Uint8Array(need)
      }
      const state = this.#states.subarray(cell.at, cell.at + stateBytes)
      const op = cell.delta ? ROW_DELTA : ROW_PUT
      this.#rowBytes = writeRow(this.#rows, this.#rowBytes, op, cell.rowKey, state)
      cell.dirty = false
      if (cell.delta) {
        this.deltas++
        state.set(this.#empty)
        this.#lent.set(latin1(cell.rowKey), cell)
      }
      this.#dirtyHead++
    }
    this.#dirty = []
    this.#dirtyHead = 0
    return 'done'
  }

  rows(): Uint8Array {
    return this.#rows.subarray(0, this.#rowBytes)
  }

  /** Adds the stored states to the cells that were lent to the store as deltas. */
  absorb(rows: Uint8Array): void {
    const stored = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
    eachRow(rows, (_op, keyStart, keyEnd) => {
      const text = latin1(rows.subarray(keyStart, keyEnd))
      const cell = this.#lent.get(text)
      if (cell === undefined) return
      this.#lent.delete(text)
      mergeStates(this.#options.layout, this.view, cell.at, stored, keyEnd)
      cell.delta = false
    })
  }

  /** See LaneKernel.tidy. */
  dropClosed(streamTimeMs: number): void {
    assert.equal(this.#dirty.length, 0, 'cells are dropped only after everything was drained')
    const { window } = this.#options
    if (window === undefined) return
    this.#lent.clear()
    for (const [start, groups] of this.#slices) {
      const open = skippedFor(window, start, streamTimeMs)
      for (let skipped = 0; skipped < groups.length; skipped++)
        if (open < 0 || skipped < open) this.#drop(groups, skipped)
      if (groups.every((cells) => cells === undefined)) this.#slices.delete(start)
    }
  }

  /** See LaneKernel.evict. */
  evict(streamTimeMs: number): void {
    this.dropClosed(streamTimeMs)
    if (this.#options.window !== undefined && this.#usedBytes <= this.#roomBytes / 2) return
    let newest = Number.NEGATIVE_INFINITY
    for (const start of this.#slices.keys()) newest = Math.max(newest, start)
    this.clear(Math.max(this.#storedThroughMs, newest))
  }

  grow(): boolean {
    if (this.#roomBytes * 2 > this.#options.budgetBytes) return false
    this.#roomBytes *= 2
    return true
  }

  /** Forgets every cell; what the store may hold is known from `storedThroughMs`. */
  clear(storedThroughMs: number): void {
    this.#slices.clear()
    this.#usedBytes = 0
    this.#free = []
    this.#freshAt = 0
    this.#dirty = []
    this.#dirtyHead = 0
    this.#lent.clear()
    this.#storedThroughMs = storedThroughMs
  }

  #mayBeStored(slice: number): boolean {
    if (this.#options.window === undefined) return this.#storedThroughMs > Number.NEGATIVE_INFINITY
    return slice <= this.#storedThroughMs
  }

  #cellBytes(keyBytes: number): number {
    return CELL_OVERHEAD_BYTES + keyBytes + this.#empty.length
  }

  #drop(groups: Slice, skipped: number): void {
    const cells = groups[skipped]
    if (cells === undefined) return
    const prefix = this.#options.window === undefined ? KEY_TABLE_BYTES : KEY_WINDOW_BYTES
    for (const cell of cells.values()) {
      this.#free.push(cell.at)
      this.#usedBytes -= this.#cellBytes(cell.rowKey.length - prefix)
    }
    groups[skipped] = undefined
  }

  #takeState(): number {
    let at = this.#free.pop()
    if (at === undefined) {
      at = this.#freshAt
      this.#freshAt += this.#empty.length
      if (this.#freshAt > this.#states.length) {
        const grown = new Uint8Array(this.#states.length * 2)
        grown.set(this.#states)
        this.#states = grown
        this.view = new DataView(grown.buffer)
      }
    }
    this.#states.set(this.#empty, at)
    return at
  }

  #rowKey(slice: number, skipped: number, key: Uint8Array): Uint8Array {
    const windowed = this.#options.window !== undefined
    const prefix = windowed ? KEY_WINDOW_BYTES : KEY_TABLE_BYTES
    const rowKey = new Uint8Array(prefix + key.length)
    const view = new DataView(rowKey.buffer)
    if (windowed) writeWindowPrefix(view, 0, this.#options.table, BigInt(slice), skipped)
    else view.setUint16(0, this.#options.table)
    rowKey.set(key, prefix)
    return rowKey
  }
}
