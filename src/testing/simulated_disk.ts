// The disk of a simulated machine: stores by their paths, in memory. What a process has committed
// outlives it; what was not synced may be lost with the machine. Owned by the simulation.
import { eachRow } from '../batch/rows.ts'
import type { Clock, Random } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { openMemoryStore } from '../table/memory.ts'
import { deltaKeys, packEntries, packValues } from '../table/packed.ts'
import type { ScanOptions, Store, StoreBatch, StoreEntry, StoreLoad } from '../table/store.ts'
import { storeClosed } from '../table/store_error.ts'
import { loadByBatches } from '../table/store_load.ts'
import type { SimulatedProcess } from './simulated_process.ts'

/** Rows as they were before a commit. */
type Undo = readonly (readonly [key: Uint8Array, value: Uint8Array | undefined])[]

interface File {
  readonly rows: Store
  /** Commits that a crash of the machine may take back, oldest first. */
  unsynced: Undo[]
  /** Who has it open. */
  owner: SimulatedProcess | undefined
}

export interface DiskWeather {
  /** ms of a commit, at least and at most. */
  commitMs: readonly [least: number, most: number]
  /** Nothing can be written. */
  isFull: boolean
}

/** What a commit takes while nothing is wrong. */
export const usualCommitMs: DiskWeather['commitMs'] = [0.1, 2]
/** Commits that the machine has not written by itself yet. */
const UNSYNCED_MAX = 20

export class SimulatedDisk {
  readonly weather: DiskWeather = { commitMs: usualCommitMs, isFull: false }
  readonly #files = new Map<string, File>()
  readonly #clock: Clock
  readonly #random: Random

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** STORE_LOCKED while another process that lives has it open. */
  open(path: string, process: SimulatedProcess): Store {
    let file = this.#files.get(path)
    if (file === undefined) {
      file = { rows: openMemoryStore(), unsynced: [], owner: undefined }
      this.#files.set(path, file)
    }
    if (file.owner !== undefined && !file.owner.isDead)
      throw new EuphorionError('STORE_LOCKED', `the store at ${path} is open`, { place: { path } })
    file.owner = process
    return new DiskStore(path, file, process, this)
  }

  /** Rows of a store, whoever has it open; undefined where there is none. */
  rows(path: string): Store | undefined {
    return this.#files.get(path)?.rows
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()].sort()
  }

  /** Everything is gone; only while no process has it open. */
  wipe(): void {
    this.#files.clear()
  }

  /** The machine crashes: of each store the last commits that were not synced may be gone. */
  async crash(): Promise<void> {
    for (const path of this.paths) {
      const file = this.#files.get(path)!
      const lost = Math.floor(this.#random() * (file.unsynced.length + 1))
      for (let i = 0; i < lost; i++) {
        const batch = file.rows.batch()
        for (const [key, value] of file.unsynced.pop()!)
          if (value === undefined) batch.delete(key)
          else batch.put(key, value)
        await batch.commit()
      }
      file.unsynced = []
    }
  }

  /** Half of what a commit takes. */
  async wait(process: SimulatedProcess): Promise<void> {
    const [least, most] = this.weather.commitMs
    if (most === 0) return
    const ms = (least + this.#random() * (most - least)) / 2
    await new Promise<void>((resolve) => this.#clock.after(ms, () => process.deliver(resolve)))
  }
}

class DiskStore implements Store {
  readonly kind = 'memory'
  readonly #path: string
  readonly #file: File
  readonly #process: SimulatedProcess
  readonly #disk: SimulatedDisk
  #isClosed = false

  constructor(path: string, file: File, process: SimulatedProcess, disk: SimulatedDisk) {
    this.#path = path
    this.#file = file
    this.#process = process
    this.#disk = disk
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storeClosed(this.#path)
  }

  batch(): StoreBatch {
    this.#checkOpen()
    return new DiskBatch(this.#file.rows.batch(), (keys, sync, commit) =>
      this.#commit(keys, sync, commit),
    )
  }

  async #commit(
    keys: readonly Uint8Array[],
    sync: boolean,
    commit: () => Promise<void>,
  ): Promise<void> {
    this.#checkOpen()
    const file = this.#file
    await this.#disk.wait(this.#process)
    if (this.#disk.weather.isFull)
      throw new EuphorionError('DISK_FULL', `no space left for ${this.#path}`)
    this.#checkOpen()
    const before = await file.rows.getMany(keys)
    await commit()
    file.unsynced.push(keys.map((key, index) => [key, before[index]] as const))
    if (sync) file.unsynced = []
    else if (file.unsynced.length > UNSYNCED_MAX) file.unsynced.shift()
    await this.#disk.wait(this.#process)
  }

  async get(key: Uint8Array): Promise<Buffer | undefined> {
    this.#checkOpen()
    return this.#file.rows.get(key)
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    this.#checkOpen()
    return this.#file.rows.getMany(keys)
  }

  async getDeltas(rows: Uint8Array): Promise<Uint8Array> {
    return packValues(await this.getMany(deltaKeys(rows)))
  }

  scan(options: ScanOptions): AsyncIterable<StoreEntry> {
    return {
      [Symbol.asyncIterator]: () => {
        this.#checkOpen()
        const rows = this.#file.rows.scan(options)[Symbol.asyncIterator]()
        return {
          next: async () => {
            this.#checkOpen()
            return rows.next()
          },
          return: async () => rows.return!(),
        }
      },
    }
  }

  scanRows(options: ScanOptions): AsyncIterable<Uint8Array> {
    return packEntries(this.scan(options))
  }

  async deleteRange(gte: Uint8Array, lt: Uint8Array): Promise<void> {
    const batch = this.batch()
    for await (const [key] of this.scan({ gte, lt })) batch.delete(key)
    await batch.commit()
  }

  load(): StoreLoad {
    this.#checkOpen()
    return loadByBatches(this)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#file.owner === this.#process) this.#file.owner = undefined
  }
}

type Commit = (
  keys: readonly Uint8Array[],
  sync: boolean,
  commit: () => Promise<void>,
) => Promise<void>

class DiskBatch implements StoreBatch {
  readonly #inner: StoreBatch
  readonly #commit: Commit
  /** Of all rows, for the undo; a key is taken back once. */
  readonly #keys = new Map<string, Uint8Array>()

  constructor(inner: StoreBatch, commit: Commit) {
    this.#inner = inner
    this.#commit = commit
  }

  putRows(rows: Uint8Array): Promise<void> {
    eachRow(rows, (_op, keyStart, keyEnd) => this.#note(rows.subarray(keyStart, keyEnd)))
    return this.#inner.putRows(rows)
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#note(key)
    this.#inner.put(key, value)
  }

  delete(key: Uint8Array): void {
    this.#note(key)
    this.#inner.delete(key)
  }

  #note(key: Uint8Array): void {
    const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
    if (!this.#keys.has(name)) this.#keys.set(name, key.slice())
  }

  commit({ sync = false }: { sync?: boolean } = {}): Promise<void> {
    return this.#commit([...this.#keys.values()], sync, () => this.#inner.commit())
  }

  drop(): void {
    this.#keys.clear()
    this.#inner.drop()
  }
}
