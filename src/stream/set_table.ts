// A table of sets as a program has it. Made by app.setTable(); what it reads and writes is there
// while the app runs.
import { EuphorionError } from '../errors.ts'
import type { CodecLike } from '../record/codec.ts'
import { keyForm } from '../table/agent_keys.ts'
import { AgentSets } from '../table/agent_set.ts'
import { writeSetShape } from '../table/agent_shape.ts'
import type { SetDefinition } from '../table/set_definition.ts'
import { checkTableTypes, type TableOptions } from './table.ts'

export interface SetTableOptions<K, M> extends Pick<TableOptions<K, M>, 'key' | 'partitions'> {
  /** Type of the members. Two of the same bytes are one member. */
  readonly value: CodecLike<M>
}

/**
 * Sets by key, in the partitions that this worker has. Agents write, with an event of the key's
 * partition in hand; what is said of Table holds here, errors too. A set without members is one
 * that is not there. Await writes: one that has to read first (intersectionUpdate, clear,
 * symmetricDifferenceUpdate) sees what was written before it.
 */
export class SetTable<K, M> {
  readonly name: string
  readonly #definition: SetDefinition<K, M>

  /** Made by app.setTable(). */
  constructor(definition: SetDefinition<K, M>) {
    this.name = definition.name
    this.#definition = definition
  }

  /** Agents only. */
  async add(key: K, member: M): Promise<void> {
    return this.#running().change(key, [member], true)
  }

  /** Nothing changes where it is no member. Agents only. */
  async discard(key: K, member: M): Promise<void> {
    return this.#running().change(key, [member], false)
  }

  async has(key: K, member: M): Promise<boolean> {
    return this.#running().has(key, member)
  }

  /** The members are the caller's own set. Cost: all of them. */
  async members(key: K): Promise<Set<M>> {
    return this.#running().members(key)
  }

  /** Adds all of them. Agents only. */
  async update(key: K, members: Iterable<M>): Promise<void> {
    return this.#running().change(key, members, true)
  }

  /** Removes all of them. Agents only. */
  async differenceUpdate(key: K, members: Iterable<M>): Promise<void> {
    return this.#running().change(key, members, false)
  }

  /** Removes all others. Reads the set. Agents only. */
  async intersectionUpdate(key: K, members: Iterable<M>): Promise<void> {
    return this.#running().retain(key, members)
  }

  /** Removes those that are members, adds those that are not. Agents only. */
  async symmetricDifferenceUpdate(key: K, members: Iterable<M>): Promise<void> {
    return this.#running().toggle(key, members)
  }

  /** Removes all. Reads the set. Agents only. */
  async clear(key: K): Promise<void> {
    return this.#running().retain(key, [])
  }

  /** Keys and their members, in the partitions that are here, as Table.entries(). */
  entries(): AsyncIterable<[key: K, members: Set<M>]> {
    return this.#running().entries()
  }

  /** The keys of entries(). */
  async *keys(): AsyncGenerator<K, void> {
    for await (const [key] of this.entries()) yield key
  }

  /** The same as entries(). */
  [Symbol.asyncIterator](): AsyncIterator<[key: K, members: Set<M>]> {
    return this.entries()[Symbol.asyncIterator]()
  }

  #running(): AgentSets<K, M> {
    const { running } = this.#definition
    if (running !== undefined) return running
    throw new EuphorionError('QUERY_UNAVAILABLE', 'the app does not run', {
      place: { table: this.name },
    })
  }
}

/** Throws APP_INVALID. */
export function defineSetTable<K, M>(
  name: string,
  options: SetTableOptions<K, M>,
): SetDefinition<K, M> {
  checkTableTypes(name, options)
  const { key, value, partitions } = options
  const definition: SetDefinition<K, M> = {
    name,
    keys: keyForm(name, key),
    members: keyForm(name, value),
    partitions,
    isGlobal: false,
    shape: writeSetShape(key, value),
    forgets: undefined,
    open: (opened) => new AgentSets(definition, opened),
    running: undefined,
  }
  return definition
}
