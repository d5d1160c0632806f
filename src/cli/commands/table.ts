// `euphorion table`: prints the rows of a table, from a running worker or from the store on disk.

import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { readLines } from '../../app/query_client.ts'
import { EuphorionError } from '../../errors.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, findApp } from '../load_app.ts'
import { addExamples, addSettings, commandSettings } from '../options.ts'
import { paintTable } from '../paint.ts'

type Format = 'jsonl' | 'csv' | 'table'

interface TableOptions {
  readonly key?: string
  readonly from?: number
  readonly to?: number
  readonly format: Format
  readonly json?: boolean
}

/** Rows that are painted at once, with columns of one width. */
const PAGE_ROWS = 1000

export function addTable(program: Command, context: CommandContext): void {
  const command = program
    .command('table')
    .description('print the rows of a table, from a running worker or from the store on disk')
    .argument('<name>', 'name of the table')
    .option('-k, --key <key>', 'only this key: text, or JSON where the key is no string')
    .option('--from <time>', 'windows that start then or later: ISO time, or ms', parseTime)
    .option('--to <time>', 'windows that start before then', parseTime)
    .addOption(
      new Option('-f, --format <format>', 'form of the rows')
        .choices(['table', 'jsonl', 'csv'])
        .default('table'),
    )
    .option('--json', 'the same as --format jsonl')
    .action(async (name: string, options: TableOptions) => {
      const { dataDir, appIds } = await whereToLook(context, command)
      await printTable(dataDir, appIds, name, options)
    })
  if (context.app === undefined) {
    command.option(appOption[0], `${appOption[1]}; default: look into all of --data-dir`)
  }
  addSettings(command, ['dataDir'])
  addExamples(command, context, [
    [
      'everything, one JSON object a line',
      'euphorion table views-per-page -A app.ts --format jsonl',
    ],
    [
      'one key from some time on',
      'euphorion table views-per-page -A app.ts --key /home --from 2026-01-31T12:00Z',
    ],
    [
      'into a spreadsheet, without the program',
      'euphorion table views-per-page --data-dir ./data --format csv > views.csv',
    ],
  ])
}

function parseTime(text: string): number {
  const ms = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(ms)) return ms
  throw new EuphorionError('USAGE', `'${text}' is no time: give ISO time (2026-01-31T12:00Z) or ms`)
}

async function whereToLook(context: CommandContext, command: Command) {
  const app = await findApp(context, command)
  if (app !== undefined) return { dataDir: app.settings.dataDir, appIds: [app.id] }
  const { dataDir } = commandSettings(command)
  const appIds = existsSync(dataDir)
    ? readdirSync(dataDir, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
    : []
  return { dataDir, appIds }
}

async function printTable(
  dataDir: string,
  appIds: readonly string[],
  table: string,
  { key, from, to, format, json }: TableOptions,
): Promise<void> {
  const asObjects = json === true || format === 'jsonl'
  const query = { table, key, from, to, format: asObjects ? 'object' : 'cells' } as const
  const lines = readLines(dataDir, appIds, query, ({ message }) => {
    process.stderr.write(`Only the rows of workers on this machine: ${message}\n`)
  })
  if (asObjects) for await (const line of lines) await write(`${line}\n`)
  else if (format === 'csv') for await (const line of lines) await write(csvLine(line))
  else await paintPages(lines)
}

async function paintPages(lines: AsyncIterable<string>): Promise<void> {
  let head: string[] | undefined
  let rows: string[][] = []
  const paint = async (): Promise<void> => {
    if (head !== undefined) await write(paintTable(head, rows, head.map(alignOf)))
    rows = []
  }
  for await (const line of lines) {
    const cells = JSON.parse(line) as string[]
    if (head === undefined) head = cells
    else rows.push(cells.map((cell, column) => readable(head?.[column], cell)))
    if (rows.length === PAGE_ROWS) await paint()
  }
  if (head === undefined) process.stderr.write('no rows\n')
  else if (rows.length > 0) await paint()
}

function alignOf(name: string): 'left' | 'right' {
  return name === 'key' ? 'left' : 'right'
}

/** Bounds of windows as times of day; the other formats keep the ms. */
function readable(name: string | undefined, cell: string): string {
  if (name !== 'start' && name !== 'end') return cell
  const time = new Date(Number(cell))
  return Number.isNaN(time.getTime())
    ? cell
    : time.toISOString().replace('T', ' ').replace('.000Z', 'Z')
}

function csvLine(line: string): string {
  const cells = JSON.parse(line) as string[]
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`
}

/** Waits where the reader of a pipe is slow. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
