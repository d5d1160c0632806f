// An agents' table while the app runs: the partitions that are here, and their rows in memory, by
// key. A key that is in memory is answered at once; several calls for one that is not wait for one
// read of the store, and are made in their order. Called by the user's handle (stream/table.ts) and
// by the engine, which opens the parts.
import { EuphorionError } from '../errors.ts'
import { partitionOfKey } from '../log/partitioner.ts'
import type { AgentTableDefinition } from './agent_definition.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import { AgentTablePart, type AgentTablePartOptions } from './agent_part.ts'
import { AgentRow, AgentRows } from './agent_rows.ts'
import type { Kept, ValueForm } from './agent_values.ts'
import { plainKey, type TablePart, tableEnd, tableStart } from './cell.ts'

export interface AgentTableOptions {
  readonly partitions: number
  /** Setting tableCacheEntries. */
  readonly cacheEntries: number
  /** So much of the part has changed that a cut should come soon. */
  readonly wantsCut: (part: AgentTablePart) => void
  /** Where a partition is read that is not here. Default: nowhere. */
  readonly elsewhere?: (partition: number) => TablePart
}

/** Of the partitions that are here only, or of all. */
type Scope = 'here' | 'everywhere'

/** Part of the cache that may have changed before a cut is asked for. */
const DIRTY_SHARE = 0.5

export class AgentTable<K, V> {
  readonly definition: AgentTableDefinition<K, V>
  readonly partitions: number
  readonly #options: AgentTableOptions
  readonly #keys: KeyForm<K>
  readonly #values: ValueForm<V>
  readonly #parts = new Map<number, AgentTablePart>()
  /** Partitions that were given to this worker and are not ready yet. */
  readonly #coming = new Set<number>()
  readonly #rows: AgentRows
  readonly #dirtyMax: number

  constructor(definition: AgentTableDefinition<K, V>, options: AgentTableOptions) {
    this.definition = definition
    this.partitions = options.partitions
    this.#options = options
    this.#keys = definition.keys
    this.#values = definition.values
    this.#rows = new AgentRows(options.cacheEntries)
    this.#dirtyMax = Math.max(1, options.cacheEntries * DIRTY_SHARE)
  }

  /** The partition is on its way here, or is no longer. */
  expect(partition: number, isComing: boolean): void {
    if (isComing) this.#coming.add(partition)
    else this.#coming.delete(partition)
  }

  async openPart(options: AgentTablePartOptions): Promise<AgentTablePart> {
    const { name, shape, keys, values } = this.definition as AgentTableDefinition<unknown, unknown>
    const stored = () => this.#rows.trim()
    const part = await AgentTablePart.open({ name, shape, keys, values, stored }, options)
    this.#parts.set(options.partition, part)
    this.#coming.delete(options.partition)
    return part
  }

  /** Its rows as of the last cut. */
  storedPart(partition: number): TablePart | undefined {
    return this.#parts.get(partition)?.stored
  }

