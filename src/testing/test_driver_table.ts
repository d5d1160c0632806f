// Tables as a test reads them: once everything has happened that can without time passing. Made by
// TestDriver.
import type { RangeQuery } from '../ingest/aggregation.ts'
import type { ResultTable } from '../stream/results.ts'
import type { SetTable } from '../stream/set_table.ts'
import type { Table } from '../stream/table.ts'
import type { WindowedTable } from '../stream/windowed_table.ts'
import type { WindowRange, WindowRow } from '../table/windowed_definition.ts'

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
    return all(this.#table.entries())
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
    return all(this.#table.range(query))
  }
}

/** A table of sets. Its calls reject as TestDriver.settle and those of SetTable. */
export class DriverSets<K, M> {
  readonly #table: SetTable<K, M>
  readonly #settled: Settled

  /** Made by TestDriver.table(). */
  constructor(table: SetTable<K, M>, settled: Settled) {
    this.#table = table
    this.#settled = settled
  }

  async has(key: K, member: M): Promise<boolean> {
    await this.#settled()
    return this.#table.has(key, member)
  }

  async members(key: K): Promise<Set<M>> {
    await this.#settled()
    return this.#table.members(key)
  }

  /** All keys and their members, in no order. */
  async entries(): Promise<[key: K, members: Set<M>][]> {
    await this.#settled()
    return all(this.#table.entries())
  }
}

/** A windowed table of agents. Its calls reject as TestDriver.settle and those of WindowedTable. */
export class DriverWindows<K, V, Missing extends V | undefined> {
  readonly #table: WindowedTable<K, V, Missing>
  readonly #settled: Settled

  /** Made by TestDriver.table(). */
  constructor(table: WindowedTable<K, V, Missing>, settled: Settled) {
    this.#table = table
    this.#settled = settled
  }

  /** The value in the newest window that holds `at` (ms); without it, the stream time. */
  async get(key: K, options: { readonly at?: number } = {}): Promise<V | Missing> {
    await this.#settled()
    return this.#table.get(key, options)
  }

  /** Windows that hold `at` (ms) and have the key, oldest first. */
  async windows(key: K, { at }: { readonly at: number }): Promise<WindowRow<K, V>[]> {
    await this.#settled()
    return this.#table.windows(key, { at })
  }

  /** Rows in the order of windows and then of keys. */
  async rows(range: WindowRange<K> = {}): Promise<WindowRow<K, V>[]> {
    await this.#settled()
    return all(this.#table.range(range))
  }

  /** Writes that came too late for all of their windows. */
  async late(): Promise<number> {
    await this.#settled()
    return this.#table.late
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of items) found.push(each)
  return found
}
