// A table of agents as a program declares it. Made by app.table() and app.globalTable().
import type { KeyForm } from './agent_keys.ts'
import type { AgentTable } from './agent_table.ts'
import type { ValueForm } from './agent_values.ts'

/** A table as it was declared. */
export interface AgentTableDefinition<K, V> {
  readonly name: string
  readonly keys: KeyForm<K>
  readonly values: ValueForm<V>
  /** What a key has that the table does not hold. */
  readonly missing: () => V | undefined
  /** Declared; undefined: what the agents' topics have. */
  readonly partitions: number | undefined
  readonly isGlobal: boolean
  /** As agent_shape.ts writes it. */
  readonly shape: string
  /**
   * While an app runs it: what the handle reads and writes.
   *
   * @internal
   */
  running: AgentTable<K, V> | undefined
}
