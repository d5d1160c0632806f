// Answers queries of tables over the worker's local socket, so that the command line can read what
// a running worker has open. Rows go out in pages, as lines; started by the worker.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EuphorionError } from '../errors.ts'
import type { TableReader } from '../ingest/aggregation.ts'
import { type LocalReply, type LocalServer, serveLocal } from '../wire/local_socket.ts'
import { parseKey } from './key_text.ts'
import type { QueriedTable } from './read_agent_table.ts'
import { type LineFormat, rowLines } from './row_lines.ts'

/** Queries that are open; the oldest ends when one more begins. */
const QUERIES_MAX = 16
const PAGE_ROWS = 1000

/** What the command line asks for. */
export interface RowsQuery {
  readonly table: string
  /** As a person types it. */
  readonly key?: string
  /** ms since the epoch. */
  readonly from?: number
  readonly to?: number
  readonly format: LineFormat
  /** Only the partitions of the worker that is asked; else it asks the others. */
  readonly isHere?: boolean
}

export interface QueryServerOptions {
  readonly queried: readonly QueriedTable[]
  readonly reader: (table: string, scope: 'here' | 'everywhere') => TableReader | undefined
}

export class QueryServer {
  readonly #options: QueryServerOptions
  /** Lines that are still to come, by the query's number. */
  readonly #open = new Map<number, AsyncGenerator<string, void>>()
  #server: LocalServer | undefined
  #lastId = 0

  constructor(options: QueryServerOptions) {
    this.#options = options
  }

  /** Serves the first of the paths that no other worker does; LOG_LOCKED where they all are. */
  async start(paths: readonly string[]): Promise<void> {
    const [path, ...others] = paths
    await mkdir(dirname(path), { recursive: true })
    try {
      this.#server = await serveLocal(path, {
        query: async (argument, _, gone) => ({ value: this.#begin(argument as RowsQuery, gone) }),
        rows: (argument) => this.#next(argument as number),
      })
    } catch (error) {
      const taken = error instanceof EuphorionError && error.code === 'LOG_LOCKED'
      if (!taken || others.length === 0) throw error
      await this.start(others)
    }
  }

  async close(): Promise<void> {
    await this.#server?.close()
    for (const id of [...this.#open.keys()]) await this.#end(id)
  }

  /** The query ends with its connection: open, it would hold deleted rows on the disk. */
  #begin(query: RowsQuery, gone: AbortSignal): number {
    const { table, key, from, to, format, isHere } = query
    const definition = this.#options.queried.find(({ plan }) => plan.name === table)
    const reader = this.#options.reader(table, isHere === true ? 'here' : 'everywhere')
    if (definition === undefined || reader === undefined) {
      const known = this.#options.queried.map(({ plan }) => plan.name).join(', ')
      const message = `there is no table ${table}; the worker has: ${known}`
      throw new EuphorionError('TABLE_UNKNOWN', message, { place: { table } })
    }
    const parsed = key === undefined ? {} : { key: parseKey(definition.plan, definition.keys, key) }
    const lines = rowLines(reader.range({ from, to, ...parsed }), format)
    const [oldest] = this.#open.keys()
    if (this.#open.size >= QUERIES_MAX) void this.#end(oldest)
    const id = ++this.#lastId
    this.#open.set(id, lines)
    gone.addEventListener('abort', () => void this.#end(id))
    return id
  }

  /** The next page; `value` is true at the end. */
  async #next(id: number): Promise<LocalReply> {
    const query = this.#open.get(id)
    if (query === undefined) {
      throw new EuphorionError('QUERY_UNAVAILABLE', 'the worker has dropped the query')
    }
    const lines: string[] = []
    while (lines.length < PAGE_ROWS) {
      const { done, value } = await query.next()
      if (done) {
        this.#open.delete(id)
        return { value: true, payload: Buffer.from(lines.join('\n')) }
      }
      lines.push(value)
    }
    return { value: false, payload: Buffer.from(lines.join('\n')) }
  }

  async #end(id: number): Promise<void> {
    const query = this.#open.get(id)
    this.#open.delete(id)
    await query?.return()
  }
}
