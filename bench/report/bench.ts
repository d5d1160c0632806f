// A bench as a program: its options, progress, and what it leaves. Figures go to the terminal, to
// bench/results/NAME.json (one JSON object a line), to NAME.svg, and into documents. What finds a
// wrong answer throws; nothing is written then.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Progress } from '../../src/cli/progress.ts'
import { EuphorionError } from '../../src/errors.ts'
import { barPlot } from './bars.ts'
import { conditions, resultsFile } from './checkout.ts'
import { writeDocuments } from './documents.ts'
import { type FigureRow, type FigureSpec, figureOf } from './figure.ts'
import { figuresText, footOf } from './tables.ts'

type Value = string | boolean | undefined

export interface BenchContext {
  /** Small and short: to see that all works. */
  readonly isSmoke: boolean
  /** Of what is drawn by chance. */
  readonly seed: number
  /** Of the bench's own options. */
  readonly values: Readonly<Record<string, Value>>
  /** What is being done, on standard error. */
  say(line: string): void
  /** A bench adds a figure as soon as its answer has been found right. */
  add(figure: FigureSpec): void
}

export interface BenchProgram {
  /** 'micro': of its results, of its markers in documents (`<!-- bench micro -->`). */
  readonly name: string
  readonly title: string
  /** 'npm run bench:micro' */
  readonly command: string
  /** Its own options, with a line of help each; a value's name in capitals, none for a switch. */
  readonly options?: Readonly<Record<string, { readonly value?: string; readonly help: string }>>
  /** Of its options: a run with one of them is another, or a part; it records nothing. */
  readonly unrecorded?: readonly string[]
  run(context: BenchContext): Promise<void>
}

const common = {
  seed: { value: 'N', help: 'of what is drawn by chance (1)' },
  smoke: { help: 'small and short; nothing is written but to --out' },
  out: { value: 'DIR', help: 'where NAME.json and NAME.svg go, instead of bench/results' },
  json: { help: 'print one JSON object a line' },
  table: { help: 'only make plot and tables anew from the results that are there' },
  help: { help: 'print help' },
} as const

/** What a person has asked for cannot be done: told without a stack. */
export class BenchUsage extends Error {}

/** The whole program; ends with 1 where it failed, with 2 where it was asked wrongly. */
export async function runBench(program: BenchProgram): Promise<void> {
  try {
    await runAsked(program)
  } catch (error) {
    // threads of what has failed would keep the process alive
    process.exit(told(program, error))
  }
}

/** The code to end with. */
function told({ command }: BenchProgram, error: unknown): number {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? ''
  if (error instanceof BenchUsage || code.startsWith('ERR_PARSE_ARGS')) {
    console.error(`${(error as Error).message}\n${command} -- --help lists the options.`)
    return 2
  }
  const isTold = error instanceof EuphorionError
  console.error(isTold ? `${error.code}: ${error.message}\n${error.advice}` : error)
  return 1
}

async function runAsked(program: BenchProgram): Promise<void> {
  const options = { ...program.options, ...common }
  const { values } = parseArgs({
    options: Object.fromEntries(
      Object.entries(options).map(([name, option]) => [
        name,
        { type: 'value' in option && option.value !== undefined ? 'string' : 'boolean' } as const,
      ]),
    ),
  })
  if (values.help) return void console.log(usageOf(program, options))
  if (values.table) {
    if (!existsSync(resultsFile(program.name))) throw new BenchUsage('nothing is recorded yet')
    return publish(program, readRows(program.name))
  }
  const seed = numberOption({ values: values as Record<string, Value> }, 'seed', 1)
  const progress = new Progress(process.stderr)
  const rows: FigureRow[] = []
  const { name: bench } = program
  const ofAll = { bench, seed, ...conditions(), ...(values.smoke === true && { smoke: true }) }
  await program.run({
    isSmoke: values.smoke === true,
    seed,
    values: values as Record<string, Value>,
    say: (line) => progress.show(line),
    add: (figure) => rows.push({ ...figureOf(figure), ...ofAll }),
  })
  progress.end()
  if (rows.length === 0) throw new BenchUsage('nothing was measured')
  const lines = rows.map((row) => JSON.stringify(row)).join('\n')
  console.log(values.json ? lines : `${program.title}\n\n${figuresText(rows)}\n${footOf(rows)}`)
  if (typeof values.out === 'string') {
    mkdirSync(values.out, { recursive: true })
    writeFileSync(join(values.out, `${bench}.json`), `${lines}\n`)
    writeFileSync(join(values.out, `${bench}.svg`), plotOf(program, rows))
  } else if (isRecorded(program, values)) {
    writeFileSync(resultsFile(bench), `${lines}\n`)
    publish(program, rows)
  }
}

/** The results and the document get the figures of whole runs only. */
export function isRecorded(
  { unrecorded = [] }: Pick<BenchProgram, 'unrecorded'>,
  values: BenchContext['values'],
): boolean {
  return values.smoke !== true && unrecorded.every((name) => values[name] === undefined)
}

/** Of options that are numbers. */
const fractional: readonly string[] = ['seconds']

/** One of a bench's own options, a number above 0: '3', '20_000'. Throws BenchUsage. */
export function numberOption(
  { values }: Pick<BenchContext, 'values'>,
  name: string,
  fallback: number,
): number {
  const given = values[name]
  const number = typeof given === 'string' ? Number(given.replaceAll('_', '')) : fallback
  const isWhole = Number.isInteger(number) || fractional.includes(name)
  if (number > 0 && Number.isFinite(number) && isWhole) return number
  const what = fractional.includes(name) ? 'a number above 0' : 'a whole number above 0'
  throw new BenchUsage(`--${name} ${given}: ${what} is expected`)
}

export function readRows(name: string): readonly FigureRow[] {
  const lines = readFileSync(resultsFile(name), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as FigureRow)
}

/** What is made of the rows: the plot, and the tables of documents. */
function publish(program: BenchProgram, rows: readonly FigureRow[]): void {
  writeFileSync(resultsFile(program.name, 'svg'), plotOf(program, rows))
  writeDocuments(program.name, rows, program.command)
}

function plotOf(program: BenchProgram, rows: readonly FigureRow[]): string {
  return barPlot(program.title, footOf(rows), rows)
}

function usageOf(
  { command, title }: BenchProgram,
  options: NonNullable<BenchProgram['options']>,
): string {
  const flags = Object.entries(options).map(([name, { value, help }]) => ({
    flag: value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  }))
  const width = Math.max(...flags.map(({ flag }) => flag.length))
  const lines = flags.map(({ flag, help }) => `  ${flag.padEnd(width)}  ${help}`)
  return [`${command} -- [options]`, title, '', ...lines].join('\n')
}
