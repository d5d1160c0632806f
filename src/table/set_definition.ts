// A table of sets as a program declares it. Made by app.setTable().
import type { TableDeclaration } from './agent_definition.ts'
import type { KeyForm } from './agent_keys.ts'
import type { AgentSets } from './agent_set.ts'

export interface SetDefinition<K, M> extends TableDeclaration {
  readonly keys: KeyForm<K>
  readonly members: KeyForm<M>
  /** @internal */
  running: AgentSets<K, M> | undefined
}
