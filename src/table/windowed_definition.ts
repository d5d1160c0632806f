// A windowed table of agents as a program declares it. Made by app.table(…).tumbling(…) and
// .hopping(…).
import type { WindowPlan } from '../kernel/plan.ts'
import type { TableDeclaration } from './agent_definition.ts'
import type { KeyForm } from './agent_keys.ts'
import type { ValueForm } from './agent_values.ts'
import type { AgentWindowed } from './agent_windowed.ts'

/** A value of one key in one window: from `start` to before `end`, in ms since the epoch. */
export interface WindowRow<K, V> {
  readonly key: K
  readonly start: number
  readonly end: number
  readonly value: V
}

/** Which rows range() gives: all, without more. */
export interface WindowRange<K> {
  /** Windows that start at or after it (ms). */
  readonly from?: number | undefined
  /** Windows that start before it (ms). */
  readonly to?: number | undefined
  /** Only this key. */
  readonly key?: K
}

/** A write that every one of its windows was closed for. */
export interface LateWrite<K> {
  readonly key: K
  /** The time that it was made for, in ms since the epoch. */
  readonly at: number
}

export interface WindowedDefinition<K, V> extends TableDeclaration {
  readonly keys: KeyForm<K>
  readonly values: ValueForm<V>
  /** What a key has that a window does not hold. */
  readonly missing: () => V | undefined
  readonly window: WindowPlan
  /** Without a write for so long, all windows of a partition close; undefined: they do not. */
  readonly idleMs: number | undefined
  /** The same array for ever; the program adds to it before the app starts. */
  readonly closed: readonly ((row: WindowRow<K, V>) => unknown)[]
  /** As `closed`. */
  readonly late: readonly ((write: LateWrite<K>) => void)[]
  /** @internal */
  running: AgentWindowed<K, V> | undefined
}
