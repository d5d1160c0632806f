// A table of sets while the app runs: each member of a key is a row. Called by the user's handle
// (stream/set_table.ts) and by the engine, which opens the parts.
import type { TableReader } from '../ingest/aggregation.ts'
import type { CacheKey, KeyForm } from './agent_keys.ts'
import { AgentTablePart, type AgentTablePartOptions } from './agent_part.ts'
import { setRowKeys } from './agent_row_keys.ts'
import { type AgentTableOptions, RowTable, type Scope } from './agent_row_table.ts'
import type { ValueForm } from './agent_values.ts'
import { tableEnd, tableStart } from './cell.ts'
import { plainReader } from './plain_reader.ts'
import type { SetDefinition } from './set_definition.ts'
import { setRange, setsOf } from './set_rows.ts'

/** What the row of a member has: it is there. */
const IS_MEMBER = true
const isMember: ValueForm<unknown> = {
  keep: () => IS_MEMBER,
  show: () => IS_MEMBER,
  write: (to) => to.raw(Buffer.from('1')),
  load: () => IS_MEMBER,
}

export class AgentSets<K, M> extends RowTable {
  readonly definition: SetDefinition<K, M>
  readonly #keys: KeyForm<K>
  readonly #members: KeyForm<M>

  constructor(definition: SetDefinition<K, M>, options: AgentTableOptions) {
    const { name, shape, keys, members } = definition
    super({ name, shape, keys, values: isMember, rowKeys: setRowKeys(keys, members) }, options)
    this.definition = definition
    this.#keys = keys
    this.#members = members
  }

  protected open(options: AgentTablePartOptions): Promise<AgentTablePart> {
    return AgentTablePart.open(this.forms, options)
  }

  async has(key: K, member: M): Promise<boolean> {
    return this.#has(this.#keys.cacheKey(key), this.#members.cacheKey(member))
  }

  async members(key: K): Promise<Set<M>> {
    const found = await this.#membersOf(this.#keys.cacheKey(key))
    return new Set([...found].map((member) => this.#members.decode(this.#members.encode(member))))
  }

  /** All of them are in the set, or none is. */
  async change(key: K, members: Iterable<M>, isIn: boolean): Promise<void> {
    const set = this.#keys.cacheKey(key)
    // before anything is written: one of another type is refused
    const changed = [...members].map((member) => this.#checked(member))
    await this.#putAll(set, changed, () => isIn)
  }

  /** Only those stay that are among `members`. */
  async retain(key: K, members: Iterable<M>): Promise<void> {
    const set = this.#keys.cacheKey(key)
    const kept = new Set([...members].map((member) => this.#checked(member)))
    const part = this.partToWrite(set, '')
    await part.waitFor(
      this.#membersOf(set).then((found) => {
        const gone = [...found].filter((member) => !kept.has(member))
        return this.#putAll(set, gone, () => false)
      }),
    )
  }

  /** Those of `members` that are in the set leave it, the others come. */
  async toggle(key: K, members: Iterable<M>): Promise<void> {
    const set = this.#keys.cacheKey(key)
    const changed = [...new Set([...members].map((member) => this.#checked(member)))]
    const part = this.partToWrite(set, '')
    await part.waitFor(
      Promise.all(changed.map((member) => this.#has(set, member))).then((had) =>
        this.#putAll(set, changed, (i) => !had[i]),
      ),
    )
  }

  async *entries(scope?: Scope): AsyncGenerator<[key: K, members: Set<M>], void> {
    for (const { number, scan } of this.views(scope)) {
      for await (const [key, members] of setsOf(scan(tableStart(number), tableEnd(number))))
        yield [
          this.#keys.decode(key),
          new Set(members.map((member) => this.#members.decode(member))),
        ]
    }
  }

  reader(scope: Scope): TableReader {
    const entries = () => this.entries(scope)
    return plainReader(
      async (key) => {
        const members = [...(await this.members(key as K))]
        return members.length === 0 ? undefined : { key, value: members }
      },
      async function* all() {
        for await (const [key, members] of entries()) yield { key, value: [...members] }
      },
    )
  }

  /** Throws RECORD_INVALID. */
  #checked(member: M): CacheKey {
    const cacheKey = this.#members.cacheKey(member)
    this.#members.encode(cacheKey)
    return cacheKey
  }

  #has(set: CacheKey, member: CacheKey): Promise<boolean> {
    return this.read(set, member, (kept) => kept !== undefined)
  }

  async #putAll(
    set: CacheKey,
    members: readonly CacheKey[],
    isIn: (i: number) => boolean,
  ): Promise<void> {
    if (members.length === 0) return
    const part = this.partToWrite(set, '')
    await Promise.all(
      members.map((member, i) =>
        this.replaceIn(part, set, member, isIn(i) ? IS_MEMBER : undefined),
      ),
    )
  }

  /** Those of the store with what was written since, as of now. */
  async #membersOf(set: CacheKey): Promise<Set<CacheKey>> {
    const key = this.#keys.encode(set)
    const partition = this.partitionOf(set, '')
    const part = this.parts.get(partition)
    const { store, number } = part?.stored ?? this.elsewhere(partition)
    const pending = new Map<CacheKey, boolean>()
    if (part !== undefined)
      for (const row of this.rows.of(set)?.values() ?? [])
        if (row.isDirty || row.isTaken) pending.set(row.key, row.kept !== undefined)
    const found = new Set<CacheKey>()
    const [gte, lt] = setRange(number, key)
    for await (const [, members] of setsOf(store.scan({ gte, lt })))
      for (const member of members) found.add(this.#members.cacheKey(this.#members.decode(member)))
    part?.checkOpen()
    for (const [member, isIn] of pending) {
      if (isIn) found.add(member)
      else found.delete(member)
    }
    return found
  }
}
