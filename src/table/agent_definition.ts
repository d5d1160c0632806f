// A table of agents as a program declares it. Made by app.table() and its like.
import type { WindowPlan } from '../kernel/plan.ts'
import type { KeyForm } from './agent_keys.ts'
import type { AgentTableOptions, RowTable } from './agent_row_table.ts'
import type { AgentTable } from './agent_table.ts'
import type { ValueForm } from './agent_values.ts'

/** What the engine has to know of a table of any kind. */
export interface TableDeclaration {
  readonly name: string
  /** For queries. */
  readonly keys: KeyForm<unknown>
  /** Declared; undefined: what the agents' topics have. */
  readonly partitions: number | undefined
  readonly isGlobal: boolean
  /** As agent_shape.ts writes it. */
  readonly shape: string
  /** Rows are forgotten by time; undefined: by nobody but the agents. */
  readonly forgets: WindowPlan | undefined
  /**
   * For one run of the app.
   *
   * @internal
   */
  open(options: AgentTableOptions): RowTable
  /**
   * While an app runs it: what the handle reads and writes.
   *
   * @internal
   */
  running: RowTable | undefined
}

/** What a cut has changed in a table; undefined: the table did, or does, not have the key. */
export interface TableChange<K, V> {
  readonly key: K
  readonly before: V | undefined
  readonly after: V | undefined
}

/** A plain table as it was declared. */
export interface AgentTableDefinition<K, V> extends TableDeclaration {
  readonly keys: KeyForm<K>
  readonly values: ValueForm<V>
  /** What a key has that the table does not hold. */
  readonly missing: () => V | undefined
  /** The same array for ever; the program adds to it before the app starts. */
  readonly changed: readonly ((change: TableChange<K, V>) => unknown)[]
  /** @internal */
  running: AgentTable<K, V> | undefined
}
