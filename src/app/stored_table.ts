// A table as the stores on disk hold it, without its program: `euphorion table` while no worker
// runs.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import type { AggregationPlan, ColumnType, WindowPlan } from '../kernel/plan.ts'
import { cellKeys } from '../stream/cell_keys.ts'
import { readAgentShape } from '../table/agent_shape.ts'
import type { TablePart } from '../table/cell.ts'
import { storedTables } from '../table/meta.ts'
import { openStore } from '../table/open.ts'
import { readShape, type TableShape } from '../table/shape.ts'
import type { Store } from '../table/store.ts'
import { tablesPath } from './data_dir.ts'
import { printable, type QueriedTable, readStoredAgentTable } from './read_agent_table.ts'
import { readTable } from './read_table.ts'

export interface StoredTable extends QueriedTable {
  readonly reader: TableReader
  close(): Promise<void>
}

/**
 * Opens the table in the stores of these apps. Rejects with TABLE_UNKNOWN, naming the tables that
 * are there, and with STORE_LOCKED while a worker has them open.
 */
export async function openStoredTable(
  dataDir: string,
  appIds: readonly string[],
  table: string,
): Promise<StoredTable> {
  const others = new Set<string>()
  for (const appId of appIds) {
    const root = tablesPath(dataDir, appId)
    if (!existsSync(root)) continue
    for (const topic of await readdir(root)) {
      const found = await openTopic(join(root, topic), table, others)
      if (found !== undefined) return found
    }
  }
  const known = others.size === 0 ? 'no tables' : `the tables ${[...others].join(', ')}`
  throw new EuphorionError('TABLE_UNKNOWN', `there is no table ${table}; ${dataDir} has ${known}`, {
    place: { table },
  })
}

async function openTopic(
  path: string,
  table: string,
  others: Set<string>,
): Promise<StoredTable | undefined> {
  const stores: Store[] = []
  const close = async (): Promise<void> => {
    await Promise.all(stores.map((store) => store.close()))
  }
  const parts = new Map<number, TablePart>()
  let shape: string | undefined
  try {
    for (const partition of await readdir(path)) {
      const store = await openStore('rocksdb', join(path, partition))
      stores.push(store)
      for (const stored of await storedTables(store)) {
        others.add(stored.name)
        if (stored.name !== table) continue
        shape = stored.shape
        parts.set(Number(partition), { store, number: stored.number })
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  if (shape !== undefined) {
    const agents = readAgentShape(shape)
    if (agents !== undefined) return { ...readStoredAgentTable(table, agents, parts), close }
    return { ...describe(table, readShape(shape), parts), close }
  }
  await close()
  return undefined
}

function describe(
  name: string,
  { key, window, layout }: TableShape,
  parts: ReadonlyMap<number, TablePart>,
): Omit<StoredTable, 'close'> {
  const plan = keyPlan(name, key)
  const keys = cellKeys(plan, printable)
  // Grace and retention are for whoever writes; what is stored can all be read.
  const readable: WindowPlan | undefined = window && {
    ...window,
    graceMs: 0,
    retentionMs: Number.MAX_SAFE_INTEGER,
  }
  return { plan, keys, reader: readTable({ name, layout, window: readable, keys }, parts) }
}

/** The inverse of what the engine writes: 'record key', or 'field type' for each part. */
function keyPlan(name: string, key: readonly string[]): AggregationPlan {
  const isRecord = key.length === 1 && key[0] === 'record key'
  const columns = key.map((part) => {
    const at = part.lastIndexOf(' ')
    return { path: part.slice(0, at).split('.'), type: part.slice(at + 1) as ColumnType }
  })
  return {
    name,
    key: isRecord
      ? { from: 'record' }
      : { from: 'columns', columns: columns.map((_, index) => index) },
    columns: isRecord ? [] : columns,
    value: undefined,
    where: undefined,
    time: { from: 'record' },
    window: undefined,
    aggregates: [],
    maxFutureMs: 0,
  }
}
