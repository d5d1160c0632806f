// Tells a program of windows that have closed, once each, key by key, from the rows of the last
// cut: they are final there. How far it has come is in the next cut, with what the program has sent
// for it. Owned by WindowedPart.
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import { WINDOW_START_BYTES, windowBound, windowStartOf } from './agent_row_keys.ts'
import type { StoreEntry } from './store.ts'
import type { ClosePosition } from './window_clock.ts'
import { FIRST_START } from './window_rows.ts'
import type { WindowedPart } from './windowed_part.ts'

export interface WindowCloserOptions {
  readonly part: WindowedPart
  /** Key and value are the row's, as the store has them. */
  readonly tell: (key: Buffer, value: Buffer, startMs: number) => Promise<void>
  /** It goes no further in this run: there `tell` has failed, or did not return. */
  readonly halt: WindowHalt
  readonly failed: (error: EuphorionError) => void
}

/** Outlives the part: one that was opened again must not fail again. */
export interface WindowHalt {
  at: ClosePosition | undefined
}

/** Rows that are read ahead. */
const CHUNK_ROWS = 256

export class WindowCloser {
  readonly #options: WindowCloserOptions
  #isRunning = false
  #isEnding = false
  #isClosed = false
  #spoiled: EuphorionError | undefined
  /** Settled when it may go on; undefined while it may. */
  #paused: Deferred<void> | undefined
  /** Settled when nobody is being told. */
  #resting: Deferred<void> | undefined
  /** What `tell` is at. */
  #telling: Required<ClosePosition> | undefined

  constructor(options: WindowCloserOptions) {
    this.#options = options
  }

  /** `tell` has failed, or hangs. */
  get spoiled(): EuphorionError | undefined {
    return this.#spoiled
  }

  /** There may be windows to be told of. */
  wake(): void {
    if (this.#isRunning || this.#isEnding || this.#spoiled !== undefined) return
    this.#isRunning = true
    void this.#run()
  }

  async pause(): Promise<void> {
    this.#paused ??= deferred()
    if (this.#telling === undefined || this.#spoiled !== undefined) return
    this.#resting ??= deferred()
    await this.#resting.promise
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  stall(ms: number): void {
    if (this.#telling === undefined) return
    const { part, halt } = this.#options
    halt.at = this.#telling
    const message = `onWindowClose of ${part.name} did not return in ${ms} ms; a cut waits for it`
    this.#fail(new EuphorionError('PARTITION_STALLED', message, { place: this.#place }))
  }

  /** Who is being told now is the last one. */
  async end(): Promise<void> {
    this.#isEnding = true
    this.resume()
    if (this.#telling === undefined || this.#spoiled !== undefined) return
    this.#resting ??= deferred()
    await this.#resting.promise
  }

  /** What it is told now does not count any more. */
  close(): void {
    this.#isClosed = true
    this.#isEnding = true
    this.resume()
  }

  async #run(): Promise<void> {
    const { part } = this.#options
    const { clock } = part
    try {
      for (;;) {
        const openMs = part.storedOpenMs
        if (!(openMs > clock.closed.startMs) || this.#isEnding) return
        const rows = await this.#next(openMs)
        for (const row of rows) if (!(await this.#tell(row))) return
        if (rows.length === CHUNK_ROWS) continue
        while (this.#paused !== undefined) await this.#paused.promise
        this.#moveTo({ startMs: openMs, key: undefined })
      }
    } catch {
      // the store fails: the next cut says so
    } finally {
      this.#isRunning = false
    }
  }

  /** The first rows that nobody was told of. */
  async #next(openMs: number): Promise<StoreEntry[]> {
    const { table, stored, clock } = this.#options.part
    const { startMs, key } = clock.closed
    const bound = windowBound(table, Math.max(startMs, FIRST_START))
    const gte = key === undefined ? bound : Buffer.concat([bound, key, Buffer.alloc(1)])
    const range = { gte, lt: windowBound(table, openMs), limit: CHUNK_ROWS }
    const rows: StoreEntry[] = []
    for await (const [k, v] of stored.store.scan(range)) rows.push([Buffer.from(k), Buffer.from(v)])
    return rows
  }

  /** False: it ends here. */
  async #tell([rowKey, value]: StoreEntry): Promise<boolean> {
    const { tell, halt } = this.#options
    const at = { startMs: windowStartOf(rowKey), key: rowKey.subarray(WINDOW_START_BYTES) }
    const isHalt = at.startMs === halt.at?.startMs && at.key.equals(halt.at.key!)
    while (this.#paused !== undefined) await this.#paused.promise
    if (isHalt || this.#isEnding) return false
    this.#telling = at
    try {
      await tell(at.key, value, at.startMs)
      if (this.#isClosed || this.#spoiled !== undefined) return false
      this.#moveTo(at)
      return true
    } catch (cause) {
      const { part } = this.#options
      const message = `onWindowClose of table ${part.name} failed`
      const place = this.#place
      halt.at = at
      this.#fail(new EuphorionError('HANDLER_FAILED', message, { cause, place }))
      return false
    } finally {
      this.#telling = undefined
      this.#resting?.resolve()
      this.#resting = undefined
    }
  }

  #moveTo(at: ClosePosition): void {
    const { clock } = this.#options.part
    clock.closed = at
    clock.isDirty = true
  }

  /** Nobody is told of anything any more. */
  #fail(error: EuphorionError): void {
    if (this.#isClosed || this.#spoiled !== undefined) return
    this.#spoiled = error
    this.#options.failed(error)
    this.#resting?.resolve()
    this.#resting = undefined
  }

  get #place() {
    const { name: table, partition } = this.#options.part
    return { table, partition }
  }
}
