// The default store: RocksDB through the optional package `rocksdb` (one database a directory). Its
// batches are filled on the main thread, about 1 µs a row; reads and writes run on libuv's threads.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import { ROW_HEADER_BYTES, ROW_PUT } from '../batch/rows.ts'
import { EuphorionError } from '../errors.ts'
import { takePath } from './open_paths.ts'
import { asBuffer, deltaKeys, packEntries, packValues } from './packed.ts'
import { type RocksdbOptions, withDefaults } from './rocksdb_options.ts'
import type { ScanOptions, Store, StoreBatch, StoreEntry, StoreLoad } from './store.ts'
import { openError, storeClosed, storeError } from './store_error.ts'
import { loadSorted } from './store_load.ts'
import { StoreWrites } from './store_writes.ts'

type Done<T> = (error: Error | null | undefined, result: T) => void

interface NativeBatch {
  put(key: Buffer, value: Buffer): void
  del(key: Buffer): void
  clear(): void
  write(options: { sync: boolean }, done: Done<void>): void
}

interface NativeIterator {
  /** Rows already read: value and key alternate, last row first. */
  cache: Buffer[] | null
  next(done: (error: Error | null | undefined, key?: Buffer, value?: Buffer) => void): void
  end(done: Done<void>): void
}

interface NativeStore {
  open(options: Record<string, unknown>, done: Done<void>): void
  close(done: Done<void>): void
  getMany(keys: Buffer[], done: Done<(Buffer | undefined)[]>): void
  batch(): NativeBatch
  iterator(options: Record<string, unknown>): NativeIterator
}

/** Rows put between two turns of the event loop. */
const SLICE_ROWS = 1000
/** Bytes that a scan reads ahead. */
const READ_AHEAD_BYTES = 256 * 1024

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)))
  })
}

function loadPackage(): (path: string) => NativeStore {
  try {
    return createRequire(import.meta.url)('rocksdb')
  } catch (cause) {
    throw new EuphorionError('STORE_UNAVAILABLE', 'the package rocksdb cannot be loaded', { cause })
  }
}

class RocksdbBatch implements StoreBatch {
  readonly #store: RocksdbStore
  readonly #native: NativeBatch
  #done = false

  constructor(store: RocksdbStore, native: NativeBatch) {
    this.#store = store
    this.#native = native
  }

