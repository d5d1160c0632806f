// A running function of an agent's partition, and what it has in hand. Owned by AgentPartition.
import type { EventInHand } from '../ingest/subscriber.ts'
import type { Batch, Want } from './agent_records.ts'
import type { Event } from './events.ts'

/** A slot that has no event. */
export const NONE = -1

export type Take<K, V> = IteratorResult<V | Event<K, V> | Batch<K, V>, undefined>

export interface Slot<K, V> {
  /** Offset of the event, or of the batch's first one, that it has; or NONE. */
  inHand: number
  /** Of the event in hand; NaN: it is a batch, or several events. */
  timestamp: number
  /** Of the event in hand. */
  value: unknown
  /** Batches that were taken for it and that it has not seen, ascending. */
  ahead: Batch<K, V>[]
  waiter: { readonly want: Want; readonly resolve: (result: Take<K, V>) => void } | undefined
  hasEnded: boolean
}

export function newSlot<K, V>(): Slot<K, V> {
  const value = undefined
  return { inHand: NONE, timestamp: 0, value, ahead: [], waiter: undefined, hasEnded: false }
}

/** Undefined: none, several, or a batch. */
export function eventInHand<K, V>(slots: readonly Slot<K, V>[]): EventInHand | undefined {
  let only: Slot<K, V> | undefined
  for (const slot of slots) {
    if (slot.inHand === NONE) continue
    if (only !== undefined) return undefined
    only = slot
  }
  return only === undefined || Number.isNaN(only.timestamp) ? undefined : only
}
