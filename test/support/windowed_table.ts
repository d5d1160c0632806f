// A windowed table of agents over memory stores, with an event in hand that a test moves. Used by
// tests of windowed tables.
import type { EventInHand } from '../../src/ingest/subscriber.ts'
import { integer, string } from '../../src/record/fields.ts'
import { defineTable, Table, type TableDefault, type TableOptions } from '../../src/stream/table.ts'
import type { WindowedTable } from '../../src/stream/windowed_table.ts'
import type { TableDeclaration } from '../../src/table/agent_definition.ts'
import type { AgentTablePart } from '../../src/table/agent_part.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import type { Store } from '../../src/table/store.ts'
import { ManualClock } from './manual_clock.ts'

export const counter = { key: string(), value: integer(), default: 0 }

export class Hand {
  holds = false
  inHand: EventInHand | undefined

  /** An event of that time is in hand. */
  at(timestamp: number, value: unknown = {}): void {
    this.holds = true
    this.inHand = { timestamp, value }
  }

  none(): void {
    this.holds = false
    this.inHand = undefined
  }
}

export interface Setup {
  readonly partitions?: number
  readonly cacheEntries?: number
  readonly stores?: readonly Store[]
  readonly now?: number
}

/** What app.table(…) gives, and what an engine opens of it. */
export async function openWindowed<K, V, Missing extends V | undefined>(
  options: TableOptions<K, V> & Partial<TableDefault<V>>,
  windows: (table: Table<K, V, Missing>) => WindowedTable<K, V, Missing>,
  setup: Setup = {},
) {
  const { partitions = 1, cacheEntries = 1000 } = setup
  const stores = setup.stores ?? Array.from({ length: partitions }, openMemoryStore)
  const clock = new ManualClock(setup.now)
  let declared: TableDeclaration | undefined
  const plain = new Table<K, V, Missing>(defineTable('t', options, false), (by) => {
    declared = by
  })
  const table = windows(plain)
  const failures: Error[] = []
  const running = declared!.open({
    partitions: stores.length,
    cacheEntries,
    clock,
    maxFutureMs: 1_000_000,
    wantsCut: () => undefined,
    failed: (error) => failures.push(error),
  })
  declared!.running = running
  const hand = new Hand()
  const parts: AgentTablePart[] = []
  for (const [partition, store] of stores.entries())
    parts.push(await running.openPart({ partition, store, number: 7, holders: [hand] }))
  const cut = async (): Promise<void> => {
    for (const [i, part] of parts.entries()) await cutPart(part, stores[i])
  }
  return { table, running, parts, stores, hand, clock, cut, failures, definition: declared! }
}

/** As a cut does it. */
export async function cutPart(part: AgentTablePart, store: Store): Promise<void> {
  await part.pause()
  const rows = part.dirty ? part.take() : undefined
  part.resume()
  if (rows === undefined) return
  const batch = store.batch()
  await batch.putRows(rows)
  await batch.commit()
  part.written()
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