  async putRows(rows: Uint8Array): Promise<void> {
    assert(!this.#done, 'batch is done')
    const buffer = asBuffer(rows)
    let sliceRows = 0
    for (let at = 0; at < buffer.length; ) {
      if (sliceRows === SLICE_ROWS) {
        await setImmediate()
        assert(!this.#done, 'batch ended while rows were put')
        sliceRows = 0
      }
      const keyStart = at + ROW_HEADER_BYTES
      const keyEnd = keyStart + buffer.readUInt16LE(at + 2)
      const valueEnd = keyEnd + buffer.readUInt32LE(at + 4)
      const key = buffer.subarray(keyStart, keyEnd)
      if (buffer[at] === ROW_PUT) this.#native.put(key, buffer.subarray(keyEnd, valueEnd))
      else this.#native.del(key)
      at = valueEnd
      sliceRows++
    }
  }

  put(key: Uint8Array, value: Uint8Array): void {
    assert(!this.#done, 'batch is done')
    this.#native.put(asBuffer(key), asBuffer(value))
  }

  delete(key: Uint8Array): void {
    assert(!this.#done, 'batch is done')
    this.#native.del(asBuffer(key))
  }

  async commit(options: { sync?: boolean } = {}): Promise<void> {
    assert(!this.#done, 'batch is done')
    this.#done = true
    await this.#store.write(this.#native, options.sync === true)
  }

  drop(): void {
    if (this.#done) return
    this.#done = true
    this.#native.clear()
  }
}

/**
 * One iterator of the package: rows that it has read ahead come without a turn of the event loop.
 */
class RocksdbScan implements AsyncIterator<StoreEntry> {
  readonly #store: RocksdbStore
  readonly #native: NativeIterator
  readonly #forget: (scan: RocksdbScan) => void
  #ended: Promise<void> | undefined

  constructor(store: RocksdbStore, native: NativeIterator, forget: (scan: RocksdbScan) => void) {
    this.#store = store
    this.#native = native
    this.#forget = forget
  }

  async next(): Promise<IteratorResult<StoreEntry>> {
    this.#store.checkOpen()
    if (this.#ended) return { done: true, value: undefined }
    const cache = this.#native.cache
    if (cache?.length) {
      const key = cache.pop()!
      return { done: false, value: [key, cache.pop()!] }
    }
    const entry = await this.#read()
    if (entry) return { done: false, value: entry }
    await this.end()
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<StoreEntry>> {
    await this.end()
    return { done: true, value: undefined }
  }

  /** Frees the iterator and its snapshot; may be called again. */
  end(): Promise<void> {
    this.#ended ??= call<void>((done) => this.#native.end(done)).finally(() => this.#forget(this))
    return this.#ended
  }

  async #read(): Promise<StoreEntry | undefined> {
    try {
      return await new Promise((resolve, reject) => {
        this.#native.next((error, key, value) => {
          if (error) reject(error)
          else resolve(key && value ? [key, value] : undefined)
        })
      })
    } catch (error) {
      await this.end()
      throw storeError('read', this.#store.path, error)
    }
  }
}

class RocksdbStore implements Store {
  readonly kind = 'rocksdb-package'
  readonly path: string
  readonly #native: NativeStore
  readonly #writes: StoreWrites
  readonly #release: () => void
  readonly #scans = new Set<RocksdbScan>()
  #closed: Promise<void> | undefined

  constructor(path: string, native: NativeStore, writes: StoreWrites, release: () => void) {
    this.path = path
    this.#native = native
    this.#writes = writes
    this.#release = release
  }

  checkOpen(): void {
    if (this.#closed) throw storeClosed(this.path)
  }

  batch(): StoreBatch {
    this.checkOpen()
    return new RocksdbBatch(this, this.#native.batch())
  }

  // Through getMany, because the package's get makes an Error for every miss.
  async get(key: Uint8Array): Promise<Buffer | undefined> {
    return (await this.getMany([key]))[0]
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    this.checkOpen()
    if (keys.length === 0) return []
    const buffers = keys.map(asBuffer)
    try {
      return await call((done) => this.#native.getMany(buffers, done))
    } catch (error) {
      throw storeError('read', this.path, error)
    }
  }

  async getDeltas(rows: Uint8Array): Promise<Uint8Array> {
    return packValues(await this.getMany(deltaKeys(rows)))
  }

  scan(options: ScanOptions): AsyncIterable<StoreEntry> {
    return { [Symbol.asyncIterator]: () => this.#scan(options, true) }
  }

  scanRows(options: ScanOptions): AsyncIterable<Uint8Array> {
    return packEntries(this.scan(options))
  }

  async deleteRange(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    this.checkOpen()
    const scan = this.#scan({ gte, lt }, false)
    try {
      for (let more = true; more; ) {
        const batch = this.#native.batch()
        let rows = 0
        while (rows < SLICE_ROWS) {
          const entry = await scan.next()
          if (entry.done) {
            more = false
            break
          }
          batch.del(entry.value[0])
          rows++
        }
        if (rows > 0) await new RocksdbBatch(this, batch).commit()
        if (more) await setImmediate()
      }
    } finally {
      await scan.end()
    }
  }

  load(): StoreLoad {
    this.checkOpen()
    return loadSorted(this)
  }

  async write(batch: NativeBatch, sync: boolean): Promise<void> {
    this.checkOpen()
    await this.#writes.run(() => call<void>((done) => batch.write({ sync }, done)))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#writes.settled
    await Promise.all([...this.#scans].map((scan) => scan.end()))
    // It would wait, perhaps for ever, for free space; the process's end frees the lock.
    if (this.#writes.failed?.code === 'DISK_FULL') return
    try {
      await call<void>((done) => this.#native.close(done))
    } catch (error) {
      throw storeError('close', this.path, error)
    }
    this.#release()
  }

  #scan({ gte, lt, reverse, limit }: ScanOptions, values: boolean): RocksdbScan {
    this.checkOpen()
    // An empty bound would be taken for none; nothing is below the empty key.
    const range: Record<string, unknown> = { reverse: reverse === true, values }
    if (gte && gte.length > 0) range.gte = asBuffer(gte)
    if (lt) range.lt = asBuffer(lt)
    range.limit = lt?.length === 0 ? 0 : (limit ?? -1)
    range.highWaterMark = READ_AHEAD_BYTES
    const native = this.#native.iterator(range)
    const scan = new RocksdbScan(this, native, (ended) => this.#scans.delete(ended))
    this.#scans.add(scan)
    return scan
  }
}

/**
 * Opens, or creates, the database in the directory `path`. Errors: STORE_UNAVAILABLE without the
 * package, STORE_LOCKED while another process (or this one) has it open, DISK_FULL, STORE_FAILED.
 */
export async function openRocksdbStore(path: string, options: RocksdbOptions): Promise<Store> {
  const native = loadPackage()(path)
  const { writeBufferBytes, cacheBytes, maxOpenFiles, minFreeBytes } = withDefaults(options)
  let release = (): void => undefined
  try {
    release = await takePath(path)
    const settings = {
      compression: false,
      writeBufferSize: writeBufferBytes,
      cacheSize: cacheBytes,
      maxOpenFiles,
    }
    await call<void>((done) => native.open(settings, done))
  } catch (error) {
    release()
    throw openError(path, error)
  }
  return new RocksdbStore(path, native, new StoreWrites(path, minFreeBytes), release)
}
