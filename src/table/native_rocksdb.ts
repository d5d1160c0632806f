// The native store: RocksDB 11 through an addon of our own (one database a directory). Rows go to
// it and come from it packed, on libuv's threads; the main thread makes no object per row. Used
// where the addon is built (`npm run build:native:store`); reads and writes the same files as the
// package.
import assert from 'node:assert/strict'
import { ROW_DELETE, ROW_DELTA, ROW_HEADER_BYTES, ROW_PUT } from '../batch/rows.ts'
import { EuphorionError } from '../errors.ts'
import {
  type NativeBatch,
  type NativeDatabase,
  type NativeLoad,
  type NativeScan,
  type NativeStoreAddon,
  nativeStoreAddon,
  whyNoNativeStore,
} from './native_rocksdb_addon.ts'
import { takePath } from './open_paths.ts'
import { packKeys, RowWriter, unpackValues } from './packed.ts'
import { type RocksdbOptions, withDefaults } from './rocksdb_options.ts'
import type { ScanOptions, Store, StoreBatch, StoreEntry, StoreLoad } from './store.ts'
import { openError, storeClosed, storeError } from './store_error.ts'
import { StoreWrites } from './store_writes.ts'

/** First and later chunks of a scan: it may be left after a row, or read to the end. */
const FIRST_CHUNK_BYTES = 16 * 1024
const CHUNK_BYTES = 256 * 1024
/** Up to so many keys are looked up without a thread while the disk is not needed. */
const KEYS_AT_ONCE = 16
/** Up to so many bytes of rows cost less to copy than a turn of a thread. */
const COPIED_BYTES = 16 * 1024
const KEY_BYTES_MAX = 65535
const NOTHING = new Uint8Array(0)

class NativeRocksdbBatch implements StoreBatch {
  readonly #store: NativeRocksdbStore
  readonly #native: NativeBatch
  /** Rows put one by one, not yet in the native batch. */
  readonly #rows = new RowWriter()
  #done = false

  constructor(store: NativeRocksdbStore, native: NativeBatch) {
    this.#store = store
    this.#native = native
  }

