// Tables as a test reads them: once everything has happened that can without time passing. Made by
// TestDriver.
import type { RangeQuery } from '../ingest/aggregation.ts'
import type { ResultTable } from '../stream/results.ts'
import type { Table } from '../stream/table.ts'

/** Resolves when all has happened that can; rejects with what has failed. */
type Settled = () => Promise<void>

/** A table that agents write. Its calls reject as TestDriver.settle and as those of Table. */
export class DriverTable<K, V, Missing extends V | undefined> {
  readonly #table: Table<K, V, Missing>
  readonly #settled: Settled

  /** Made by TestDriver.table(). */
  constructor(table: Table<K, V, Missing>, settled: Settled) {
    this.#table = table
    this.#settled = settled
  }

  /** Undefined, or the default, where the table does not have the key. */
  async get(key: K): Promise<V | Missing> {
    await this.#settled()
    return this.#table.get(key)
  }

  /** Whether the table holds the key; a default does not count. */
  async has(key: K): Promise<boolean> {
    await this.#settled()
    return this.#table.has(key)
  }

  /** All keys and values, in no order. */
  async entries(): Promise<[key: K, value: V][]> {
    await this.#settled()
    const entries: [K, V][] = []
    for await (const entry of this.#table.entries()) entries.push(entry)
    return entries
  }
}

/** The table of an aggregation. Its calls reject as TestDriver.settle and those of ResultTable. */
export class DriverResults<Key, Row, Windowed> {
  readonly #table: ResultTable<Key, Row, Windowed>
  readonly #settled: Settled

  /** Made by TestDriver.table(). */
  constructor(table: ResultTable<Key, Row, Windowed>, settled: Settled) {
    this.#table = table
    this.#settled = settled
  }

  /**
   * The row of the key, with windows that of the newest window, or of the newest one that holds the
   * time `at` (ms). Undefined where there is none.
   */
  async get(
    key: Key,
    { at }: Windowed extends true ? { readonly at?: number } : { readonly at?: never } = {},
  ): Promise<Row | undefined> {
    await this.#settled()
    if (at === undefined) return this.#table.get(key)
    return (await this.#table.windows(key, { at })).at(-1)
  }

  /** The rows of all windows of the key that hold the time `at` (ms), oldest first. */
  async windows(key: Key, { at }: { readonly at: number }): Promise<Row[]> {
    await this.#settled()
    return this.#table.windows(key, { at })
  }

  /** Rows in the order of windows and then of keys. */
  async rows(query: RangeQuery<Key> = {}): Promise<Row[]> {
    await this.#settled()
    const rows: Row[] = []
    for await (const row of this.#table.range(query)) rows.push(row)
    return rows
  }
}
