// A store in memory, for tests and `store: 'memory'`: sorted chunks of up to 512 rows. A chunk that
// a scan may still read is copied before it is written, so a scan sees the rows as they were when
// it began.
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { ROW_HEADER_BYTES, ROW_PUT } from '../batch/rows.ts'
import { deltaKeys, packEntries, packValues } from './packed.ts'
import type { ScanOptions, Store, StoreBatch, StoreEntry, StoreLoad } from './store.ts'
import { storeClosed } from './store_error.ts'
import { loadByBatches } from './store_load.ts'

/** Rows of one stretch of the key space, in order; never empty. */
interface Chunk {
  /** May be written in place only while it equals the store's epoch. */
  epoch: number
  keys: Buffer[]
  values: Buffer[]
}

const CHUNK_ROWS = 512
const SLICE_ROWS = 1000
const PATH = 'memory'

/** An allocation of its own: a slice of Buffer's pool would keep 8 KiB alive for one row. */
function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

/** Index of the first key of the chunk that is not below `key`. */
function lowerBound(keys: readonly Buffer[], key: Uint8Array): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (Buffer.compare(keys[middle], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the chunk that holds `key`, or would: the last one that begins at or below it. */
function chunkFor(chunks: readonly Chunk[], key: Uint8Array): number {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (Buffer.compare(chunks[middle].keys[0], key) <= 0) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

class MemoryBatch implements StoreBatch {
  readonly #store: MemoryStore
  #keys: Buffer[] = []
  /** Undefined: the key is deleted. */
  #values: (Buffer | undefined)[] = []
  #done = false

  constructor(store: MemoryStore) {
    this.#store = store
  }

  async putRows(rows: Uint8Array): Promise<void> {
    assert(!this.#done, 'batch is done')
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
    let sliceRows = 0
    for (let at = 0; at < rows.length; ) {
      if (sliceRows++ === SLICE_ROWS) {
        await setImmediate()
        sliceRows = 1
      }
      const keyStart = at + ROW_HEADER_BYTES
      const keyEnd = keyStart + view.getUint16(at + 2, true)
      const valueEnd = keyEnd + view.getUint32(at + 4, true)
      const key = rows.subarray(keyStart, keyEnd)
      if (rows[at] === ROW_PUT) this.put(key, rows.subarray(keyEnd, valueEnd))
      else this.delete(key)
      at = valueEnd
    }
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#add(key, copyOf(value))
  }

  delete(key: Uint8Array): void {
    this.#add(key, undefined)
  }

  async commit(): Promise<void> {
    assert(!this.#done, 'batch is done')
    this.#done = true
    this.#store.apply(this.#keys, this.#values)
  }

  drop(): void {
    this.#done = true
    this.#keys = []
    this.#values = []
  }

  #add(key: Uint8Array, value: Buffer | undefined): void {
    assert(!this.#done, 'batch is done')
    assert(key.length > 0, 'empty key')
    this.#keys.push(copyOf(key))
    this.#values.push(value)
  }
}

class MemoryScan implements AsyncIterator<StoreEntry> {
  readonly #store: MemoryStore
  readonly #options: ScanOptions
  #chunks: readonly Chunk[]
  #chunk: number
  #row: number
  #left: number

  constructor(store: MemoryStore, chunks: readonly Chunk[], options: ScanOptions) {
    this.#store = store
    this.#options = options
    this.#chunks = chunks
    this.#left = options.limit === undefined || options.limit < 0 ? Infinity : options.limit
    const bound = options.reverse ? options.lt : options.gte
    this.#chunk = bound ? chunkFor(chunks, bound) : options.reverse ? chunks.length - 1 : 0
    const keys = chunks[this.#chunk]?.keys ?? []
    if (options.reverse) this.#row = (bound ? lowerBound(keys, bound) : keys.length) - 1
    else this.#row = bound ? lowerBound(keys, bound) : 0
  }

  async next(): Promise<IteratorResult<StoreEntry>> {
    this.#store.checkOpen()
    const entry = this.#left > 0 ? this.#step() : undefined
    if (!entry) return this.return()
    this.#left--
    return { done: false, value: entry }
  }

  async return(): Promise<IteratorResult<StoreEntry>> {
    this.#chunks = []
    return { done: true, value: undefined }
  }

  #step(): StoreEntry | undefined {
    const { reverse, gte, lt } = this.#options
    if (reverse && this.#row < 0) {
      this.#chunk--
      this.#row = (this.#chunks[this.#chunk]?.keys.length ?? 0) - 1
    } else if (!reverse && this.#row >= (this.#chunks[this.#chunk]?.keys.length ?? 0)) {
      this.#chunk++
      this.#row = 0
    }
    const chunk = this.#chunks[this.#chunk]
    const key = chunk?.keys[this.#row]
    if (!key) return undefined
    if (lt && !reverse && Buffer.compare(key, lt) >= 0) return undefined
    if (gte && reverse && Buffer.compare(key, gte) < 0) return undefined
    const entry: StoreEntry = [key, chunk.values[this.#row]]
    this.#row += reverse ? -1 : 1
    return entry
  }
}

class MemoryStore implements Store {
  readonly kind = 'memory'
  #chunks: Chunk[] = []
  /** Grows with every scan; what was made before it is shared with the scan. */
  #epoch = 0
  #chunksEpoch = 0
  #closed = false

  checkOpen(): void {
    if (this.#closed) throw storeClosed(PATH)
  }

  batch(): StoreBatch {
    this.checkOpen()
    return new MemoryBatch(this)
  }

  async get(key: Uint8Array): Promise<Buffer | undefined> {
    this.checkOpen()
    const chunk = this.#chunks[chunkFor(this.#chunks, key)]
    if (!chunk) return undefined
    const row = lowerBound(chunk.keys, key)
    return chunk.keys[row]?.equals(key) ? chunk.values[row] : undefined
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  async getDeltas(rows: Uint8Array): Promise<Uint8Array> {
    this.checkOpen()
    return packValues(await this.getMany(deltaKeys(rows)))
  }

  scan(options: ScanOptions): AsyncIterable<StoreEntry> {
    return {
      [Symbol.asyncIterator]: () => {
        this.checkOpen()
        this.#epoch++
        return new MemoryScan(this, this.#chunks, options)
      },
    }
  }

  scanRows(options: ScanOptions): AsyncIterable<Uint8Array> {
    return packEntries(this.scan(options))
  }

  async deleteRange(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    let batch = this.batch()
    let rows = 0
    for await (const [key] of this.scan({ gte, lt })) {
      batch.delete(key)
      if (++rows < SLICE_ROWS) continue
      await batch.commit()
      await setImmediate()
      batch = this.batch()
      rows = 0
    }
    await batch.commit()
  }

  load(): StoreLoad {
    this.checkOpen()
    return loadByBatches(this)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#chunks = []
  }

  /** Writes the rows of a batch, in their order, in one go. */
  apply(keys: readonly Buffer[], values: readonly (Buffer | undefined)[]): void {
    this.checkOpen()
    if (this.#chunksEpoch !== this.#epoch) {
      this.#chunks = this.#chunks.slice()
      this.#chunksEpoch = this.#epoch
    }
    for (let row = 0; row < keys.length; row++) {
      const value = values[row]
      if (value) this.#put(keys[row], value)
      else this.#delete(keys[row])
    }
  }

  #put(key: Buffer, value: Buffer): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push({ epoch: this.#epoch, keys: [key], values: [value] })
      return
    }
    const at = chunkFor(this.#chunks, key)
    const chunk = this.#own(at)
    const row = lowerBound(chunk.keys, key)
    if (chunk.keys[row]?.equals(key)) {
      chunk.values[row] = value
      return
    }
    chunk.keys.splice(row, 0, key)
    chunk.values.splice(row, 0, value)
    if (chunk.keys.length <= CHUNK_ROWS) return
    // Keys often come in order: at the end of the last chunk, begin a new one instead of halving.
    const last = at === this.#chunks.length - 1 && row === chunk.keys.length - 1
    const from = last ? row : chunk.keys.length >>> 1
    this.#chunks.splice(at + 1, 0, {
      epoch: this.#epoch,
      keys: chunk.keys.splice(from),
      values: chunk.values.splice(from),
    })
  }

  #delete(key: Buffer): void {
    if (this.#chunks.length === 0) return
    const at = chunkFor(this.#chunks, key)
    const row = lowerBound(this.#chunks[at].keys, key)
    if (!this.#chunks[at].keys[row]?.equals(key)) return
    const chunk = this.#own(at)
    chunk.keys.splice(row, 1)
    chunk.values.splice(row, 1)
    if (chunk.keys.length === 0) this.#chunks.splice(at, 1)
  }

  /** The chunk, copied first if a scan may read it. */
  #own(at: number): Chunk {
    const chunk = this.#chunks[at]
    if (chunk.epoch === this.#epoch) return chunk
    const copy = { epoch: this.#epoch, keys: chunk.keys.slice(), values: chunk.values.slice() }
    this.#chunks[at] = copy
    return copy
  }
}

export function openMemoryStore(): Store {
  return new MemoryStore()
}
