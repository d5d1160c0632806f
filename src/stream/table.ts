// A table of agents as a program has it: a map that outlives its machine. Made by app.table() and
// app.globalTable(); what it reads and writes is there while the app runs.
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import type { CodecLike } from '../record/codec.ts'
import type {
  AgentTableDefinition,
  TableChange,
  TableDeclaration,
} from '../table/agent_definition.ts'
import { keyForm } from '../table/agent_keys.ts'
import { addWindow, writeAgentShape } from '../table/agent_shape.ts'
import { AgentTable } from '../table/agent_table.ts'
import { type ValueForm, valueForm } from '../table/agent_values.ts'
import { AgentWindowed } from '../table/agent_windowed.ts'
import type { TableSnapshot } from '../table/table_snapshot.ts'
import type { WindowedDefinition } from '../table/windowed_definition.ts'
import type { Duration } from '../units.ts'
import { idleMs, type TableWindowOptions, tableWindow, WindowedTable } from './windowed_table.ts'

export interface TableOptions<K, V> {
  /** Type of the keys: that of the topic's keys, so that both are in the same partition. */
  readonly key: CodecLike<K>
  readonly value: CodecLike<V>
  /**
   * Partitions: as many as a topic that an agent reads has. Needed where agents read topics of
   * several numbers of partitions.
   */
  readonly partitions?: number
}

/** What keys have that the table does not hold; it is not stored. A function makes a new one. */
export interface TableDefault<V> {
  readonly default: V | (() => V)
}

/**
 * Keys and values of all partitions that this worker has. Agents read and write it; timers and
 * other code may read it.
 *
 * What agents wrote is seen at once, and stored by the next cut, together with the events that it
 * was written for: after a crash the table is as if each event had been handled once.
 *
 * A value that is read is the reader's own: changing it changes nothing in the table. `update` and
 * `set` change the table.
 *
 * A key belongs to a partition, by its bytes, as a record of a topic does by its key. Only an agent
 * that has an event of that partition in hand may write it, so the topic has to be keyed by what
 * the table is keyed by; other writes reject with KEY_ELSEWHERE. Await writes: an event is done
 * when the loop asks for the next one. A key of another worker's partition is asked for there, as
 * the last cut has it. Reads and writes reject with TABLE_MOVING while the partition is on its way,
 * with QUERY_UNAVAILABLE while the app does not run or the other worker answers nobody, and with
 * RECORD_INVALID for a key or a value of another type.
 */
export class Table<K, V, Missing extends V | undefined = undefined> {
  readonly name: string
  readonly #definition: AgentTableDefinition<K, V>

  readonly #replace: (by: TableDeclaration) => void

  /** Made by app.table(). `replace`: another kind of table is declared in its place. */
  constructor(
    definition: AgentTableDefinition<K, V>,
    replace: (by: TableDeclaration) => void = () => undefined,
  ) {
    this.name = definition.name
    this.#definition = definition
    this.#replace = replace
  }

  /**
   * Makes it a table of windows of `size` that follow each other. The table itself cannot be used
   * then. Throws SETTING_INVALID.
   */
  tumbling(size: Duration, options: TableWindowOptions = {}): WindowedTable<K, V, Missing> {
    return this.hopping(size, size, options)
  }

  /**
   * Makes it a table of windows of `size` that begin at every multiple of `step`: each write
   * changes size / step of them. Throws SETTING_INVALID.
   */
  hopping(
    size: Duration,
    step: Duration,
    options: TableWindowOptions = {},
  ): WindowedTable<K, V, Missing> {
    const definition = windowedDefinition(
      this.#definition,
      tableWindow(size, step, options),
      idleMs(this.name, options),
    )
    this.#replace(definition)
    return new WindowedTable<K, V, Missing>(definition, { of: 'event', field: undefined })
  }

