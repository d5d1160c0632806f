// What a table had at one cut, to be read while it goes on. Given by snapshot() of a table.
import type { StoreEntry } from './store.ts'

/** Iterated once; breaking out of the loop closes it. */
export class TableSnapshot<K, V> implements AsyncIterable<[key: K, value: V]> {
  #rows: readonly AsyncIterator<StoreEntry>[]
  readonly #decode: (row: StoreEntry) => [key: K, value: V]

  /** @internal */
  constructor(
    rows: readonly AsyncIterator<StoreEntry>[],
    decode: (row: StoreEntry) => [key: K, value: V],
  ) {
    this.#rows = rows
    this.#decode = decode
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<[key: K, value: V], void> {
    try {
      for (const rows of this.#rows) {
        for (;;) {
          const { done, value } = await rows.next()
          if (done === true) break
          yield this.#decode(value)
        }
      }
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    for (const each of rows) await each.return?.()
  }
}
