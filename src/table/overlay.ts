// Rows of a cut on their way, over the store that will have them: what a table holds as of the cut,
// before it is written. Filled by the cut; results (changes.ts, final.ts) are read through it.
import { eachRow, ROW_DELETE } from '../batch/rows.ts'
import type { ScanOptions, StoreEntry, StoreReads } from './store.ts'

interface Pending {
  readonly key: Buffer
  /** Undefined: deleted. */
  readonly value: Buffer | undefined
}

/**
 * Reads a store as if the rows were in it. Cost: the rows' bytes, two views a row, one sort when it
 * is first read after rows were added.
 */
export class Overlay implements StoreReads {
  /** What was added, packed. */
  readonly rows: Uint8Array[] = []
  readonly #store: StoreReads
  /** In the order of their keys, each once, while `#added` is empty. */
  #ordered: Pending[] = []
  #added: Pending[] = []

  constructor(store: StoreReads) {
    this.#store = store
  }

  /** Copies packed rows (batch/rows.ts), puts and deletes; the last of a key counts. */
  add(rows: Uint8Array): void {
    const copy = Buffer.from(rows)
    this.rows.push(copy)
    eachRow(copy, (op, keyStart, keyEnd, valueEnd) => {
      const value = op === ROW_DELETE ? undefined : copy.subarray(keyEnd, valueEnd)
      this.#added.push({ key: copy.subarray(keyStart, keyEnd), value })
    })
  }

  async get(key: Uint8Array): Promise<Buffer | undefined> {
    const row = this.#find(key)
    return row === undefined ? this.#store.get(key) : row.value
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    const rows = keys.map((key) => this.#find(key))
    const missing = keys.filter((_, index) => rows[index] === undefined)
    if (missing.length === 0) return rows.map((row) => row?.value)
    const stored = await this.#store.getMany(missing)
    let next = 0
    return rows.map((row) => (row === undefined ? stored[next++] : row.value))
  }

  async *scan(options: ScanOptions): AsyncGenerator<StoreEntry, void> {
    const { gte, lt, reverse = false, limit = Number.POSITIVE_INFINITY } = options
    const rows = this.#sorted()
    const first = gte === undefined ? 0 : lowerBound(rows, gte)
    const end = lt === undefined ? rows.length : lowerBound(rows, lt)
    const step = reverse ? -1 : 1
    let at = reverse ? end - 1 : first
    let left = limit < 0 ? Number.POSITIVE_INFINITY : limit
    const isIn = (): boolean => at >= first && at < end
    if (left === 0) return
    // each row of ours may hide one of the store's
    const enough = Number.isFinite(left) ? { limit: left + Math.max(0, end - first) } : {}
    const { limit: _, ...bounds } = options
    for await (const entry of this.#store.scan({ ...bounds, ...enough })) {
      let order = -1
      for (; isIn() && order < 0; at += step) {
        order = Buffer.compare(rows[at].key, entry[0]) * step
        if (order > 0) break
        const { key, value } = rows[at]
        if (value === undefined) continue
        yield [key, value]
        if (--left === 0) return
      }
      if (order === 0) continue
      yield entry
      if (--left === 0) return
    }
    for (; isIn(); at += step) {
      const { key, value } = rows[at]
      if (value === undefined) continue
      yield [key, value]
      if (--left === 0) return
    }
  }

  #find(key: Uint8Array): Pending | undefined {
    const rows = this.#sorted()
    const row = rows[lowerBound(rows, key)]
    return row !== undefined && Buffer.compare(row.key, key) === 0 ? row : undefined
  }

  #sorted(): readonly Pending[] {
    if (this.#added.length === 0) return this.#ordered
    // stable: of equal keys the last stays the last
    const all = [...this.#ordered, ...this.#added].sort((a, b) => Buffer.compare(a.key, b.key))
    this.#added = []
    const isLast = ({ key }: Pending, index: number): boolean =>
      index + 1 === all.length || !key.equals(all[index + 1].key)
    this.#ordered = all.filter(isLast)
    return this.#ordered
  }
}

/** Index of the first row whose key is not below `key`. */
function lowerBound(rows: readonly Pending[], key: Uint8Array): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (Buffer.compare(rows[middle].key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
