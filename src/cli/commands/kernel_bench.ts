// `euphorion kernel bench`: a kernel beside its JavaScript, on the same columns, in turns.
import { availableParallelism, cpus } from 'node:os'
import type { Command } from 'commander'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { CommandContext } from '../command_line.ts'
import { type JavaScriptFunction, javascriptOf } from '../kernel_javascript.ts'
import type { Call, KernelInput, KernelProgram } from '../kernel_program.ts'
import { type Comparison, compareResults } from '../kernel_result.ts'
import { addExamples, whole } from '../options.ts'
import { paintTable } from '../paint.ts'
import { addKernelOptions } from './kernel.ts'
import { addInput, type InputOptions, openWithInput } from './kernel_run.ts'

interface BenchOptions extends InputOptions {
  readonly against?: string
  readonly runs: number
}

interface Times {
  readonly medianMs: number
  readonly minMs: number
  readonly maxMs: number
}

const RUNS_MAX = 100_000
/** Before the times count: engines compile what runs often. */
const WARM_UP = 5

export function addKernelBench(kernel: Command, context: CommandContext): void {
  const command = kernel
    .command('bench')
    .description(
      'compare a kernel with its JavaScript: times, ratio, and whether they are the same',
    )
    .argument('<file>', 'AssemblyScript or TypeScript')
    .option(
      '--against <file#function>',
      'the JavaScript; default: the same file, run as TypeScript where it can be',
    )
    .option('--runs <n>', 'runs of each; the median counts', whole(1, RUNS_MAX), 30)
    .action((file: string, options: BenchOptions) => bench(file, options))
  addInput(command)
  addKernelOptions(command, ['cacheDir', 'kernelTimeoutMs', 'kernelMemoryMib'])
  addExamples(command, context, [
    [
      'on random numbers',
      'euphorion kernel bench ewma.kernel.ts --columns values=random:100000 --param alpha=0.1',
    ],
    [
      'against a function of another file',
      'euphorion kernel bench ewma.kernel.ts --columns values=random:1000 --param alpha=0.1 --against ewma.js#ewma',
    ],
  ])
}

async function bench(file: string, options: BenchOptions): Promise<void> {
  const { program, input } = await openWithInput(file, options)
  const javascript = await javascriptOf(file, program, options.against)
  if (javascript === undefined) {
    const advice = 'name its JavaScript with --against FILE#FUNCTION'
    throw new EuphorionError('USAGE', `${file} cannot be run as TypeScript: ${advice}`)
  }
  const prepare = () => program.prepare(input)
  const compared = compareResults(
    await program.run(input),
    await firstResult(file, javascript, prepare()),
  )
  const { kernel, plain } = await measure(program, input, { javascript, prepare }, options.runs)
  const facts = line(program, input, { kernel, plain, compared, runs: options.runs })
  process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : paint(facts))
}

async function firstResult(
  file: string,
  javascript: JavaScriptFunction,
  { args, resultOf }: Call,
): Promise<unknown> {
  try {
    return resultOf(await javascript(...args))
  } catch (cause) {
    const message = `the JavaScript of ${file} failed: ${(cause as Error).message}`
    throw new EuphorionError('KERNEL_FAILED', message, { cause })
  }
}

/** In turns, so that what else the machine does is shared. */
async function measure(
  program: KernelProgram,
  input: KernelInput,
  { javascript, prepare }: { javascript: JavaScriptFunction; prepare: () => Call },
  runs: number,
): Promise<{ readonly kernel: Times; readonly plain: Times }> {
  const kernel: number[] = []
  const plain: number[] = []
  for (let run = -WARM_UP; run < runs; run++) {
    const { args } = prepare()
    const first = systemClock.monotonic()
    await program.run(input)
    const second = systemClock.monotonic()
    await javascript(...args)
    const third = systemClock.monotonic()
    if (run < 0) continue
    kernel.push(second - first)
    plain.push(third - second)
  }
  return { kernel: timesOf(kernel), plain: timesOf(plain) }
}

function timesOf(times: readonly number[]): Times {
  const sorted = [...times].sort((a, b) => a - b)
  const [medianMs, minMs, maxMs] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)!]
  return { medianMs: round(medianMs), minMs: round(minMs), maxMs: round(maxMs) }
}

function round(ms: number): number {
  return Number(ms.toFixed(4))
}

interface Measured {
  readonly kernel: Times
  readonly plain: Times
  readonly compared: Comparison
  readonly runs: number
}

function line(program: KernelProgram, { columns }: KernelInput, measured: Measured) {
  const { kernel, plain, compared, runs } = measured
  const values = Object.entries(columns).map(([name, { length }]) => [name, length])
  return {
    kernel: program.name,
    language: program.language,
    columns: Object.fromEntries(values) as Readonly<Record<string, number>>,
    runs,
    wasm: kernel,
    javascript: plain,
    ratio: Number((plain.medianMs / kernel.medianMs).toFixed(2)),
    identical: compared.identical,
    difference: Number.isFinite(compared.difference) ? compared.difference : null,
    node: process.versions.node,
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  }
}

type Line = ReturnType<typeof line>

function paint(facts: Line): string {
  const row = (name: string, { medianMs, minMs, maxMs }: Times, more: readonly string[]) => [
    name,
    ...[medianMs, minMs, maxMs].map((ms) => ms.toFixed(3)),
    ...more,
  ]
  const identical = facts.identical ? 'yes' : 'NO'
  const rows = [
    row('JavaScript', facts.javascript, ['1.00', '']),
    row(`${facts.language}, in the pool`, facts.wasm, [facts.ratio.toFixed(2), identical]),
  ]
  const head = [facts.kernel, 'median ms', 'min', 'max', 'times as fast', 'identical']
  const align = head.map((_, i) => (i === 0 || i === 5 ? ('left' as const) : ('right' as const)))
  const columns = Object.entries(facts.columns).map(
    ([name, length]) => `${name} ${length.toLocaleString('en')}`,
  )
  const machine = `${facts.runs} runs, Node ${facts.node}, ${facts.cpu}`
  return `${paintTable(head, rows, align)}\n${[...columns, machine].join(', ')}\n${differs(facts)}`
}

function differs({ identical, difference }: Line): string {
  if (identical) return ''
  if (difference === null) return 'They give different things.\n'
  return `The largest difference is ${difference.toPrecision(2)} of a value.\n`
}