  /** Many rows are not copied here: a thread reads them where they lie. */
  async putRows(rows: Uint8Array): Promise<void> {
    assert(!this.#done, 'batch is done')
    if (rows.length <= COPIED_BYTES) return this.#rows.addAll(rows)
    await this.#store.add(this.#native, this.#rows.take(), rows)
    assert(!this.#done, 'batch ended while rows were put')
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#add(ROW_PUT, key, value)
  }

  delete(key: Uint8Array): void {
    this.#add(ROW_DELETE, key, NOTHING)
  }

  async commit(options: { sync?: boolean } = {}): Promise<void> {
    assert(!this.#done, 'batch is done')
    this.#done = true
    await this.#store.write(this.#native, this.#rows.take(), options.sync === true)
  }

  drop(): void {
    this.#done = true
    this.#rows.take()
  }

  #add(op: number, key: Uint8Array, value: Uint8Array): void {
    assert(!this.#done, 'batch is done')
    assert(key.length <= KEY_BYTES_MAX, 'key is too long')
    this.#rows.add(op, key, value)
  }
}

/** Chunks of packed rows; a chunk is the caller's. */
class NativeChunks implements AsyncIterator<Buffer> {
  readonly #store: NativeRocksdbStore
  readonly #scan: NativeScan
  #bytes = FIRST_CHUNK_BYTES
  #reading: Promise<unknown> | undefined
  #ended = false

  constructor(store: NativeRocksdbStore, scan: NativeScan) {
    this.#store = store
    this.#scan = scan
  }

  async next(): Promise<IteratorResult<Buffer>> {
    this.#store.checkOpen()
    if (this.#ended) return { done: true, value: undefined }
    const reading = this.#store.readScan(this.#scan, this.#bytes)
    this.#bytes = CHUNK_BYTES
    this.#reading = reading.catch(() => undefined)
    const rows = await reading
    this.#reading = undefined
    if (rows.length > 0) return { done: false, value: rows }
    return this.return()
  }

  /** Lets go of its view of the store; may be called again. */
  async return(): Promise<IteratorResult<Buffer>> {
    this.#ended = true
    await this.#reading
    this.#store.addon.endScan(this.#scan)
    return { done: true, value: undefined }
  }
}

/** Rows of chunks, one by one: views of the chunk. */
class NativeRows implements AsyncIterator<StoreEntry> {
  readonly #store: NativeRocksdbStore
  readonly #chunks: NativeChunks
  #rows: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(store: NativeRocksdbStore, chunks: NativeChunks) {
    this.#store = store
    this.#chunks = chunks
  }

  async next(): Promise<IteratorResult<StoreEntry>> {
    this.#store.checkOpen()
    if (this.#at === this.#rows.length) {
      const chunk = await this.#chunks.next()
      if (chunk.done) return chunk
      this.#rows = chunk.value
      this.#at = 0
    }
    const keyStart = this.#at + ROW_HEADER_BYTES
    const keyEnd = keyStart + this.#rows.readUInt16LE(this.#at + 2)
    this.#at = keyEnd + this.#rows.readUInt32LE(keyStart - 4)
    const value = this.#rows.subarray(keyEnd, this.#at)
    return { done: false, value: [this.#rows.subarray(keyStart, keyEnd), value] }
  }

  async return(): Promise<IteratorResult<StoreEntry>> {
    this.#rows = Buffer.alloc(0)
    this.#at = 0
    await this.#chunks.return()
    return { done: true, value: undefined }
  }
}

class NativeRocksdbLoad implements StoreLoad {
  readonly #store: NativeRocksdbStore
  readonly #native: NativeLoad
  /** A thread may still write the files that drop removes. */
  #last: Promise<unknown> = Promise.resolve()
  #done = false

  constructor(store: NativeRocksdbStore, native: NativeLoad) {
    this.#store = store
    this.#native = native
  }

  async putRows(rows: Uint8Array): Promise<void> {
    assert(!this.#done, 'load is done')
    await this.#write(() => this.#store.addon.loadRows(this.#native, rows))
  }

  async finish(): Promise<void> {
    assert(!this.#done, 'load is done')
    this.#done = true
    await this.#write(() => this.#store.addon.endLoad(this.#native, true))
  }

  async drop(): Promise<void> {
    this.#done = true
    await this.#last
    await this.#store.addon.endLoad(this.#native, false)
  }

  /** The store has one write at a time, in the order in which they were asked for. */
  #write(write: () => Promise<void>): Promise<void> {
    const writing = this.#store.writing(write)
    this.#last = writing.catch(() => undefined)
    return writing
  }
}

class NativeRocksdbStore implements Store {
  readonly kind = 'rocksdb-native'
  readonly path: string
  readonly addon: NativeStoreAddon
  readonly #native: NativeDatabase
  readonly #writes: StoreWrites
  readonly #release: () => void
  #closed: Promise<void> | undefined

  constructor(
    addon: NativeStoreAddon,
    native: NativeDatabase,
    { path, minFreeBytes, release }: { path: string; minFreeBytes: number; release: () => void },
  ) {
    this.path = path
    this.addon = addon
    this.#native = native
    this.#writes = new StoreWrites(path, minFreeBytes)
    this.#release = release
  }

  checkOpen(): void {
    if (this.#closed) throw storeClosed(this.path)
  }

  batch(): StoreBatch {
    this.checkOpen()
    return new NativeRocksdbBatch(this, this.addon.batch())
  }

  async get(key: Uint8Array): Promise<Buffer | undefined> {
    this.checkOpen()
    const found = this.addon.getCached(this.#native, key)
    if (found !== undefined) return found === null ? undefined : Buffer.from(found)
    return (await this.#lookUp([key]))[0]
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    this.checkOpen()
    if (keys.length > KEYS_AT_ONCE) return this.#lookUp(keys)
    const values: (Buffer | undefined)[] = []
    for (const key of keys) {
      const found = this.addon.getCached(this.#native, key)
      if (found === undefined) return this.#lookUp(keys)
      values.push(found === null ? undefined : Buffer.from(found))
    }
    return values
  }

  async getDeltas(rows: Uint8Array): Promise<Uint8Array> {
    this.checkOpen()
    return this.#read(() => this.addon.get(this.#native, rows, ROW_DELTA))
  }

  scan(options: ScanOptions): AsyncIterable<StoreEntry> {
    return { [Symbol.asyncIterator]: () => new NativeRows(this, this.#scan(options)) }
  }

  scanRows(options: ScanOptions): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#scan(options) }
  }

  async deleteRange(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    this.checkOpen()
    if (Buffer.compare(gte, lt) >= 0) return
    await this.writing(() => this.addon.deleteRange(this.#native, gte, lt))
  }

  load(): StoreLoad {
    this.checkOpen()
    return new NativeRocksdbLoad(this, this.addon.load(this.#native))
  }

  async checkpoint(path: string): Promise<void> {
    this.checkOpen()
    try {
      await this.addon.checkpoint(this.#native, path)
    } catch (error) {
      throw this.#failure('copy', error)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async add(batch: NativeBatch, before: Uint8Array, rows: Uint8Array): Promise<void> {
    try {
      await this.addon.addRows(batch, before, rows)
    } catch (error) {
      throw storeError('write to', this.path, error)
    }
  }

  write(batch: NativeBatch, rows: Uint8Array, sync: boolean): Promise<void> {
    return this.writing(() => this.addon.commit(this.#native, batch, rows, sync))
  }

  async writing(write: () => Promise<void>): Promise<void> {
    this.checkOpen()
    await this.#writes.run(write)
  }

  readScan(scan: NativeScan, bytes: number): Promise<Buffer> {
    return this.#read(() => this.addon.readScan(scan, bytes))
  }

  async #lookUp(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    if (keys.length === 0) return []
    const packed = packKeys(keys)
    return unpackValues(await this.#read(() => this.addon.get(this.#native, packed, ROW_PUT)))
  }

  async #read(read: () => Promise<ArrayBuffer>): Promise<Buffer> {
    try {
      return Buffer.from(await read())
    } catch (error) {
      throw this.#failure('read', error)
    }
  }

  #scan({ gte, lt, reverse, limit }: ScanOptions): NativeChunks {
    this.checkOpen()
    const scan = this.addon.scan(this.#native, gte, lt, reverse === true, limit ?? -1)
    return new NativeChunks(this, scan)
  }

  #failure(doing: string, error: unknown): EuphorionError {
    return this.#closed ? storeClosed(this.path) : storeError(doing, this.path, error)
  }

  async #close(): Promise<void> {
    await this.#writes.settled
    try {
      await this.addon.close(this.#native)
    } catch (error) {
      throw storeError('close', this.path, error)
    }
    this.#release()
  }
}

/**
 * Opens, or creates, the database in the directory `path`. Errors: STORE_UNAVAILABLE without the
 * addon, STORE_LOCKED while another process (or this one) has it open, STORE_INCOMPATIBLE,
 * DISK_FULL, STORE_FAILED.
 */
export async function openNativeRocksdbStore(
  path: string,
  options: RocksdbOptions,
): Promise<Store> {
  const addon = nativeStoreAddon()
  if (addon === undefined)
    throw new EuphorionError(
      'STORE_UNAVAILABLE',
      `there is no native store: ${whyNoNativeStore()} (npm run build:native:store)`,
    )
  const { writeBufferBytes, cacheBytes, maxOpenFiles, minFreeBytes } = withDefaults(options)
  let release = (): void => undefined
  try {
    release = await takePath(path)
    const native = await addon.open(path, writeBufferBytes, cacheBytes, maxOpenFiles)
    return new NativeRocksdbStore(addon, native, { path, minFreeBytes, release })
  } catch (error) {
    release()
    throw openError(path, error)
  }
}
