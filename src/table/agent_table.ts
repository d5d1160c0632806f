// A plain table of agents while the app runs: values by key. Called by the user's handle
// (stream/table.ts) and by the engine, which opens the parts.
import type { TableReader } from '../ingest/aggregation.ts'
import type { AgentTableDefinition } from './agent_definition.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import { AgentTablePart, type AgentTablePartOptions } from './agent_part.ts'
import { PLAIN, plainRowKeys } from './agent_row_keys.ts'
import { type AgentTableOptions, RowTable, type Scope } from './agent_row_table.ts'
import type { AgentRow } from './agent_rows.ts'
import type { Kept, ValueForm } from './agent_values.ts'
import { tableEnd, tableStart } from './cell.ts'
import { plainReader } from './plain_reader.ts'
import type { RowChange } from './row_changes.ts'
import { TableSnapshot } from './table_snapshot.ts'

export class AgentTable<K, V> extends RowTable {
  readonly definition: AgentTableDefinition<K, V>
  readonly #keys: KeyForm<K>
  readonly #values: ValueForm<V>

  constructor(definition: AgentTableDefinition<K, V>, options: AgentTableOptions) {
    const { name, shape, keys, values } = definition
    const { changed } = definition
    const tell = async ({ key, before, after }: RowChange): Promise<void> => {
      const change = {
        key: keys.decode(keys.encode(key)),
        before: before === undefined ? undefined : values.show(before),
        after: after === undefined ? undefined : values.show(after),
      }
      for (const call of changed) await call(change)
    }
    const forms = { name, shape, keys, values, rowKeys: plainRowKeys(keys) }
    super(forms, options, changed.length > 0 ? tell : undefined)
    this.definition = definition
    this.#keys = keys
    this.#values = values
  }

  protected open(options: AgentTablePartOptions): Promise<AgentTablePart> {
    return AgentTablePart.open(this.forms, options)
  }

  get(key: K): Promise<V | undefined> {
    try {
      const cacheKey = this.#keys.cacheKey(key)
      const row = this.rows.get(PLAIN, cacheKey)
      if (row === undefined || row.queue !== undefined)
        return this.read(PLAIN, cacheKey, this.#shown)
      row.isUsed = true
      return Promise.resolve(this.#shown(row.kept))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The value that the table holds, whatever the default. */
  async find(key: K): Promise<V | undefined> {
    return this.read(PLAIN, this.#keys.cacheKey(key), (kept) =>
      kept === undefined ? undefined : this.#values.show(kept),
    )
  }

  async has(key: K): Promise<boolean> {
    return this.read(PLAIN, this.#keys.cacheKey(key), (kept) => kept !== undefined)
  }

  /** `change` must be synchronous. Resolves with what it has returned. */
  update(key: K, change: (value: V) => V): Promise<V> {
    try {
      const cacheKey = this.#keys.cacheKey(key)
      const row = this.rows.get(PLAIN, cacheKey)
      if (row === undefined || row.queue !== undefined) return this.#updateLater(cacheKey, change)
      if (!row.part.isHeld) throw this.notHeld(row.part.partition)
      row.isUsed = true
      return Promise.resolve(this.#change(row, change))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async set(key: K, value: V): Promise<void> {
    return this.replace(PLAIN, this.#keys.cacheKey(key), this.#values.keep(value))
  }

  async delete(key: K): Promise<void> {
    return this.replace(PLAIN, this.#keys.cacheKey(key), undefined)
  }

  /**
   * Of the partitions that are here, one after the other; 'everywhere', the default of a global
   * table, of the others too.
   */
  async *entries(scope?: Scope): AsyncGenerator<[key: K, value: V], void> {
    for (const { number, scan } of this.views(scope)) {
      const start = tableStart(number)
      for await (const [key, value] of scan(start, tableEnd(number))) {
        const kept = this.#values.load(value)
        yield [this.#keys.decode(key.subarray(start.length)), this.#values.show(kept)]
      }
    }
  }

  /** In their order. Of a partition that is elsewhere, all are asked for at once. */
  async getMany(keys: readonly K[]): Promise<(V | undefined)[]> {
    const kept = await this.readMany(keys.map((key) => [PLAIN, this.#keys.cacheKey(key)]))
    return kept.map(this.#shown)
  }

  /** All keys of that partition, or of all that are here. */
  async clear(partition: number | undefined): Promise<void> {
    const parts = [...this.parts.values()]
    const cleared = parts.filter((part) => part.partition === (partition ?? part.partition))
    if (cleared.length === 0) throw this.notHere(partition ?? 0)
    for (const part of cleared) if (!part.isHeld) throw this.notHeld(part.partition)
    await Promise.all(cleared.map((part) => part.waitFor(this.#clearPart(part))))
  }

  async #clearPart(part: AgentTablePart): Promise<void> {
    const start = tableStart(part.table).length
    const keys: CacheKey[] = []
    for await (const [key] of part.rows())
      keys.push(this.#keys.cacheKey(this.#keys.decode(key.subarray(start))))
    await Promise.all(keys.map((key) => this.replaceIn(part, PLAIN, key, undefined)))
  }

  /** As one cut has left it. */
  async snapshot(): Promise<TableSnapshot<K, V>> {
    const rows = await this.snapshots()
    const start = tableStart(0).length
    return new TableSnapshot(rows, ([key, value]) => [
      this.#keys.decode(key.subarray(start)),
      this.#values.show(this.#values.load(Buffer.from(value))),
    ])
  }

  /** The keys of entries(). */
  async *keys(): AsyncGenerator<K, void> {
    for await (const [key] of this.entries()) yield key
  }

  reader(scope: Scope): TableReader {
    const entries = () => this.entries(scope)
    return plainReader(
      async (key) => {
        const value = await this.find(key as K)
        return value === undefined ? undefined : { key, value }
      },
      async function* all() {
        for await (const [key, value] of entries()) yield { key, value }
      },
    )
  }

  readonly #shown = (kept: Kept | undefined): V | undefined =>
    kept === undefined ? this.definition.missing() : this.#values.show(kept)

  #change(row: AgentRow, change: (value: V) => V): V {
    const value = change(this.#shown(row.kept) as V)
    this.put(row, this.#values.keep(value))
    return value
  }

  async #updateLater(key: CacheKey, change: (value: V) => V): Promise<V> {
    const part = this.partToWrite(PLAIN, key)
    const row = this.rows.get(PLAIN, key) ?? this.newRow(part, PLAIN, key)
    if (row.queue === undefined) return this.#change(row, change)
    return part.waitFor(this.queue(row, () => this.#change(row, change)))
  }
}
