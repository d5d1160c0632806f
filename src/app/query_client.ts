// Reads a table as lines: from the worker that has it open, else from the stores on disk. Called by
// `euphorion table`.
import { EuphorionError } from '../errors.ts'
import { resultJson } from '../table/result.ts'
import { connectLocal, type LocalClient } from '../wire/local_socket.ts'
import { parseKey } from './key_text.ts'
import { type RowsQuery, workerSocket } from './query_server.ts'
import { openStoredTable, rowLine } from './stored_table.ts'

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
    let isFirst = format === 'cells'
    for await (const row of stored.reader.range({ from, to, ...parsed })) {
      if (isFirst) yield JSON.stringify(Object.keys(row))
      isFirst = false
      yield rowLine(row, format, resultJson)
    }
  } finally {
    await stored.close()
  }
}
