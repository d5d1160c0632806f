// Finds records again in the fetched bytes that they came in: for events that are given back, and
// for those that failed. Used by agent_records.ts.
import { AgentReader, type ReaderOptions } from './agent_reader.ts'
import type { TakenEvent } from './kept_events.ts'

export interface Reread {
  readonly payload: Uint8Array
  /** Stands on each record in turn: next() moves on, false behind the last. */
  next(): AgentReader | undefined
}

/** `taken` in ascending order; one for each payload. */
export function* rereading(taken: readonly TakenEvent[], options: ReaderOptions): Iterable<Reread> {
  for (let from = 0; from < taken.length; ) {
    const { payload, offset } = taken[from]
    const offsets = new Set<number>()
    for (; from < taken.length && taken[from].payload === payload; from++)
      offsets.add(taken[from].offset)
    const reader = new AgentReader(offset, options)
    reader.reset(payload)
    const next = (): AgentReader | undefined => {
      while (offsets.size > 0 && reader.next()) if (offsets.delete(reader.offset)) return reader
      return undefined
    }
    yield { payload, next }
  }
}
