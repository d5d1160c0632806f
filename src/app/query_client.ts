// Reads a table as lines: from the workers that have it open, else from the stores on disk. Called
// by `euphorion table`.
import { EuphorionError } from '../errors.ts'
import { connectLocal, type LocalClient } from '../wire/local_socket.ts'
import { workerSockets } from './data_dir.ts'
import { parseKey } from './key_text.ts'
import type { RowsQuery } from './query_server.ts'
import { rowLines } from './row_lines.ts'
import { openStoredTable } from './stored_table.ts'

/**
 * The rows of the query, a line each; for format 'cells' first a line with the names. A worker of
 * this machine asks all others; where it cannot, `partial` is told why, and the rows are those of
 * this machine's workers, one after the other. Rejects with TABLE_UNKNOWN, or STORE_LOCKED when a
 * worker has the stores open that does not answer.
 */
export async function* readLines(
  dataDir: string,
  appIds: readonly string[],
  query: RowsQuery,
  partial: (why: EuphorionError) => void,
): AsyncGenerator<string, void> {
  for (const appId of appIds) {
    const workers = await connectAll(workerSockets(dataDir, appId))
    if (workers.length === 0) continue
    try {
      yield* linesOfWorkers(workers, query, partial)
      return
    } catch (error) {
      const elsewhere = error instanceof EuphorionError && error.code === 'TABLE_UNKNOWN'
      if (!elsewhere || appIds.length === 1) throw error
    } finally {
      for (const worker of workers) worker.close()
    }
  }
  yield* linesOfStores(dataDir, appIds, query)
}

/** Those that answer. */
async function connectAll(paths: readonly string[]): Promise<LocalClient[]> {
  const tried = paths.map((path) => connectLocal(path, { unavailable: 'QUERY_UNAVAILABLE' }))
  const clients = await Promise.allSettled(tried)
  return clients.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
}

/** One of them asks all others; where it cannot, those of this machine are asked one by one. */
async function* linesOfWorkers(
  workers: readonly LocalClient[],
  query: RowsQuery,
  partial: (why: EuphorionError) => void,
): AsyncGenerator<string, void> {
  let hasRows = false
  try {
    for await (const line of linesOfWorker(workers[0], query)) {
      hasRows = true
      yield line
    }
    return
  } catch (error) {
    const isElsewhere =
      error instanceof EuphorionError &&
      (error.code === 'QUERY_UNAVAILABLE' || error.code === 'TABLE_MOVING')
    if (!isElsewhere || hasRows) throw error
    partial(error)
  }
  yield* linesHere(workers, { ...query, isHere: true })
}

async function* linesHere(
  workers: readonly LocalClient[],
  query: RowsQuery,
): AsyncGenerator<string, void> {
  let hasHead = query.format !== 'cells'
  for (const worker of workers) {
    let isHead = query.format === 'cells'
    for await (const line of linesOfWorker(worker, query)) {
      if (!isHead || !hasHead) yield line
      hasHead = true
      isHead = false
    }
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
