// What a table asks of a key-value store: ordered byte keys, one atomic batch, ranges. Narrow and
// in packed buffers, so that no implementation has to make an object per row. One contract suite
// runs on every implementation (test/contract/store.ts).

/**
 * Rows to be written at once. Nothing is visible before commit; a batch is committed or dropped
 * once.
 */
export interface StoreBatch {
  /**
   * Adds packed rows (layout: batch/rows.ts; only puts and deletes). Copies them: the buffer may be
   * used again when the promise resolves. Yields to the event loop every 1,000 rows.
   */
  putRows(rows: Uint8Array): Promise<void>
  put(key: Uint8Array, value: Uint8Array): void
  delete(key: Uint8Array): void
  /**
   * Atomic. `sync` waits for the disk (default false: survives a crash of the process, not of the
   * machine).
   */
  commit(options?: { sync?: boolean }): Promise<void>
  /** Forgets the rows. */
  drop(): void
}

export interface ScanOptions {
  /** Inclusive lower bound. */
  readonly gte?: Uint8Array
  /** Exclusive upper bound. */
  readonly lt?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
}

export type StoreEntry = readonly [key: Buffer, value: Buffer]

export interface Store {
  readonly kind: 'rocksdb' | 'memory'
  batch(): StoreBatch
  get(key: Uint8Array): Promise<Buffer | undefined>
  /** In the order of the keys. */
  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]>
  /**
   * In key order (bytewise), over a consistent view. Breaking out of the loop frees the iterator.
   */
  scan(options: ScanOptions): AsyncIterable<StoreEntry>
  /**
   * Deletes gte ≤ key < lt in slices that do not block the loop. Not atomic. Resolves with the
   * number of rows.
   */
  deleteRange(gte: Uint8Array, lt: Uint8Array): Promise<number>
  close(): Promise<void>
}
