// One partition of an agents' table over its store: which of its rows have changed, what a cut
// takes of them, and what a reader sees of both. Opened with the partition's task; its rows are in
// the cache of AgentTable.
import assert from 'node:assert'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import { AgentRowPacker } from './agent_packing.ts'
import type { AgentRow } from './agent_rows.ts'
import type { Kept, ValueForm } from './agent_values.ts'
import { plainKey, type TablePart, tableEnd, tableStart } from './cell.ts'
import type { Store } from './store.ts'

/** What a cut asks of a table that agents write. */
export interface TablePartState {
  readonly name: string
  /** Number of the table in its store. */
  readonly table: number
  /** As in the store's meta and the changelog's (agent_shape.ts). */
  readonly shape: string
  /** Something is to be taken. */
  readonly dirty: boolean
  /** Resolves when writes that wait for the store are made; undefined where none does. */
  settled(): Promise<void> | undefined
  /**
   * Packed rows of what changed since the last take, the caller's own. Inside the barrier: no event
   * is in hand, and settled() has none to wait for. Reads see the rows as before.
   */
  take(): Uint8Array
  /** What was taken is in the store. Where that fails the part is closed and opened anew. */
  written(): void
}

/** Whoever may write a partition: an agent, while it has an event of it in hand. */
export interface EventHolder {
  readonly holds: boolean
}

export interface AgentTablePartOptions {
  readonly partition: number
  readonly store: Store
  /** Number of the table in the store. */
  readonly number: number
  /** The same array as long as the part is open. */
  readonly holders: readonly EventHolder[]
}

/** What is the same for all parts of a table. */
export interface PartForms {
  readonly name: string
  readonly shape: string
  readonly keys: KeyForm<unknown>
  readonly values: ValueForm<unknown>
  /** Rows that were not in the store are there now. */
  readonly stored: () => void
}

/** What a row may take; more where it does. */
const ROW_BYTES = 48

export class AgentTablePart implements TablePartState {
  readonly name: string
  readonly shape: string
  readonly partition: number
  readonly table: number
  readonly #forms: PartForms
  readonly #store: Store
  readonly #holders: readonly EventHolder[]
  /** Keys that are in no row of the cache are not in the store either. */
  #isComplete: boolean
  #dirty: AgentRow[] = []
  #taken: AgentRow[] = []
  /** Writes that wait for the store. */
  #waiting = 0
  #settled: Deferred<void> | undefined
  #isClosed = false
  /** A cut was asked for. */
  isCutWanted = false

  private constructor(forms: PartForms, options: AgentTablePartOptions, isEmpty: boolean) {
    this.#forms = forms
    this.name = forms.name
    this.shape = forms.shape
    this.partition = options.partition
    this.table = options.number
    this.#store = options.store
    this.#holders = options.holders
    this.#isComplete = isEmpty
  }

  static async open(forms: PartForms, options: AgentTablePartOptions): Promise<AgentTablePart> {
    const { store, number } = options
    let isEmpty = true
    const bounds = { gte: tableStart(number), lt: tableEnd(number), limit: 1 }
    for await (const _ of store.scan(bounds)) isEmpty = false
    return new AgentTablePart(forms, options, isEmpty)
  }

  /** The rows of the last cut. */
  get stored(): TablePart {
    return { store: this.#store, number: this.table }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Its rows are no longer read or written here. */
  close(): void {
    this.#isClosed = true
  }

  /** An event of this partition is in hand here. */
  get isHeld(): boolean {
    for (const holder of this.#holders) if (holder.holds) return true
    return false
  }

  /** A key that is in no row can be answered without the store. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  get dirty(): boolean {
    return this.#dirty.length > 0
  }

  get dirtyRows(): number {
    return this.#dirty.length
  }

  /** The row's value as the store has it. */
  async read(key: CacheKey): Promise<Kept | undefined> {
    const { keys, values } = this.#forms
    const bytes = await this.#store.get(plainKey(this.table, keys.encode(key)))
    return bytes && values.load(bytes)
  }

  write(row: AgentRow, kept: Kept | undefined): void {
    row.kept = kept
    if (row.isDirty) return
    row.isDirty = true
    this.#dirty.push(row)
  }

  /** The cache has dropped a row that is as the store has it. */
  forgot(row: AgentRow): void {
    if (row.kept !== undefined) this.#isComplete = false
  }

  /** Of a write that waits for the store. */
  async waitFor<T>(write: Promise<T>): Promise<T> {
    this.#waiting++
    try {
      return await write
    } finally {
      if (--this.#waiting === 0) {
        this.#settled?.resolve()
        this.#settled = undefined
      }
    }
  }

  settled(): Promise<void> | undefined {
    if (this.#waiting === 0) return undefined
    this.#settled ??= deferred()
    return this.#settled.promise
  }

  take(): Uint8Array {
    assert(this.#taken.length === 0, 'what was taken before is not written yet')
    const { keys, values } = this.#forms
    const rows = new AgentRowPacker(this.table, keys, values, ROW_BYTES * this.#dirty.length)
    for (const row of this.#dirty) {
      row.isDirty = false
      row.isTaken = true
      rows.add(row.key, row.kept)
    }
    this.#taken = this.#dirty
    this.#dirty = []
    this.isCutWanted = false
    return rows.rows
  }

  written(): void {
    for (const row of this.#taken) row.isTaken = false
    this.#taken = []
    this.#forms.stored()
  }

  /**
   * All rows: those of the last cut with what was written since, as of the first step. Rejects with
   * TABLE_MOVING when the part is closed meanwhile.
   */
  async *entries(): AsyncGenerator<readonly [key: unknown, kept: Kept], void> {
    const { keys, values } = this.#forms
    const rows = this.#store.scan({ gte: tableStart(this.table), lt: tableEnd(this.table) })
    const pending = new Map<CacheKey, Kept | undefined>()
    for (const row of this.#taken) pending.set(row.key, row.kept)
    for (const row of this.#dirty) pending.set(row.key, row.kept)
    for await (const [bytes, value] of rows) {
      this.checkOpen()
      const key = keys.decode(bytes.subarray(tableStart(this.table).length))
      const cacheKey = keys.cacheKey(key)
      if (!pending.has(cacheKey)) {
        yield [key, values.load(value)]
        continue
      }
      const kept = pending.get(cacheKey)
      pending.delete(cacheKey)
      if (kept !== undefined) yield [key, kept]
    }
    for (const [key, kept] of pending) {
      this.checkOpen()
      if (kept !== undefined) yield [keys.decode(keys.encode(key)), kept]
    }
  }

  /** Throws TABLE_MOVING. */
  checkOpen(): void {
    if (this.#isClosed) throw this.moving()
  }

  moving(): EuphorionError {
    const { name, partition } = this
    const message = `partition ${partition} of table ${name} is no longer here`
    return new EuphorionError('TABLE_MOVING', message, { place: { table: name, partition } })
  }
}
