// Loads of stores that take rows one by one. Called by stores.
import assert from 'node:assert/strict'
import { rowEnd, rowsByKey } from './row_order.ts'
import type { Store, StoreLoad } from './store.ts'

/**
 * Rows that are put in the order of their keys; twice as much is in memory. The more there are, the
 * less often compaction goes through what was loaded before.
 */
const SORT_BYTES = 32 << 20
const BATCH_BYTES = 512 * 1024

/** A batch for every buffer of rows. */
export function loadByBatches(store: Pick<Store, 'batch'>): StoreLoad {
  let isDone = false
  let last: Promise<unknown> = Promise.resolve()
  return {
    async putRows(rows) {
      assert(!isDone, 'load is done')
      const put = async () => {
        const batch = store.batch()
        await batch.putRows(rows)
        await batch.commit()
      }
      const putting = put()
      last = putting.catch(() => undefined)
      await putting
    },
    async finish() {
      assert(!isDone, 'load is done')
      isDone = true
      await last
    },
    async drop() {
      isDone = true
      await last
    },
  }
}

/**
 * Gathers rows and puts them in the order of their keys: in a memtable of RocksDB a row beside the
 * last one costs a third of one that is anywhere. The next are taken while they are written.
 */
export function loadSorted(store: Pick<Store, 'batch'>): StoreLoad {
  return new SortedLoad(store)
}

class SortedLoad implements StoreLoad {
  readonly #store: Pick<Store, 'batch'>
  #rows = new Uint8Array(SORT_BYTES)
  /** Rows that are being written, and then room for others. */
  #spare = new Uint8Array(0)
  #length = 0
  #writing: Promise<void> = Promise.resolve()
  #isDone = false

  constructor(store: Pick<Store, 'batch'>) {
    this.#store = store
  }

  async putRows(rows: Uint8Array): Promise<void> {
    for (let at = 0; at < rows.length; ) {
      assert(!this.#isDone, 'load is done')
      const end = wholeRows(rows, at, SORT_BYTES - this.#length)
      this.#rows.set(rows.subarray(at, end), this.#length)
      this.#length += end - at
      at = end
      if (at < rows.length) at = await this.#makeRoom(rows, at)
    }
    assert(!this.#isDone, 'load is done')
  }

  async finish(): Promise<void> {
    assert(!this.#isDone, 'load is done')
    this.#isDone = true
    await this.#flush()
    await this.#writing
  }

  async drop(): Promise<void> {
    this.#isDone = true
    await this.#writing.catch(() => undefined)
  }

  /** For the row at `at`, which is written at once where it is too large; where to go on. */
  async #makeRoom(rows: Uint8Array, at: number): Promise<number> {
    const end = rowEnd(rows, at)
    await this.#flush()
    if (end - at <= SORT_BYTES) return at
    await this.#writing
    const batch = this.#store.batch()
    await batch.putRows(rows.subarray(at, end))
    await batch.commit()
    return end
  }

  /** Has the rows written; rejects with what made an earlier write fail. */
  async #flush(): Promise<void> {
    await this.#writing
    const rows = this.#rows
    this.#rows = this.#spare.length > 0 ? this.#spare : new Uint8Array(SORT_BYTES)
    this.#spare = rows
    this.#writing = this.#write(rows.subarray(0, this.#length))
    this.#length = 0
    // whoever waits for it next hears of it
    this.#writing.catch(() => undefined)
  }

  async #write(rows: Uint8Array): Promise<void> {
    const sorted = new Uint8Array(BATCH_BYTES)
    let length = 0
    let committing: Promise<void> = Promise.resolve()
    const put = async (some: Uint8Array) => {
      const batch = this.#store.batch()
      await batch.putRows(some)
      await committing
      committing = batch.commit()
      committing.catch(() => undefined)
    }
    for (const place of rowsByKey(rows)) {
      const end = rowEnd(rows, place)
      if (length > 0 && length + end - place > BATCH_BYTES) {
        await put(sorted.subarray(0, length))
        length = 0
      }
      if (end - place > BATCH_BYTES) await put(rows.subarray(place, end))
      else length = copyRow(rows, place, end, sorted, length)
    }
    if (length > 0) await put(sorted.subarray(0, length))
    await committing
  }
}

/** Up to here a loop copies faster than a native call with its view. */
const LOOP_COPY_MAX = 96

/** Returns the offset behind it. */
function copyRow(
  rows: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  if (to - from > LOOP_COPY_MAX) target.set(rows.subarray(from, to), at)
  else for (let i = from, j = at; i < to; i++, j++) target[j] = rows[i]
  return at + to - from
}

/** End of the rows from `at` on that fit into that room. */
function wholeRows(rows: Uint8Array, at: number, room: number): number {
  if (rows.length - at <= room) return rows.length
  let end = at
  for (;;) {
    const next = rowEnd(rows, end)
    if (next - at > room) return end
    end = next
  }
}
