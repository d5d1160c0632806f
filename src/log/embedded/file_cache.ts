// Descriptors of segment files, kept open up to a bound; the least recently used idle one goes
// first. Fetches, appends and cleaning take a descriptor, use it and give it back.
import { closeFile, fileError, openFile } from './files.ts'
import type { Segment } from './segment.ts'

interface OpenFile {
  fd: number
  users: number
  /** Closed as soon as nobody uses it. */
  leaving: boolean
}

export class FileCache {
  readonly #max: number
  /** In order of last use. */
  readonly #files = new Map<Segment, OpenFile>()
  readonly #opening = new Map<Segment, Promise<void>>()

  constructor(openFilesMax: number) {
    this.#max = openFilesMax
  }

  /** A descriptor when the file is open already, else -1. Give it back with `release`. */
  tryTake(segment: Segment): number {
    const file = this.#files.get(segment)
    if (file === undefined || file.leaving) return -1
    this.#files.delete(segment)
    this.#files.set(segment, file)
    file.users++
    return file.fd
  }

  /** A descriptor for reading and writing; give it back with `release`. */
  async take(segment: Segment): Promise<number> {
    for (;;) {
      const fd = this.tryTake(segment)
      if (fd >= 0) return fd
      if (segment.dropped) throw fileError(new Error('the segment was removed'), segment.path)
      const opening = this.#opening.get(segment)
      if (opening) await opening
      else await this.#open(segment)
    }
  }

  async #open(segment: Segment): Promise<void> {
    const opening = openFile(segment.path, 'r+').then(
      (fd) => {
        this.#files.set(segment, { fd, users: 0, leaving: false })
        this.#opening.delete(segment)
        this.#evict(segment)
      },
      (error) => {
        this.#opening.delete(segment)
        throw fileError(error, segment.path)
      },
    )
    this.#opening.set(segment, opening)
    await opening
  }

  #evict(keep: Segment): void {
    for (const [segment, file] of this.#files) {
      if (this.#files.size <= this.#max) return
      if (file.users > 0 || segment === keep) continue
      this.#files.delete(segment)
      void closeFile(file.fd)
    }
  }

  release(segment: Segment): void {
    const file = this.#files.get(segment)
    if (file === undefined) return
    file.users--
    if (file.leaving && file.users === 0) {
      this.#files.delete(segment)
      void closeFile(file.fd)
    }
  }

  /** The segment's file is not needed any more: closed now, or when its last user gives it back. */
  async drop(segment: Segment): Promise<void> {
    await this.#opening.get(segment)?.catch(() => {})
    const file = this.#files.get(segment)
    if (file === undefined) return
    file.leaving = true
    if (file.users > 0) return
    this.#files.delete(segment)
    await closeFile(file.fd)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.keys()].map((segment) => this.drop(segment)))
  }
}
