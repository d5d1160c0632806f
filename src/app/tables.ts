// The tables of a running app: reads what the last cut has stored in this worker's partitions. Called
// by the worker.
import type { ResultRow, TableReader } from '../ingest/aggregation.ts'
import { stateLayout } from '../kernel/state.ts'
import type { DeclaredAggregation } from '../stream/aggregation.ts'
import type { TablePart } from '../table/cell.ts'
import { storedTables } from '../table/meta.ts'
import type { Store } from '../table/store.ts'
import { openTable, type Table } from '../table/table.ts'

/** Stores by partition, as they are now. */
export type StoresNow = () => ReadonlyMap<number, Store>

/** Reads the table of an aggregation in whatever stores are here at the time of each call. */
export function readerOf({ plan, keys }: DeclaredAggregation, stores: StoresNow): TableReader {
  const parts = new PartsNow(plan.name)
  const open = async (): Promise<Table<unknown>> =>
    openTable<unknown>({
      name: plan.name,
      layout: stateLayout(plan),
      window: plan.window,
      parts: await parts.of(stores()),
      encodeKey: (key) => keys.encode(key),
      decodeKey: (bytes) => keys.decode(bytes),
    })
  return {
    get: async (key) => (await open()).get(key),
    windows: async (key, options) => (await open()).windows(key, options),
    async *range(query): AsyncGenerator<ResultRow> {
      yield* (await open()).range(query)
    },
  }
}

/** Looks up the table's number in each store once. */
class PartsNow {
  readonly #name: string
  readonly #numbers = new WeakMap<Store, number>()

  constructor(name: string) {
    this.#name = name
  }

  async of(stores: ReadonlyMap<number, Store>): Promise<Map<number, TablePart>> {
    const parts = new Map<number, TablePart>()
    for (const [partition, store] of stores) {
      const number = this.#numbers.get(store) ?? (await this.#lookUp(store))
      if (number !== undefined) parts.set(partition, { store, number })
    }
    return parts
  }

  async #lookUp(store: Store): Promise<number | undefined> {
    const number = (await storedTables(store)).find(({ name }) => name === this.#name)?.number
    if (number !== undefined) this.#numbers.set(store, number)
    return number
  }
}