  /** What changed since the last cut is given up with it. */
  closePart(part: AgentTablePart): void {
    part.close()
    if (this.#parts.get(part.partition) === part) this.#parts.delete(part.partition)
    for (const row of this.#rows.removeAll(part))
      for (const call of row.queue ?? []) call.fail(part.moving())
  }

  /** At most the setting, but for rows that are not in the store yet. */
  get rowsInMemory(): number {
    return this.#rows.size
  }

  get(key: K): Promise<V | undefined> {
    try {
      const row = this.#rows.get(this.#keys.cacheKey(key))
      if (row === undefined || row.queue !== undefined) return this.#readLater(key, this.#shown)
      row.isUsed = true
      return Promise.resolve(this.#shown(row.kept))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The value that the table holds, whatever the default. */
  find(key: K): Promise<V | undefined> {
    return this.#readLater(key, (kept) =>
      kept === undefined ? undefined : this.#values.show(kept),
    )
  }

  async has(key: K): Promise<boolean> {
    const row = this.#rows.get(this.#keys.cacheKey(key))
    if (row !== undefined && row.queue === undefined) return row.kept !== undefined
    return this.#readLater(key, (kept) => kept !== undefined)
  }

  /** `change` must be synchronous. Resolves with what it has returned. */
  update(key: K, change: (value: V) => V): Promise<V> {
    try {
      const row = this.#rows.get(this.#keys.cacheKey(key))
      if (row === undefined || row.queue !== undefined) return this.#updateLater(key, change)
      if (!row.part.isHeld) throw this.#notHeld(row.part.partition)
      row.isUsed = true
      return Promise.resolve(this.#change(row, change))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async set(key: K, value: V): Promise<void> {
    return this.#replace(key, this.#values.keep(value))
  }

  async delete(key: K): Promise<void> {
    return this.#replace(key, undefined)
  }

  /**
   * Of the partitions that are here, one after the other; 'everywhere', the default of a global
   * table, of the others too.
   */
  async *entries(scope?: Scope): AsyncGenerator<[key: K, value: V], void> {
    const isWhole = scope === undefined ? this.definition.isGlobal : scope === 'everywhere'
    const { elsewhere } = this.#options
    for (let partition = 0; partition < this.partitions; partition++) {
      const part = this.#parts.get(partition)
      if (part !== undefined) {
        for await (const [key, kept] of part.entries()) yield [key as K, this.#values.show(kept)]
      } else if (isWhole && elsewhere !== undefined) {
        yield* this.#entriesElsewhere(elsewhere(partition))
      }
    }
  }

  async *#entriesElsewhere({ store, number }: TablePart): AsyncGenerator<[key: K, value: V], void> {
    const start = tableStart(number)
    for await (const [key, value] of store.scan({ gte: start, lt: tableEnd(number) })) {
      const kept = this.#values.load(value)
      yield [this.#keys.decode(key.subarray(start.length)), this.#values.show(kept)]
    }
  }

  /** The keys of entries(). */
  async *keys(): AsyncGenerator<K, void> {
    for await (const [key] of this.entries()) yield key
  }

  readonly #shown = (kept: Kept | undefined): V | undefined =>
    kept === undefined ? this.definition.missing() : this.#values.show(kept)

  #change(row: AgentRow, change: (value: V) => V): V {
    const value = change(this.#shown(row.kept) as V)
    this.#put(row, this.#values.keep(value))
    return value
  }

  #put(row: AgentRow, kept: Kept | undefined): void {
    const { part } = row
    part.write(row, kept)
    if (part.dirtyRows < this.#dirtyMax || part.isCutWanted) return
    part.isCutWanted = true
    this.#options.wantsCut(part)
  }

  async #readLater<T>(key: K, answer: (kept: Kept | undefined) => T): Promise<T> {
    const cacheKey = this.#keys.cacheKey(key)
    const row = this.#rows.get(cacheKey) ?? this.#newRow(cacheKey)
    if (row === undefined) return this.#readElsewhere(cacheKey, answer)
    return row.queue === undefined ? answer(row.kept) : this.#queue(row, () => answer(row.kept))
  }

  async #updateLater(key: K, change: (value: V) => V): Promise<V> {
    const cacheKey = this.#keys.cacheKey(key)
    const part = this.#partToWrite(cacheKey)
    const row = this.#rows.get(cacheKey) ?? this.#newRow(cacheKey)!
    if (row.queue === undefined) return this.#change(row, change)
    return part.waitFor(this.#queue(row, () => this.#change(row, change)))
  }

  async #replace(key: K, kept: Kept | undefined): Promise<void> {
    const cacheKey = this.#keys.cacheKey(key)
    const known = this.#rows.get(cacheKey)
    const part = known?.part ?? this.#partToWrite(cacheKey)
    if (!part.isHeld) throw this.#notHeld(part.partition)
    const row = known ?? new AgentRow(cacheKey, part, undefined)
    if (known === undefined) this.#rows.add(row)
    row.isUsed = true
    if (row.queue === undefined) this.#put(row, kept)
    else await part.waitFor(this.#queue(row, () => this.#put(row, kept)))
  }

  #partToWrite(cacheKey: CacheKey): AgentTablePart {
    const partition = this.#partitionOf(cacheKey)
    const part = this.#parts.get(partition)
    if (part === undefined) throw this.#notHere(partition)
    if (!part.isHeld) throw this.#notHeld(partition)
    return part
  }

  /** Undefined: its partition is not here. */
  #newRow(cacheKey: CacheKey): AgentRow | undefined {
    const part = this.#parts.get(this.#partitionOf(cacheKey))
    if (part === undefined) return undefined
    const row = new AgentRow(cacheKey, part, undefined)
    this.#rows.add(row)
    if (!part.isComplete) this.#load(row)
    return row
  }

  #load(row: AgentRow): void {
    const queue: NonNullable<AgentRow['queue']> = []
    row.queue = queue
    row.part.read(row.key).then(
      (kept) => {
        if (row.part.isClosed) return
        row.kept = kept
        row.queue = undefined
        for (const call of queue) call.run()
      },
      (error) => {
        if (row.part.isClosed) return
        this.#rows.remove(row)
        for (const call of queue) call.fail(error)
      },
    )
  }

  /** Behind the calls that wait already. */
  #queue<T>(row: AgentRow, make: () => T): Promise<T> {
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

  #partitionOf(cacheKey: CacheKey): number {
    return partitionOfKey(this.#keys.encode(cacheKey), this.partitions)
  }

  async #readElsewhere<T>(cacheKey: CacheKey, answer: (kept: Kept | undefined) => T): Promise<T> {
    const bytes = this.#keys.encode(cacheKey)
    const partition = partitionOfKey(bytes, this.partitions)
    const { elsewhere } = this.#options
    const isMoving = this.#coming.has(partition) && !this.definition.isGlobal
    if (elsewhere === undefined || isMoving) throw this.#notHere(partition)
    const { store, number } = elsewhere(partition)
    const value = await store.get(plainKey(number, bytes))
    return answer(value && this.#values.load(value))
  }

  #notHere(partition: number): EuphorionError {
    const { name } = this.definition
    const place = { table: name, partition }
    if (!this.#coming.has(partition)) return this.#elsewhere(partition, 'is not on this worker')
    const message = `partition ${partition} of table ${name} is not ready yet`
    return new EuphorionError('TABLE_MOVING', message, { place })
  }

  #notHeld(partition: number): EuphorionError {
    return this.#elsewhere(partition, 'has no event in hand here')
  }

  #elsewhere(partition: number, what: string): EuphorionError {
    const { name } = this.definition
    const message = `the key is of partition ${partition} of table ${name}, which ${what}`
    return new EuphorionError('KEY_ELSEWHERE', message, { place: { table: name, partition } })
  }
}
