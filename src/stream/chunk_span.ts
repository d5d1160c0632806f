// Rows of a chunk that are not taken yet, by values, events or batches. Used by agent_records.ts.
import type { BatchLimits } from './agent_records.ts'
import type { Chunk } from './chunk.ts'
import type { Event } from './events.ts'

/** Rows of a chunk. */
export interface Span<K, V> {
  readonly chunk: Chunk<K, V>
  /** The fetched bytes that they are in. */
  readonly payload: Uint8Array
  from: number
  readonly to: number
  /** Values, or events, of some rows, made ahead. */
  ready: readonly (V | Event<K, V>)[]
  readyAs: 'value' | 'event'
  /** Row of the first of them. */
  readyFrom: number
}

/** Values made at once: few enough to be garbage before they are moved to the old generation. */
const READY_MAX = 128

export function spanOf<K, V>(
  chunk: Chunk<K, V>,
  payload: Uint8Array,
  from: number,
  to: number,
): Span<K, V> {
  return { chunk, payload, from, to, ready: [], readyAs: 'value', readyFrom: from }
}

/** The value or the event of a row, which is one of several that are made at once. */
export function readyOf<K, V>(
  span: Span<K, V>,
  row: number,
  as: 'value' | 'event',
): V | Event<K, V> {
  const at = row - span.readyFrom
  if (span.readyAs === as && at < span.ready.length) return span.ready[at]
  const { chunk, to } = span
  const end = Math.min(to, row + READY_MAX)
  span.ready = as === 'value' ? chunk.values(row, end) : [...chunk.events(row, end)]
  span.readyAs = as
  span.readyFrom = row
  return span.ready[0]
}

/** At least one record. */
export function endOfBatch<K, V>({ chunk, from, to }: Span<K, V>, limits: BatchLimits): number {
  const end = Math.min(to, from + limits.maxRecords)
  let bytes = chunk.sizes[from]
  let at = from + 1
  while (at < end && bytes + chunk.sizes[at] <= limits.maxBytes) bytes += chunk.sizes[at++]
  return at
}

export function firstOffset<K, V>({ chunk, from }: Span<K, V>): number {
  return chunk.offsets[from]
}
