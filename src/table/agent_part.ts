// One partition of an agents' table over its store: which of its rows have changed, what a cut
// takes of them, and what a reader sees of both. Opened with the partition's task; its rows are in
// the cache of AgentTable.
import assert from 'node:assert'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { Effects } from '../ingest/effects.ts'
import type { EventInHand } from '../ingest/subscriber.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import { AgentRowPacker } from './agent_packing.ts'
import type { RowKeys } from './agent_row_keys.ts'
import type { AgentRow } from './agent_rows.ts'
import type { Kept, ValueForm } from './agent_values.ts'
import { edgeKey, type TablePart, tableEnd, tableStart } from './cell.ts'
import { Overlay } from './overlay.ts'
import type { RowChange } from './row_changes.ts'
import type { Store, StoreEntry, StoreReads } from './store.ts'

/** What a cut asks of a table that agents write. */
export interface TablePartState {
  readonly name: string
  /** Number of the table in its store. */
  readonly table: number
  /** As in the store's meta and the changelog's (agent_shape.ts). */
  readonly shape: string
  /** Something is to be taken. */
  readonly dirty: boolean
  /**
   * Resolves when writes that wait for the store are made, and nobody is called any more for what
   * the table tells, until resume(). Never rejects.
   */
  pause(): Promise<void>
  resume(): void
  /** Its last cut follows: nobody is told of anything any more. Never rejects. */
  end(): Promise<void>
  /** A pause has lasted for `ms`. */
  stall(ms: number): void
  /** Who was told of something has failed, or hangs: what was sent for it may not count. */
  readonly spoiled: Error | undefined
  /**
   * Packed rows of what changed since the last take, the caller's own. Inside the barrier: no event
   * is in hand, and pause() has resolved. Reads see the rows as before.
   */
  take(): Uint8Array
  /** What was taken is in the store. Where that fails the part is closed and opened anew. */
  written(): void
}

/** Whoever may write a partition: an agent, while it has an event of it in hand. */
export interface EventHolder {
  readonly holds: boolean
  /** The one event that it has in hand. */
  readonly inHand?: EventInHand | undefined
}

export interface AgentTablePartOptions {
  readonly partition: number
  readonly store: Store
  /** Number of the table in the store. */
  readonly number: number
  /** The same array as long as the part is open. */
  readonly holders: readonly EventHolder[]
  /** Counts the writes. */
  readonly effects?: Effects | undefined
}

/** What is the same for all parts of a table. */
export interface PartForms {
  readonly name: string
  readonly shape: string
  readonly keys: KeyForm<unknown>
  readonly rowKeys: RowKeys
  readonly values: ValueForm<unknown>
  /** Rows that were not in the store are there now. */
  readonly stored: () => void
  /** Somebody wants to know what a cut has changed. */
  readonly changed?: ((changes: readonly RowChange[]) => void) | undefined
}

/** What a row may take; more where it does. */
const ROW_BYTES = 48

export class AgentTablePart implements TablePartState {
  readonly name: string
  readonly shape: string
  readonly partition: number
  readonly table: number
  protected readonly forms: PartForms
  protected readonly store: Store
  protected readonly holders: readonly EventHolder[]
  readonly #effects: Effects | undefined
  /** Keys that are in no row of the cache are not in the store either. */
  #isComplete: boolean
  #dirty: AgentRow[] = []
  #taken: AgentRow[] = []
  /** What the cut under way changes, for who listens. */
  #changes: readonly RowChange[] = []
  /** Writes that wait for the store. */
  #waiting = 0
  #settled: Deferred<void> | undefined
  #isClosed = false
  /** A cut was asked for. */
  isCutWanted = false

  protected constructor(forms: PartForms, options: AgentTablePartOptions, isEmpty: boolean) {
    this.#effects = options.effects
    this.forms = forms
    this.name = forms.name
    this.shape = forms.shape
    this.partition = options.partition
    this.table = options.number
    this.store = options.store
    this.holders = options.holders
    this.#isComplete = isEmpty
  }

  static async open(forms: PartForms, options: AgentTablePartOptions): Promise<AgentTablePart> {
    const { store, number } = options
    const first = await edgeKey(store, tableStart(number), tableEnd(number), false)
    return new AgentTablePart(forms, options, first === undefined)
  }

