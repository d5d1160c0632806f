// What tables of agents have in common while the app runs: the partitions that are here, and their
// rows in memory. A row that is in memory is answered at once; several calls for one that is not
// wait for one read of the store, and are made in their order. The engine opens the parts; kinds of
// tables are agent_table.ts, agent_windowed.ts and agent_set.ts.
import type { Clock } from '../clock.ts'
import { deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import { partitionOfKey } from '../log/partitioner.ts'
import type { TableDeclaration } from './agent_definition.ts'
import type { CacheKey } from './agent_keys.ts'
import type { AgentTablePart, AgentTablePartOptions, PartForms } from './agent_part.ts'
import { AgentRow, AgentRows } from './agent_rows.ts'
import type { Kept } from './agent_values.ts'
import { type TablePart, tableEnd, tableStart } from './cell.ts'
import { type RowChange, RowChanges } from './row_changes.ts'
import type { StoreEntry } from './store.ts'

export interface AgentTableOptions {
  readonly partitions: number
  /** Setting tableCacheEntries. */
  readonly cacheEntries: number
  /** So much of the part has changed that a cut should come soon. */
  readonly wantsCut: (part: AgentTablePart) => void
  /** Default: the system's. */
  readonly clock?: Clock
  /** Setting maxFutureMs. Default: no bound. */
  readonly maxFutureMs?: number
  /** What the table tells has failed, and is told no more. */
  readonly failed?: (error: EuphorionError) => void
  /** Where a partition is read that is not here. Default: nowhere. */
  readonly elsewhere?: (partition: number) => TablePart
}

/** One partition to be read whole. */
export interface TableView<Part> {
  /** Undefined: another worker's. */
  readonly part: Part | undefined
  /** Of the table, in the keys of `scan`. */
  readonly number: number
  readonly scan: (gte: Buffer, lt: Buffer) => AsyncIterable<StoreEntry>
}

/** Of the partitions that are here only, or of all. */
export type Scope = 'here' | 'everywhere'

/** Part of the cache that may have changed before a cut is asked for. */
const DIRTY_SHARE = 0.5

export abstract class RowTable<Part extends AgentTablePart = AgentTablePart> {
  abstract readonly definition: TableDeclaration
  readonly partitions: number
  protected readonly options: AgentTableOptions
  protected readonly rows: AgentRows
  protected readonly parts = new Map<number, Part>()
  protected readonly forms: PartForms
  /** Partitions that were given to this worker and are not ready yet. */
  readonly #coming = new Set<number>()
  /** Those that go back to their last cut, and are not open meanwhile. */
  readonly #goingBack = new Set<number>()
  readonly #dirtyMax: number

  readonly #changes: RowChanges | undefined
  /** Whoever waits for the end of a cut. */
  #stored = deferred()

  /** `tell`: somebody wants to know what a cut has changed. */
  constructor(
    forms: Omit<PartForms, 'stored' | 'changed'>,
    options: AgentTableOptions,
    tell?: (change: RowChange) => unknown,
  ) {
    this.partitions = options.partitions
    this.options = options
    this.rows = new AgentRows(options.cacheEntries)
    this.#dirtyMax = Math.max(1, options.cacheEntries * DIRTY_SHARE)
    const failed = (cause: unknown): void => {
      const place = { table: forms.name }
      const message = `onChange of table ${forms.name} failed`
      options.failed?.(new EuphorionError('HANDLER_FAILED', message, { cause, place }))
    }
    this.#changes = tell && new RowChanges(tell, failed)
    const stored = (): void => {
      this.rows.trim()
      this.#stored.resolve()
      this.#stored = deferred()
    }
    const changed = tell && ((changes: readonly RowChange[]) => this.#changes!.add(changes))
    this.forms = { ...forms, stored, changed }
  }

  /** Rows as results, for whoever asks without the program's types. */
  abstract reader(scope: Scope): TableReader

  protected abstract open(options: AgentTablePartOptions): Promise<Part>

  /** The partition is on its way here, or is no longer. */
  expect(partition: number, isComing: boolean): void {
    if (isComing) this.#coming.add(partition)
    else this.#coming.delete(partition)
  }

  /** The partition is closed, and opened again from its last cut; or it stays closed. */
  goesBack(partition: number, isSo: boolean): void {
    if (isSo) this.#goingBack.add(partition)
    else this.#goingBack.delete(partition)
  }

  async openPart(options: AgentTablePartOptions): Promise<Part> {
    const part = await this.open(options)
    this.parts.set(options.partition, part)
    this.#coming.delete(options.partition)
    this.#goingBack.delete(options.partition)
    return part
  }

  /** Its rows as of the last cut. */
  storedPart(partition: number): TablePart | undefined {
    return this.parts.get(partition)?.stored
  }

  /** What changed since the last cut is given up with it. */
  closePart(part: AgentTablePart): void {
    part.close()
    if (this.parts.get(part.partition) === part) this.parts.delete(part.partition)
    for (const row of this.rows.removeAll(part))
      for (const call of row.queue ?? []) call.fail(part.moving())
    this.#stored.resolve()
    this.#stored = deferred()
  }

  /** Changes that who listens was not told of: too many waited. */
  get missedChanges(): number {
    return this.#changes?.missed ?? 0
  }

  /**
   * All rows of the partitions that are here, as one cut has left them. Each iterator holds on to
   * what its store had then, until it is read to its end or returned. TABLE_MOVING as for views().
   */
  protected async snapshots(): Promise<AsyncIterator<StoreEntry>[]> {
    const parts = () => [...this.parts.values()]
    while (parts().some(({ isCutting }) => isCutting)) await this.#stored.promise
    for (const partition of this.#goingBack) throw this.notHere(partition)
    return parts().map(({ stored: { store, number } }) => {
      const scan = store.scan({ gte: tableStart(number), lt: tableEnd(number) })
      return scan[Symbol.asyncIterator]()
    })
  }

  /** At most the setting, but for rows that are not in the store yet. */
  get rowsInMemory(): number {
    return this.rows.size
  }

  protected put(row: AgentRow, kept: Kept | undefined): void {
    const { part } = row
    part.write(row, kept)
    if (part.dirtyRows < this.#dirtyMax || part.isCutWanted) return
    part.isCutWanted = true
    this.options.wantsCut(part)
  }

  protected async read<T>(
    group: CacheKey,
    key: CacheKey,
    answer: (kept: Kept | undefined) => T,
  ): Promise<T> {
    const known = this.rows.get(group, key)
    if (known === undefined) {
      const partition = this.partitionOf(group, key)
      const part = this.parts.get(partition)
      if (part === undefined) return answer(await this.#readElsewhere(partition, group, key))
      return this.#answer(this.newRow(part, group, key), answer)
    }
    return this.#answer(known, answer)
  }

  /** In their order. Of a partition that is elsewhere, all are asked for at once. */
  protected async readMany(
    wanted: readonly (readonly [group: CacheKey, key: CacheKey])[],
  ): Promise<(Kept | undefined)[]> {
    const away = new Map<number, number[]>()
    const found = wanted.map(([group, key], i) => {
      const partition = this.partitionOf(group, key)
      if (this.parts.has(partition)) return this.read(group, key, (kept) => kept)
      away.set(partition, [...(away.get(partition) ?? []), i])
      return undefined
    })
    const { rowKeys, values } = this.forms
    for (const [partition, places] of away) {
      const { store, number } = this.elsewhere(partition)
      const keys = places.map((i) => rowKeys.encode(number, ...wanted[i]))
      const asked = store.getMany(keys)
      places.forEach((place, i) => {
        found[place] = asked.then((bytes) => bytes[i] && values.load(bytes[i]))
      })
    }
    return Promise.all(found)
  }

  async #answer<T>(row: AgentRow, answer: (kept: Kept | undefined) => T): Promise<T> {
    return row.queue === undefined ? answer(row.kept) : this.queue(row, () => answer(row.kept))
  }

  /** Whatever the row holds now. */
  protected async replace(group: CacheKey, key: CacheKey, kept: Kept | undefined): Promise<void> {
    const known = this.rows.get(group, key)
    const part = known?.part ?? this.partToWrite(group, key)
    if (!part.isHeld) throw this.notHeld(part.partition)
    await this.replaceIn(part, group, key, kept)
  }

  /** The partition is held. */
  protected replaceIn(
    part: AgentTablePart,
    group: CacheKey,
    key: CacheKey,
    kept: Kept | undefined,
  ): Promise<void> | undefined {
    let row = this.rows.get(group, key)
    // who is told of changes is told what was there before
    if (row === undefined && this.#changes !== undefined) row = this.newRow(part, group, key)
    if (row === undefined) {
      row = new AgentRow(group, key, part, undefined)
      this.rows.add(row)
    }
    const known = row
    known.isUsed = true
    if (known.queue !== undefined)
      return part.waitFor(this.queue(known, () => this.put(known, kept)))
    this.put(known, kept)
    return undefined
  }

  protected partToWrite(group: CacheKey, key: CacheKey): Part {
    const partition = this.partitionOf(group, key)
    const part = this.parts.get(partition)
    if (part === undefined) throw this.notHere(partition)
    if (!part.isHeld) throw this.notHeld(partition)
    return part
  }

  /** Its value may be on its way then. */
  protected newRow(part: AgentTablePart, group: CacheKey, key: CacheKey): AgentRow {
    const row = new AgentRow(group, key, part, undefined)
    this.rows.add(row)
    if (!part.knows(group)) this.#load(row)
    return row
  }

  #load(row: AgentRow): void {
    const queue: NonNullable<AgentRow['queue']> = []
    row.queue = queue
    row.part.read(row).then(
      (kept) => {
        if (row.part.isClosed) return
        row.kept = kept
        row.queue = undefined
        for (const call of queue) call.run()
      },
      (error) => {
        if (row.part.isClosed) return
        this.rows.remove(row)
        for (const call of queue) call.fail(error)
      },
    )
  }

  /** Behind the calls that wait already. */
  protected queue<T>(row: AgentRow, make: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(make())
        } catch (error) {
          reject(error)
        }
      }
      row.queue!.push({ run, fail: reject })
    })
  }

  protected partitionOf(group: CacheKey, key: CacheKey): number {
    return partitionOfKey(this.forms.rowKeys.placed(group, key), this.partitions)
  }

  async #readElsewhere(
    partition: number,
    group: CacheKey,
    key: CacheKey,
  ): Promise<Kept | undefined> {
    const { store, number } = this.elsewhere(partition)
    const value = await store.get(this.forms.rowKeys.encode(number, group, key))
    return value && this.forms.values.load(value)
  }

  /** Throws TABLE_MOVING, and KEY_ELSEWHERE where nobody else is asked. */
  protected elsewhere(partition: number): TablePart {
    const { elsewhere } = this.options
    const isHeld = this.#isMoving(partition) && !this.definition.isGlobal
    if (elsewhere === undefined || isHeld) throw this.notHere(partition)
    return elsewhere(partition)
  }

  /**
   * The stores of all partitions of a scope, in their order, with what is not in them yet. Throws
   * TABLE_MOVING at one that goes back to its last cut: without it the rest would pass for all.
   */
  protected *views(scope: Scope | undefined): Generator<TableView<Part>> {
    const isWhole = scope === undefined ? this.definition.isGlobal : scope === 'everywhere'
    const { elsewhere } = this.options
    for (let partition = 0; partition < this.partitions; partition++) {
      const part = this.parts.get(partition)
      if (part !== undefined)
        yield { part, number: part.table, scan: (gte, lt) => part.rows(gte, lt) }
      else if (isWhole && elsewhere !== undefined) {
        const { store, number } = elsewhere(partition)
        yield { part, number, scan: (gte, lt) => store.scan({ gte, lt }) }
      } else if (this.#goingBack.has(partition)) throw this.notHere(partition)
    }
  }

  protected notHere(partition: number): EuphorionError {
    const { name } = this.definition
    const place = { table: name, partition }
    if (!this.#isMoving(partition)) return this.#away(partition, 'is not on this worker')
    const message = `partition ${partition} of table ${name} is not ready yet`
    return new EuphorionError('TABLE_MOVING', message, { place })
  }

  #isMoving(partition: number): boolean {
    return this.#coming.has(partition) || this.#goingBack.has(partition)
  }

  protected notHeld(partition: number): EuphorionError {
    return this.#away(partition, 'has no event in hand here')
  }

  #away(partition: number, what: string): EuphorionError {
    const { name } = this.definition
    const message = `the key is of partition ${partition} of table ${name}, which ${what}`
    return new EuphorionError('KEY_ELSEWHERE', message, { place: { table: name, partition } })
  }
}
