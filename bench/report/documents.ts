// Where the tables of a bench stand: all of its groups in docs/benchmarks.md, some also in
// README.md, between markers `<!-- bench NAME -->` and `<!-- end of bench NAME -->`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceTable, root } from './checkout.ts'
import type { FigureRow } from './figure.ts'
import { figuresMarkdown } from './tables.ts'

const inReadme: Readonly<Record<string, readonly string[]>> = {
  streams: ['W0–W3', 'W1, codec of the topic'],
}

interface DocumentTable {
  readonly path: string
  readonly table: string
}

export function documentTables(
  name: string,
  rows: readonly FigureRow[],
  command: string,
): readonly DocumentTable[] {
  const all = { path: 'docs/benchmarks.md', table: figuresMarkdown(rows, command) }
  const groups = inReadme[name]
  if (groups === undefined) return [all]
  const some = rows.filter(({ group }) => groups.includes(group))
  return [all, { path: 'README.md', table: figuresMarkdown(some, command) }]
}

export function writeDocuments(name: string, rows: readonly FigureRow[], command: string): void {
  for (const { path, table } of documentTables(name, rows, command)) {
    const text = replaceTable(readFileSync(join(root, path), 'utf8'), `bench ${name}`, table)
    writeFileSync(join(root, path), text)
  }
}
