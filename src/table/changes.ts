// Results that a cut has changed: `perPage.changes()`. Called after a cut with the rows that it
// wrote.
import { KEY_TABLE_BYTES, KEY_WINDOW_BYTES, readSkipped, readSliceStart } from '../batch/keys.ts'
import { eachRow, ROW_DELETE } from '../batch/rows.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow, lastWindow } from '../kernel/slices.ts'
import { cellKey, plainKey, type TableLayout, type TablePart, type WindowState } from './cell.ts'
import { readRetained } from './meta.ts'
import { eachWindow } from './windowed.ts'

/** Up to this many changed keys are looked up one by one; more are filtered from a scan. */
const LOOKUP_KEYS = 32
const CELLS_AT_ONCE = 512

/** Where all is that a window of a key has. */
interface CellPlace {
  readonly key: Buffer
  readonly start: number | undefined
  readonly cell: Buffer
}

/**
 * Collects what the rows of one cut change, each (key, window) once. Memory: one entry a changed
 * key and window. Used once: rows are added, then the results read back.
 */
export class ChangedWindows {
  readonly #part: TablePart
  readonly #table: TableLayout
  /** latin1 of the key's bytes → starts of its windows; empty without windows. */
  readonly #changed = new Map<string, Set<number>>()
  #from = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY

  constructor(part: TablePart, table: TableLayout) {
    this.#part = part
    this.#table = table
  }

  /**
   * Takes packed rows (batch/rows.ts) of the cut and copies what it needs; skips other tables'
   * rows.
   */
  add(rows: Uint8Array): void {
    const { number } = this.#part
    const { window } = this.#table
    const buffer = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)
    eachRow(rows, (op, keyStart, keyEnd) => {
      if (op === ROW_DELETE || buffer.readUInt16BE(keyStart) !== number) return
      const prefix = window ? KEY_WINDOW_BYTES : KEY_TABLE_BYTES
      const key = buffer.toString('latin1', keyStart + prefix, keyEnd)
      let starts = this.#changed.get(key)
      if (!starts) this.#changed.set(key, (starts = new Set()))
      if (window) this.#addWindows(window, buffer.subarray(keyStart, keyStart + prefix), starts)
    })
  }

  /** The changed windows as the store holds them now, by start and key bytes. */
  async *results(): AsyncGenerator<WindowState, void> {
    if (this.#changed.size === 0) return
    const { layout, window } = this.#table
    if (!window) {
      yield* this.#plain()
      return
    }
    if (window.sizeMs === window.stepMs) {
      yield* this.#tumbling()
      return
    }
    const keys = this.#changed
    const bounds = { from: this.#from, to: this.#last + window.stepMs }
    if (keys.size > LOOKUP_KEYS) {
      const wanted = new Set(keys.keys())
      const windows = eachWindow(this.#part, { layout, window }, { ...bounds, keys: wanted })
      for await (const found of windows)
        if (keys.get(found.key.toString('latin1'))?.has(found.start!)) yield found
      return
    }
    const found: WindowState[] = []
    for (const [text, starts] of keys) {
      const range = { ...bounds, key: Buffer.from(text, 'latin1') }
      for await (const state of eachWindow(this.#part, { layout, window }, range))
        if (starts.has(state.start!)) found.push(state)
    }
    yield* found.sort((a, b) => a.start! - b.start! || Buffer.compare(a.key, b.key))
  }

  #addWindows(window: WindowPlan, prefix: Buffer, starts: Set<number>): void {
    const slice = readSliceStart(prefix)
    const first = firstWindow(window, slice) + readSkipped(prefix) * window.stepMs
    const last = lastWindow(window, slice)
    for (let start = first; start <= last; start += window.stepMs) starts.add(start)
    this.#from = Math.min(this.#from, first)
    this.#last = Math.max(this.#last, last)
  }

  #plain(): AsyncGenerator<WindowState, void> {
    const { number } = this.#part
    const places = [...this.#changed.keys()].sort().map((text) => {
      const key = Buffer.from(text, 'latin1')
      return { key, start: undefined, cell: plainKey(number, key) }
    })
    return this.#lookedUp(places)
  }

  /** A window is one cell, and that a row of the cut: what has not changed costs nothing. */
  async *#tumbling(): AsyncGenerator<WindowState, void> {
    const { store, number } = this.#part
    const retained = await readRetained(store, number)
    const places = [...this.#changed].flatMap(([text, starts]) => {
      const key = Buffer.from(text, 'latin1')
      return [...starts]
        .filter((start) => start >= retained)
        .map((start) => ({ key, start, cell: cellKey(number, start, 0, key) }))
    })
    yield* this.#lookedUp(places.sort((a, b) => Buffer.compare(a.cell, b.cell)))
  }

  async *#lookedUp(places: readonly CellPlace[]): AsyncGenerator<WindowState, void> {
    for (let at = 0; at < places.length; at += CELLS_AT_ONCE) {
      const asked = places.slice(at, at + CELLS_AT_ONCE)
      const states = await this.#part.store.getMany(asked.map(({ cell }) => cell))
      for (const [index, state] of states.entries())
        if (state) yield { key: asked[index].key, start: asked[index].start, state }
    }
  }
}
