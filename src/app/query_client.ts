// Reads a table as lines: from the worker that has it open, else from the stores on disk. Called by
// `euphorion table`.
import { EuphorionError } from '../errors.ts'
import { connectLocal, type LocalClient } from '../wire/local_socket.ts'
import { workerSocket } from './data_dir.ts'
import { parseKey } from './key_text.ts'
import type { RowsQuery } from './query_server.ts'
import { rowLines } from './row_lines.ts'
import { openStoredTable } from './stored_table.ts'

/**
 * The rows of the query, a line each; for format 'cells' first a line with the names. Rejects with
 * TABLE_UNKNOWN, or STORE_LOCKED when a worker has the stores open that does not answer.
 */
export async function* readLines(
  dataDir: string,
  appIds: readonly string[],
  query: RowsQuery,
): AsyncGenerator<string, void> {
  for (const appId of appIds) {
    const worker = await connect(workerSocket(dataDir, appId))
    if (worker === undefined) continue
    try {
      yield* linesOfWorker(worker, query)
      return
    } catch (error) {
      const elsewhere = error instanceof EuphorionError && error.code === 'TABLE_UNKNOWN'
      if (!elsewhere || appIds.length === 1) throw error
    } finally {
      worker.close()
    }
  }
  yield* linesOfStores(dataDir, appIds, query)
}

async function connect(path: string): Promise<LocalClient | undefined> {
  try {
    return await connectLocal(path, { unavailable: 'QUERY_UNAVAILABLE' })
  } catch {
    return undefined
  }
}

async function* linesOfWorker(worker: LocalClient, query: RowsQuery): AsyncGenerator<string, void> {
  const { value: id } = await worker.request('query', query)
  for (;;) {
    const { value: isLast, payload } = await worker.request('rows', id)
    const text = Buffer.from(payload ?? []).toString()
    if (text !== '') yield* text.split('\n')
    if (isLast) return
  }
}

async function* linesOfStores(
  dataDir: string,
  appIds: readonly string[],
  { table, key, from, to, format }: RowsQuery,
): AsyncGenerator<string, void> {
  const stored = await openStoredTable(dataDir, appIds, table)
  try {
    const parsed = key === undefined ? {} : { key: parseKey(stored.plan, stored.keys, key) }
    yield* rowLines(stored.reader.range({ from, to, ...parsed }), format)
  } finally {
    await stored.close()
  }
}
