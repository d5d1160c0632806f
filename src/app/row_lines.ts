// Rows of a table as lines of text: what goes over the worker's socket and what the command line
// prints or paints.
import type { ResultRow } from '../ingest/aggregation.ts'
import { resultJson } from '../table/result.ts'

/** A row as one line: its JSON, or its fields as a JSON array of texts below one of their names. */
export type LineFormat = 'object' | 'cells'

export async function* rowLines(
  rows: AsyncIterable<ResultRow>,
  format: LineFormat,
): AsyncGenerator<string, void> {
  let isFirst = format === 'cells'
  for await (const row of rows) {
    if (isFirst) yield JSON.stringify(Object.keys(row))
    isFirst = false
    yield format === 'cells' ? cellsLine(row) : resultJson(row)
  }
}

function cellsLine(row: ResultRow): string {
  const cells = Object.values(row).map((value) =>
    typeof value === 'string' ? value : resultJson(value),
  )
  return JSON.stringify(cells)
}
