// Rows of facts as commands print them: a table for people, a JSON object a line for programs.
import { paintTable } from './paint.ts'

/** The same names in every row; undefined is left out of JSON and blank in the table. */
export type FactRow = Readonly<Record<string, string | number | undefined>>

/** `none`: what stands there where there is no row. */
export function showRows(rows: readonly FactRow[], isJson: boolean, none: string): string {
  if (isJson) return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  if (rows.length === 0) return `${none}\n`
  const head = Object.keys(rows[0])
  const cells = rows.map((row) => head.map((name) => String(row[name] ?? '')))
  const align = head.map((name) =>
    rows.every((row) => typeof row[name] !== 'string') ? 'right' : 'left',
  )
  return paintTable(head, cells, align)
}
