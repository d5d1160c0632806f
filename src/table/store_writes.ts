// The order of writes to a store on disk. Used by both kinds of RocksDB stores.
import { statfs } from 'node:fs/promises'
import { EuphorionError } from '../errors.ts'
import { storeError } from './store_error.ts'

/**
 * One write at a time, and none after one that RocksDB failed: version 6.17 may abort the process
 * when it is written to while it tries to recover from a full disk. For the same reason it is kept
 * from meeting one: flushes and compactions need room too. Being short of room is no failure: try
 * again later.
 */
export class StoreWrites {
  readonly #path: string
  readonly #minFreeBytes: number
  #last: Promise<void> = Promise.resolve()
  /** What ended them. */
  failed: EuphorionError | undefined

  constructor(path: string, minFreeBytes: number) {
    this.#path = path
    this.#minFreeBytes = minFreeBytes
  }

  /** Writes when those before are done. */
  run(write: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(() => this.#write(write))
    this.#last = mine.catch(() => {})
    return mine
  }

  /** Resolves when the writes asked for so far are over, also where they failed. */
  get settled(): Promise<void> {
    return this.#last
  }

  async #write(write: () => Promise<void>): Promise<void> {
    if (this.failed) throw this.failed
    await this.#checkRoom()
    try {
      await write()
    } catch (error) {
      this.failed = storeError('write to', this.#path, error)
      throw this.failed
    }
  }

  async #checkRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#path).catch((error) => {
      throw storeError('write to', this.#path, error)
    })
    if (bavail * bsize >= this.#minFreeBytes) return
    throw new EuphorionError(
      'DISK_FULL',
      `${bavail * bsize} bytes are left on the disk of the store at ${this.#path}, less than ${this.#minFreeBytes}`,
      { place: { path: this.#path } },
    )
  }
}
