// `euphorion kernel run`: runs a kernel on columns from the command line, from files, or of random
// numbers, and prints what it gives.
import type { Command } from 'commander'
import { systemClock } from '../../clock.ts'
import type { CommandContext } from '../command_line.ts'
import { kernelInput } from '../kernel_input.ts'
import { openProgram } from '../kernel_open.ts'
import { type KernelProgram, outLengths } from '../kernel_program.ts'
import { jsonOf, paintResult } from '../kernel_result.ts'
import { namedTexts } from '../kernel_values.ts'
import { addExamples, whole } from '../options.ts'
import { addKernelOptions, type KernelCommandOptions } from './kernel.ts'

/** What says which columns and parameters a kernel is given. */
export interface InputOptions extends KernelCommandOptions {
  readonly columns?: readonly string[]
  readonly param?: readonly string[]
  readonly seed: number
}

const SEED_MAX = 2 ** 32 - 1

export function addKernelRun(kernel: Command, context: CommandContext): void {
  const command = kernel
    .command('run')
    .description('run a kernel on columns; prints what it gives')
    .argument('<file>', 'AssemblyScript or TypeScript')
    .action((file: string, options: InputOptions) => run(file, options))
  addInput(command)
  addKernelOptions(command, ['cacheDir', 'kernelTimeoutMs', 'kernelMemoryMib'])
  addExamples(command, context, [
    [
      'three numbers',
      'euphorion kernel run ewma.kernel.ts --columns values=1,2,3 --param alpha=0.5',
    ],
    [
      'the field price of a CSV file, as JSON',
      'euphorion kernel run ewma.kernel.ts --columns values=@prices.csv#price --param alpha=0.1 --json',
    ],
    [
      'a function of a program, as it stands there',
      'euphorion kernel run statistics.ts --function median --columns values=@prices.csv#price',
    ],
    [
      'random numbers, one function of several, a column that it fills',
      'euphorion kernel run flags.kernel.ts --function outliers --columns x=random:100000 --out flags',
    ],
  ])
}

/** The options of InputOptions. */
export function addInput(command: Command): void {
  command
    .option(
      '--columns <column...>',
      'name=1,2,3, name=@file.csv, name=@file.csv#field or name=random:100000',
    )
    .option('--param <value...>', 'a parameter: alpha=0.1')
    .option('--seed <n>', 'of random columns', whole(0, SEED_MAX), 1)
}

/** The kernel with what it is given. */
export async function openWithInput(file: string, options: InputOptions) {
  const columns = namedTexts('--columns', options.columns)
  const params = namedTexts('--param', options.param)
  const program = await openProgram(file, {
    name: options.function,
    language: options.language,
    params: Object.fromEntries(params.map(({ name }) => [name, 'any' as const])),
    out: outLengths(options.out),
    collectGarbage: options.collectGarbage === true,
    given: { columns: columns.map(({ name }) => name), params: params.map(({ name }) => name) },
  })
  return { program, input: kernelInput(program, { columns, params }, options.seed) }
}

async function run(file: string, options: InputOptions): Promise<void> {
  const { program, input } = await openWithInput(file, options)
  const started = systemClock.monotonic()
  const result = await program.run(input)
  const ms = systemClock.monotonic() - started
  if (options.json) {
    const { language, name } = program
    const line = { kernel: name, language, ms: Number(ms.toFixed(3)), result: jsonOf(result) }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  } else process.stdout.write(paint(program, result, ms))
}

function paint({ signature, language }: KernelProgram, result: unknown, ms: number): string {
  return `${paintResult(result)}\n${signature}\n${language}, ${ms.toFixed(1)} ms\n`
}
