// The read side of one aggregation over the partitions that this process has: what `perPage.get(…)`
// of a program, the command line and the pages call. Every read sees the last cut.
import { EuphorionError } from '../errors.ts'
import {
  Merged,
  plainKey,
  readPlain,
  type TablePart,
  tableEnd,
  tableStart,
  type WindowState,
} from './cell.ts'
import { mergeSources } from './merge.ts'
import { type RowLayout, resultRow, type TableRow } from './result.ts'
import {
  eachWindow,
  newestWindow,
  type WindowedLayout,
  type WindowRange,
  windowsAt,
} from './windowed.ts'

export interface TableOptions<Key> extends RowLayout<Key> {
  readonly name: string
  /** Partitions by number; the map may change while the table is open. */
  readonly parts: ReadonlyMap<number, TablePart>
  encodeKey(key: Key): Uint8Array
  /** Partition of a key; without it every partition is asked. */
  partitionOf?(key: Uint8Array): number
  /**
   * Partition that holds a key if the topic's producers place keys as Kafka's own does: asked
   * first, and the others where it has nothing.
   */
  likelyPartitionOf?(key: Uint8Array): number
}

export interface RangeOptions<Key> {
  /** Windows that start at or after it, in ms; no bound by default. */
  readonly from?: number
  /** Windows that start before it, in ms; no bound by default. */
  readonly to?: number
  /** Only this key. */
  readonly key?: Key
}

export interface Table<Key> {
  readonly name: string
  /** The newest window that has the key (without windows: its row), or undefined. */
  get(key: Key): Promise<TableRow<Key> | undefined>
  /** Every window of the key that holds the time `at` (ms), oldest first. */
  windows(key: Key, options: { at: number }): Promise<TableRow<Key>[]>
  /**
   * Rows by start of the window, then by the bytes of the key. Streams: memory holds the rows read
   * ahead, and for hopping windows the cells of one window.
   */
  range(options?: RangeOptions<Key>): AsyncIterable<TableRow<Key>>
  entries(): AsyncIterable<[key: Key, row: TableRow<Key>]>
  /** Each key once. With windows, the keys seen so far are kept in memory. */
  keys(): AsyncIterable<Key>
  [Symbol.asyncIterator](): AsyncIterator<TableRow<Key>>
}

export function openTable<Key>(options: TableOptions<Key>): Table<Key> {
  return new PartitionedTable(options)
}

class PartitionedTable<Key> implements Table<Key> {
  readonly name: string
  readonly #options: TableOptions<Key>

  constructor(options: TableOptions<Key>) {
    this.name = options.name
    this.#options = options
  }

  async get(key: Key): Promise<TableRow<Key> | undefined> {
    const bytes = this.#options.encodeKey(key)
    const found = await this.#find(bytes, async (part) => {
      const newest = await this.#newest(part, bytes)
      return newest === undefined ? [] : [newest]
    })
    const newest = this.#sumWindows(found).at(-1)
    return newest && this.#row(newest)
  }

  async windows(key: Key, { at }: { at: number }): Promise<TableRow<Key>[]> {
    const table = this.#windowed()
    const bytes = this.#options.encodeKey(key)
    if (!table) return [await this.get(key)].filter((row) => row !== undefined)
    const found = await this.#find(bytes, (part) => windowsAt(part, table, bytes, at))
    return this.#sumWindows(found).map((state) => this.#row(state))
  }

  async *range({ from, to, key }: RangeOptions<Key> = {}): AsyncGenerator<TableRow<Key>, void> {
    const table = this.#windowed()
    const bytes = key === undefined ? undefined : this.#options.encodeKey(key)
    const parts = bytes ? this.#partsOf(bytes) : [...this.#options.parts.values()]
    if (!table && bytes) {
      const row = await this.get(key as Key)
      if (row) yield row
      return
    }
    const bounds: WindowRange = { from, to, key: bytes }
    const sources = parts.map((part) => (table ? eachWindow(part, table, bounds) : eachPlain(part)))
    for await (const state of mergeSources(this.#options.layout, sources)) yield this.#row(state)
  }

  async *entries(): AsyncGenerator<[key: Key, row: TableRow<Key>], void> {
    for await (const row of this.range()) yield [row.key, row]
  }

  async *keys(): AsyncGenerator<Key, void> {
    const table = this.#windowed()
    const seen = new Set<string>()
    const parts = [...this.#options.parts.values()]
    const sources = parts.map((part) => (table ? eachWindow(part, table, {}) : eachPlain(part)))
    for await (const { key } of mergeSources(this.#options.layout, sources)) {
      if (table) {
        const text = key.toString('latin1')
        if (seen.has(text)) continue
        seen.add(text)
      }
      yield this.#options.decodeKey(key)
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<TableRow<Key>> {
    return this.range()
  }

  #windowed(): WindowedLayout | undefined {
    const { layout, window } = this.#options
    return window && { layout, window }
  }

  async #find(
    key: Uint8Array,
    look: (part: TablePart) => Promise<WindowState[]>,
  ): Promise<WindowState[]> {
    const parts = this.#partsOf(key)
    const { likelyPartitionOf, parts: byNumber } = this.#options
    const likely = likelyPartitionOf && byNumber.get(likelyPartitionOf(key))
    const first = likely === undefined ? [] : await look(likely)
    if (first.length > 0) return first
    return (await Promise.all(parts.filter((part) => part !== likely).map(look))).flat()
  }

  #partsOf(key: Uint8Array): TablePart[] {
    const { parts, partitionOf, name } = this.#options
    if (!partitionOf) return [...parts.values()]
    const partition = partitionOf(key)
    const part = parts.get(partition)
    if (part) return [part]
    throw new EuphorionError('QUERY_UNAVAILABLE', `the key is not in a partition of this process`, {
      place: { table: name, partition },
    })
  }

  async #newest(part: TablePart, key: Uint8Array): Promise<WindowState | undefined> {
    const table = this.#windowed()
    if (table) return newestWindow(part, table, key)
    const state = await part.store.get(plainKey(part.number, key))
    return state && { key: Buffer.from(key), start: undefined, state }
  }

  /** States of one key in order of their windows, one a window. */
  #sumWindows(states: WindowState[]): WindowState[] {
    const sums = new Map<number | undefined, Merged>()
    for (const { start, state } of states.sort((a, b) => (a.start ?? 0) - (b.start ?? 0))) {
      const sum = sums.get(start)
      if (sum) sum.add(state)
      else sums.set(start, new Merged(this.#options.layout, state))
    }
    return [...sums].map(([start, { state }]) => ({ key: states[0].key, start, state }))
  }

  #row(state: WindowState): TableRow<Key> {
    return resultRow(this.#options, state)
  }
}

async function* eachPlain({ store, number }: TablePart): AsyncGenerator<WindowState, void> {
  for await (const entry of store.scan({ gte: tableStart(number), lt: tableEnd(number) }))
    yield readPlain(entry)
}
