// A table of a simulated app, read over all machines that run it: checks of a simulation compare it
// with what it should be. Made by Simulation.
import { isDeepStrictEqual } from 'node:util'
import type { App } from '../app/app.ts'
import { EuphorionError } from '../errors.ts'
import type { ResultRow } from '../ingest/aggregation.ts'

/** Its rows are `{ key, value }` where agents write it, else as its aggregation makes them. */
export interface MachineTable {
  /** Those of all partitions, in no order. */
  rows(): Promise<ResultRow[]>
  /** The row of the key, with windows that of its newest window. */
  get(key: unknown): Promise<ResultRow | undefined>
}

export function machineTable(apps: readonly App[], name: string): MachineTable {
  const rows = async (): Promise<ResultRow[]> => {
    const found: ResultRow[] = []
    for (const app of apps) {
      const reader = app.tableHere(name)
      if (reader === undefined)
        throw new EuphorionError('TABLE_UNKNOWN', `the app has no table ${name}`)
      for await (const row of reader.range({})) found.push(row)
    }
    return found
  }
  const newer = (a: ResultRow, b: ResultRow): ResultRow => ((b.start ?? 0) > (a.start ?? 0) ? b : a)
  return {
    rows,
    get: async (key) => {
      const own = (await rows()).filter((row) => isDeepStrictEqual(row.key, key))
      return own.length === 0 ? undefined : own.reduce(newer)
    },
  }
}
