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

/** Rows that go into a store at once and in bulk, for a store that is filled from elsewhere. */
export interface StoreLoad {
  /** Copies packed rows (only puts and deletes). In the order of their keys they cost least. */
  putRows(rows: Uint8Array): Promise<void>
  /** All rows can be read from now on. Not atomic: after a crash some may be there, or none. */
  finish(): Promise<void>
  /** What was put may be there or not. */
  drop(): Promise<void>
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

/** What reading a table asks of whatever holds its rows. */
export interface StoreReads {
  get(key: Uint8Array): Promise<Buffer | undefined>
  /** In the order of the keys. */
  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]>
  /**
   * In key order (bytewise), over a consistent view. Breaking out of the loop frees the iterator.
   */
  scan(options: ScanOptions): AsyncIterable<StoreEntry>
}

export interface Store extends StoreReads {
  /** Both kinds of RocksDB have the same files. */
  readonly kind: 'rocksdb-native' | 'rocksdb-package' | 'memory'
  batch(): StoreBatch
  /**
   * Packed values (packed.ts) of the keys of the deltas among packed rows, in their order. The rows
   * must not change until the promise settles.
   */
  getDeltas(rows: Uint8Array): Promise<Uint8Array>
  /** As scan, in chunks of packed rows (all puts), a few 100 KiB each; a chunk is the caller's. */
  scanRows(options: ScanOptions): AsyncIterable<Uint8Array>
  /** Deletes gte ≤ key < lt without blocking the loop. Not atomic where it takes slices. */
  deleteRange(gte: Uint8Array, lt: Uint8Array): Promise<void>
  load(): StoreLoad
  /**
   * A copy of the store as it is now, in a directory that does not exist yet on the same disk
   * (hard links where possible). Only where a store can do it.
   */
  checkpoint?(path: string): Promise<void>
  close(): Promise<void>
}
