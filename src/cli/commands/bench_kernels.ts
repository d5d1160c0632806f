// `euphorion bench kernels`: how fast the numeric kernels are on this machine, against plain
// JavaScript, with their results compared.
import { availableParallelism, cpus } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { systemClock } from '../../clock.ts'
import { nativeAddon, whyNoNative } from '../../kernel/native.ts'
import { type ChosenBackend, requireBackend } from '../../kernel/offload/backend.ts'
import { benchKernels, type KernelBenchRow } from '../../tune/bench_kernels.ts'
import {
  type BenchKernelName,
  benchKernelNames,
  type ColumnPlace,
} from '../../tune/bench_kernels_cases.ts'
import type { CommandContext } from '../command_line.ts'
import { addExamples, whole } from '../options.ts'
import { paintTable } from '../paint.ts'
import { Progress } from '../progress.ts'

interface KernelsOptions {
  readonly kernels: readonly BenchKernelName[]
  readonly backends?: readonly ChosenBackend[]
  readonly sizes: readonly number[]
  readonly type: 'f64' | 'f32'
  readonly columns: ColumnPlace
  readonly runs: number
  readonly json?: boolean
}

const backendNames = ['js', 'wasm', 'native'] as const
const SIZE_MAX = 10_000_000
const RUNS_MAX = 10_000

export function addBenchKernels(bench: Command, context: CommandContext): void {
  const command = bench
    .command('kernels')
    .description('numeric kernels in each backend against plain JavaScript, results compared')
    .option(
      '--kernels <names>',
      `of ${benchKernelNames.join(', ')}`,
      listOf(benchKernelNames),
      benchKernelNames,
    )
    .option('--backends <names>', 'of js, wasm, native; all that are there', listOf(backendNames))
    .option('--sizes <list>', 'values of a column, points of an image', sizes, [1000, 100_000])
    .addOption(new Option('--type <name>', 'of columns').choices(['f64', 'f32']).default('f64'))
    .addOption(
      new Option(
        '--columns <place>',
        "shared: in the kernels' memory (allocateColumn); ordinary: copied where a backend needs it",
      )
        .choices(['shared', 'ordinary'])
        .default('shared'),
    )
    .option('--runs <n>', 'samples of each; the median counts', whole(1, RUNS_MAX), 25)
    .option('--json', 'print one JSON object a line')
  addExamples(command, context, [
    ['all of them', 'euphorion bench kernels'],
    [
      'one JSON line each',
      'euphorion bench kernels --kernels sum,stats,zScoreFlags --sizes 100000 --json',
    ],
  ])
  command.action(run)
}

function listOf<Name extends string>(known: readonly Name[]): (text: string) => readonly Name[] {
  return (text) =>
    text.split(',').map((part) => {
      const name = known.find((each) => each === part.trim())
      if (name === undefined)
        throw new InvalidArgumentError(`There is no ${part.trim()}: there are ${known.join(', ')}.`)
      return name
    })
}

function sizes(text: string): readonly number[] {
  const size = whole(1, SIZE_MAX)
  return text.split(',').map((part) => size(part.trim()))
}

async function run(options: KernelsOptions): Promise<void> {
  const { kernels, sizes, type, runs } = options
  const there = nativeAddon() === undefined ? (['js', 'wasm'] as const) : backendNames
  const backends = options.backends ?? there
  for (const backend of backends) requireBackend(backend)
  const progress = new Progress(process.stderr)
  const rows = await benchKernels({
    kernels,
    backends,
    sizes,
    type,
    runs,
    place: options.columns,
    clock: systemClock,
    onProgress: (what) => progress.show(what),
  })
  progress.end()
  const facts = { node: process.versions.node, cpu: processor() }
  if (options.json)
    for (const row of rows) process.stdout.write(`${JSON.stringify({ ...row, ...facts })}\n`)
  else process.stdout.write(paint(rows, options))
  if (rows.every(({ backend, identical }) => identical || backend === 'plain')) return
  process.stderr.write('Results of the backends differ.\n')
  process.exitCode = 1
}

function processor(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`
}

function paint(rows: readonly KernelBenchRow[], { type, columns, runs }: KernelsOptions): string {
  const head = ['kernel', 'size', 'backend', 'µs', 'fastest', 'slowest', '× plain', '× js', 'same']
  const cells = rows.map((row) => [
    row.kernel,
    row.size.toLocaleString('en'),
    row.instructionSet === undefined ? row.backend : `${row.backend} ${row.instructionSet}`,
    micros(row.medianUs),
    micros(row.minUs),
    micros(row.maxUs),
    row.ratio.toFixed(2),
    Number.isNaN(row.ratioToJs) ? '' : row.ratioToJs.toFixed(2),
    row.backend === 'plain' ? '' : row.identical ? 'yes' : 'NO',
  ])
  const align = head.map((_, i) =>
    i === 0 || i === 2 || i === head.length - 1 ? ('left' as const) : ('right' as const),
  )
  const why = whyNoNative()
  const about = [
    `Medians of ${runs}; ${columns} columns of ${type}; Node ${process.versions.node}, ${processor()}`,
    'plain: the loop that a person writes; js: the same order of additions as the other backends',
    ...(why === '' ? [] : [`no native addon: ${why}`]),
  ]
  return `${paintTable(head, cells, align)}\n${about.join('\n')}\n`
}

function micros(us: number): string {
  return us >= 100 ? Math.round(us).toLocaleString('en') : us.toFixed(us >= 10 ? 1 : 2)
}
