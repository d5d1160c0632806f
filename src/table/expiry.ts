// Forgets windows that nobody asks for any more, as a part of cuts: cells go from the store and,
// by tombstones, from the changelog together. One for each windowed table of an open partition.
//
//   cut n      kept = oldest window of its stream time        ─▶ "retained": reads begin there
//   cut n + 1  cells below it are deleted, some with each cut ─▶ "expired": none is left below
//
// A cut later, because only then no row of a cut under way can be below: its records were too late.
import { readSliceStart } from '../batch/keys.ts'
import { eachRow, ROW_DELETE, writeRow } from '../batch/rows.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import { firstWindow } from '../kernel/slices.ts'
import { sliceBound, type TablePart } from './cell.ts'
import { readExpired, readRetained, writeExpired, writeRetained } from './meta.ts'
import type { Store, StoreBatch } from './store.ts'

/**
 * Cells that a cut deletes at least, where so many have expired. A cut that writes more deletes
 * twice as many as it writes, so that a table does not grow.
 */
export const EXPIRED_ROWS_MIN = 10_000

/** What expires with one cut. */
export interface ExpiredCells {
  /** Packed deletes, for the changelog. Undefined: only marks move. */
  readonly tombstones: Uint8Array | undefined
  /** To be part of the cut's batch: deletes the cells and moves the marks. */
  apply(batch: StoreBatch): Promise<void>
  /** The batch is written. */
  written(): void
}

interface Marks {
  /** Start of the oldest window that reads show. */
  readonly retainedMs: number
  /** No cell of a slice below it is left. */
  readonly expiredMs: number
  /** Nor one below this key: in a slice of many cells, it goes on where the last cut ended. */
  readonly from: Buffer
}

export class Expiry {
  readonly #part: TablePart & { readonly store: Store }
  readonly #window: WindowPlan
  /** As the store has them; undefined before they are read. */
  #marks: Marks | undefined

  constructor(part: TablePart & { readonly store: Store }, window: WindowPlan) {
    this.#part = part
    this.#window = window
  }

  /** Cells wait to be deleted, also where nothing else brings a cut. */
  get isBehind(): boolean {
    return this.#marks !== undefined && this.#marks.expiredMs < this.#marks.retainedMs
  }

  /**
   * What expires with the cut of that stream time (-1: none yet), at most `rowsMax` cells;
   * undefined when nothing does. Only reads the store: the cut may be given up, and this called
   * again.
   */
  async take(streamTimeMs: number, rowsMax: number): Promise<ExpiredCells | undefined> {
    const marks = await this.#read()
    const retainedMs = Math.max(marks.retainedMs, this.#keptAt(streamTimeMs))
    if (retainedMs === marks.retainedMs && !this.isBehind) return undefined
    const { rows, next } = await this.#below(marks, rowsMax)
    const tombstones = rows.length > 0 ? rows : undefined
    const moved = { ...next, retainedMs }
    return {
      tombstones,
      apply: async (batch) => {
        const { number } = this.#part
        if (tombstones !== undefined) await batch.putRows(tombstones)
        writeRetained(batch, number, retainedMs)
        if (next.expiredMs > Number.NEGATIVE_INFINITY) writeExpired(batch, number, next.expiredMs)
      },
      written: () => {
        this.#marks = moved
      },
    }
  }

  #keptAt(streamTimeMs: number): number {
    const { graceMs, retentionMs } = this.#window
    if (streamTimeMs < 0) return Number.NEGATIVE_INFINITY
    return firstWindow(this.#window, streamTimeMs - graceMs - retentionMs)
  }

  async #read(): Promise<Marks> {
    const { store, number } = this.#part
    if (this.#marks === undefined) {
      const retainedMs = await readRetained(store, number)
      const expiredMs = await readExpired(store, number)
      this.#marks = { retainedMs, expiredMs, from: sliceBound(number, expiredMs) }
    }
    return this.#marks
  }

  /** Deletes of the oldest cells, and how far that comes. */
  async #below(
    marks: Marks,
    rowsMax: number,
  ): Promise<{ rows: Uint8Array; next: Omit<Marks, 'retainedMs'> }> {
    const { store, number } = this.#part
    const bound = sliceBound(number, marks.retainedMs)
    const parts: Uint8Array[] = []
    let count = 0
    let last: Uint8Array | undefined
    if (this.isBehind) {
      for await (const rows of store.scanRows({ gte: marks.from, lt: bound, limit: rowsMax })) {
        const deletes = deletesOf(rows)
        parts.push(deletes.rows)
        count += deletes.count
        last = deletes.last
      }
    }
    const rows = Buffer.concat(parts)
    if (last === undefined || count < rowsMax)
      return { rows, next: { expiredMs: marks.retainedMs, from: bound } }
    const from = Buffer.concat([last, Buffer.alloc(1)])
    return { rows, next: { expiredMs: readSliceStart(last), from } }
  }
}

/** The keys of a chunk of rows, as deletes. */
export function deletesOf(rows: Uint8Array): { rows: Uint8Array; count: number; last: Uint8Array } {
  const none = new Uint8Array(0)
  const deletes = new Uint8Array(rows.length)
  let at = 0
  let count = 0
  let last: Uint8Array = none
  eachRow(rows, (_, keyStart, keyEnd) => {
    last = rows.subarray(keyStart, keyEnd)
    at = writeRow(deletes, at, ROW_DELETE, last, none)
    count++
  })
  return { rows: deletes.subarray(0, at), count, last }
}
