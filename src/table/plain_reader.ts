// Rows without windows as queries read them. Used by plain tables of agents, of a running worker
// and of stores on disk.
import type { ResultRow, TableReader } from '../ingest/aggregation.ts'

/** `find` and `all` are the table's rows. */
export function plainReader(
  find: (key: unknown) => Promise<ResultRow | undefined>,
  all: () => AsyncIterable<ResultRow>,
): TableReader {
  async function* only(key: unknown): AsyncGenerator<ResultRow, void> {
    const row = await find(key)
    if (row !== undefined) yield row
  }
  return {
    get: find,
    windows: async (key) => [await find(key)].filter((row) => row !== undefined),
    range: ({ key }) => (key === undefined ? all() : only(key)),
  }
}