  /** Undefined, or the default, where the table does not have the key. */
  get(key: K): Promise<V | Missing> {
    const { running } = this.#definition
    return (running ?? this.#absent()).get(key) as Promise<V | Missing>
  }

  /** Whether the table holds the key; a default does not count. */
  async has(key: K): Promise<boolean> {
    return this.#running().has(key)
  }

  /** Agents only. */
  async set(key: K, value: V): Promise<void> {
    return this.#running().set(key, value)
  }

  /**
   * Sets what `change` makes of the value, and resolves with it. Of several updates of a key each
   * sees what the one before has made. `change` is synchronous, and may change and return what it
   * is given; what it throws rejects the promise, and nothing is changed. Agents only.
   */
  update(key: K, change: (value: V | Missing) => V): Promise<V> {
    const { running } = this.#definition
    return (running ?? this.#absent()).update(key, change as (value: V) => V)
  }

  /** Agents only. */
  async delete(key: K): Promise<void> {
    return this.#running().delete(key)
  }

  /**
   * Keys and values of the partitions that are here, in no order: those of the last cut and what
   * was written since, each partition as it was when the loop came to it. TABLE_MOVING while one
   * of them goes back to its last cut, because an attempt of an agent failed.
   */
  entries(): AsyncIterable<[key: K, value: V]> {
    return this.#running().entries()
  }

  /** The keys of entries(). */
  keys(): AsyncIterable<K> {
    return this.#running().keys()
  }

  /** The values of entries(). */
  async *values(): AsyncGenerator<V, void> {
    for await (const [, value] of this.entries()) yield value
  }

  /** In the order of the keys, each as get() has it. */
  async getMany(keys: readonly K[]): Promise<(V | Missing)[]> {
    return this.#running().getMany(keys) as Promise<(V | Missing)[]>
  }

  /**
   * Removes all keys of the event's partition; without an event, of all partitions that are here,
   * each of which has to have one in hand. Agents only.
   */
  async clear(event?: { readonly partition: number }): Promise<void> {
    return this.#running().clear(event?.partition)
  }

  /**
   * Keys and values of the partitions that are here, all as one cut has left them; waits for one
   * that is under way. To be iterated once, or closed: until then the store keeps what has changed.
   */
  async snapshot(): Promise<TableSnapshot<K, V>> {
    return this.#running().snapshot()
  }

  /**
   * Calls `run` for each key that a cut has changed in a partition that is here, after the cut, one
   * after the other. Changes that are told of are committed; a worker that is killed right then may
   * not tell of them. Of more than 200,000 that wait for `run` the rest is not told
   * (`missedChanges`).
   * Before the app starts.
   */
  onChange(run: (change: TableChange<K, V>) => unknown): this {
    const { running, changed, name } = this.#definition
    if (running !== undefined)
      throw invalid(name, 'what it calls is declared before the app starts')
    ;(changed as ((change: TableChange<K, V>) => unknown)[]).push(run)
    return this
  }

  /** Changes that onChange was not told of, because too many waited. */
  get missedChanges(): number {
    return this.#running().missedChanges
  }

  /** The same as entries(). */
  [Symbol.asyncIterator](): AsyncIterator<[key: K, value: V]> {
    return this.entries()[Symbol.asyncIterator]()
  }

  #running(): AgentTable<K, V> {
    const { running } = this.#definition
    if (running !== undefined) return running
    throw notRunning(this.name)
  }

  /** Rejects whatever it is asked. */
  #absent(): Pick<AgentTable<K, V>, 'get' | 'update'> {
    const reject = () => Promise.reject(notRunning(this.name))
    return { get: reject, update: reject }
  }
}

function notRunning(table: string): EuphorionError {
  return new EuphorionError('QUERY_UNAVAILABLE', 'the app does not run', { place: { table } })
}

/** Throws APP_INVALID for types that cannot be a table's, RECORD_INVALID for a wrong default. */
export function defineTable<K, V>(
  name: string,
  options: TableOptions<K, V> & Partial<TableDefault<V>>,
  isGlobal: boolean,
): AgentTableDefinition<K, V> {
  const { key, value, partitions } = options
  checkTableTypes(name, options)
  const values = valueForm(name, value)
  const definition: AgentTableDefinition<K, V> = {
    name,
    keys: keyForm(name, key),
    values,
    missing: missingOf(values, options.default),
    partitions,
    isGlobal,
    shape: writeAgentShape(key, value),
    forgets: undefined,
    changed: [],
    open: (opened) => new AgentTable(definition, opened),
    running: undefined,
  }
  return definition
}

/** Throws APP_INVALID. */
export function checkTableTypes<K, V>(
  name: string,
  { key, value, partitions }: TableOptions<K, V>,
): void {
  checkName(name)
  for (const [what, type] of [
    ['key', key],
    ['value', value],
  ] as const) {
    if ('schema' in type && type.schema.nullable)
      throw invalid(name, `its ${what} is nullable: a key without a value is one that is not there`)
  }
  if (partitions !== undefined && !(Number.isInteger(partitions) && partitions > 0))
    throw invalid(name, `partitions ${partitions}: it is a whole number from 1`)
}

function windowedDefinition<K, V>(
  { shape, ...plain }: AgentTableDefinition<K, V>,
  window: WindowPlan,
  idleMs: number | undefined,
): WindowedDefinition<K, V> {
  const definition: WindowedDefinition<K, V> = {
    ...plain,
    window,
    idleMs,
    shape: addWindow(shape, window),
    forgets: Number.isFinite(window.retentionMs) ? window : undefined,
    closed: [],
    late: [],
    open: (opened) => new AgentWindowed(definition, opened),
    running: undefined,
  }
  return definition
}

/** Each reader's own. */
function missingOf<V>(values: ValueForm<V>, given: V | (() => V) | undefined) {
  if (given === undefined) return () => undefined
  if (typeof given === 'function') {
    const make = given as () => V
    return () => values.show(values.keep(make()))
  }
  const kept = values.keep(given)
  return () => values.show(kept)
}

function checkName(name: string): void {
  if (/^[\w.-]{1,200}$/.test(name) && !/^\.+$/.test(name)) return
  throw invalid(name, 'its name may have a-z A-Z 0-9 . _ -, and 200 of them')
}

function invalid(table: string, message: string): EuphorionError {
  return new EuphorionError('APP_INVALID', `table ${table}: ${message}`, { place: { table } })
}