  /** The rows of the last cut. */
  get stored(): TablePart {
    return { store: this.store, number: this.table }
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
    for (const holder of this.holders) if (holder.holds) return true
    return false
  }

  /** A key of the group that is in no row can be answered without the store. */
  knows(_group: CacheKey): boolean {
    return this.#isComplete
  }

  get dirty(): boolean {
    return this.#dirty.length > 0
  }

  get dirtyRows(): number {
    return this.#dirty.length
  }

  /** The row's value as the store has it. */
  async read({ group, key }: AgentRow): Promise<Kept | undefined> {
    const { rowKeys, values } = this.forms
    const bytes = await this.store.get(rowKeys.encode(this.table, group, key))
    return bytes && values.load(bytes)
  }

  write(row: AgentRow, kept: Kept | undefined): void {
    if (this.#effects !== undefined) this.#effects.count++
    if (row.isDirty) {
      row.kept = kept
      return
    }
    row.before = row.kept
    row.kept = kept
    row.isDirty = true
    this.#dirty.push(row)
  }

  /** The cache has dropped a row that is as the store has it. */
  forgot(row: AgentRow): void {
    if (row.kept !== undefined) this.#isComplete = false
  }

  /** A cut has taken rows that are not in the store yet, perhaps. */
  get isCutting(): boolean {
    return this.#taken.length > 0
  }

  /** Of a write that waits for the store. */
  async waitFor<T>(write: Promise<T>): Promise<T> {
    this.#waiting++
    if (this.#effects !== undefined) this.#effects.count++
    try {
      return await write
    } finally {
      if (--this.#waiting === 0) {
        this.#settled?.resolve()
        this.#settled = undefined
      }
    }
  }

  async pause(): Promise<void> {
    if (this.#waiting === 0) return
    this.#settled ??= deferred()
    await this.#settled.promise
  }

  resume(): void {}

  async end(): Promise<void> {}

  stall(_ms: number): void {}

  get spoiled(): Error | undefined {
    return undefined
  }

  take(): Uint8Array {
    assert(this.#taken.length === 0, 'what was taken before is not written yet')
    const rows = this.#packer(this.#dirty.length)
    for (const row of this.#dirty) {
      row.isDirty = false
      row.isTaken = true
      rows.add(row)
    }
    if (this.forms.changed !== undefined) this.#changes = this.#dirty.map(changeOf)
    this.packMore(rows)
    this.#taken = this.#dirty
    this.#dirty = []
    this.isCutWanted = false
    return rows.rows
  }

  /** What goes with the rows that have changed. */
  protected packMore(_rows: AgentRowPacker): void {}

  #packer(rows: number): AgentRowPacker {
    const { rowKeys, values } = this.forms
    return new AgentRowPacker(this.table, rowKeys, values, ROW_BYTES * rows)
  }

  /** The store as it will be once what was written so far is in it. Cost: the rows that are not. */
  view(): StoreReads {
    if (this.#taken.length + this.#dirty.length === 0) return this.store
    const rows = this.#packer(this.#taken.length + this.#dirty.length)
    for (const row of this.#taken) rows.add(row)
    for (const row of this.#dirty) rows.add(row)
    const view = new Overlay(this.store)
    view.add(rows.rows)
    return view
  }

  written(): void {
    for (const row of this.#taken) row.isTaken = false
    this.#taken = []
    this.forms.stored()
    const changes = this.#changes
    this.#changes = []
    if (changes.length > 0) this.forms.changed?.(changes)
  }

  /**
   * Rows in the order of their keys: those of the last cut with what was written since, as of the
   * first step. Rejects with TABLE_MOVING when the part is closed meanwhile.
   */
  async *rows(
    gte: Buffer = tableStart(this.table),
    lt: Buffer = tableEnd(this.table),
  ): AsyncGenerator<StoreEntry, void> {
    for await (const entry of this.view().scan({ gte, lt })) {
      this.checkOpen()
      yield entry
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

function changeOf({ group, key, before, kept: after }: AgentRow): RowChange {
  return { group, key, before, after }
}
