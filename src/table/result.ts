// Results as rows and as JSON that a consumer in any language can read. Called by table.ts, by
// whoever sends changes() and final() to a topic, and by the command line.
import { finishState, type OutputValue } from '../kernel/aggregates.ts'
import type { TableLayout, WindowState } from './cell.ts'

/**
 * `start` (inclusive) and `end` (exclusive) in ms are those of the window; absent without windows.
 */
export interface TableRow<Key> {
  readonly key: Key
  readonly start?: number
  readonly end?: number
  readonly [field: string]: Key | OutputValue | undefined
}

export interface RowLayout<Key> extends TableLayout {
  decodeKey(bytes: Uint8Array): Key
}

interface ResultKey<Key> {
  key: Key
  start?: number
  end?: number
}

function resultKey<Key>(table: RowLayout<Key>, { key, start }: WindowState): ResultKey<Key> {
  const found: ResultKey<Key> = { key: table.decodeKey(key) }
  if (start !== undefined && table.window) {
    found.start = start
    found.end = start + table.window.sizeMs
  }
  return found
}

function fill<Row extends object>(table: TableLayout, { state }: WindowState, row: Row): Row {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength)
  return finishState(table.layout, view, 0, row as Row & Record<string, unknown>)
}

/** A plain object: key, start, end, then the aggregates in the order of the plan. */
export function resultRow<Key>(table: RowLayout<Key>, result: WindowState): TableRow<Key> {
  return fill(table, result, resultKey(table, result)) as TableRow<Key>
}

/**
 * A result as a message: `{"key":…,"start":…,"end":…}` (start and end in ms; without windows only
 * the key) and the aggregates as an object. Results of the same key and window have the same
 * message key.
 */
export function resultMessage<Key>(
  table: RowLayout<Key>,
  result: WindowState,
): { key: string; value: string } {
  return { key: resultJson(resultKey(table, result)), value: resultJson(fill(table, result, {})) }
}

/**
 * JSON of a row or of a part of it. A bigint is written with all its digits, bytes as base64, a
 * Date as ISO text, numbers that JSON does not have as null.
 */
export function resultJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array)
    return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`
  if (value instanceof Date) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(resultJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${resultJson(field)}`).join(',')}}`
}
