// Results that a cut has changed: `perPage.changes()`. Called after a cut with the rows that it
// wrote.
import { KEY_TABLE_BYTES, KEY_WINDOW_BYTES, readSkipped, readSliceStart } from '../batch/keys.ts'
import { eachRow, ROW_DELETE } from '../batch/rows.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow, lastWindow } from '../kernel/slices.ts'
import { plainKey, type TableLayout, type TablePart, type WindowState } from './cell.ts'
import { eachWindow } from './windowed.ts'

/** Up to this many changed keys are looked up one by one; more are filtered from a scan. */
const LOOKUP_KEYS = 32
const PLAIN_KEYS = 512

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

  async *#plain(): AsyncGenerator<WindowState, void> {
    const keys = [...this.#changed.keys()].sort().map((text) => Buffer.from(text, 'latin1'))
    for (let at = 0; at < keys.length; at += PLAIN_KEYS) {
      const asked = keys.slice(at, at + PLAIN_KEYS)
      const states = await this.#part.store.getMany(
        asked.map((key) => plainKey(this.#part.number, key)),
      )
      for (const [index, state] of states.entries())
        if (state) yield { key: asked[index], start: undefined, state }
    }
  }
}
