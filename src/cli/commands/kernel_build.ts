// `euphorion kernel build`: compiles a kernel and says what came out.
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { ResultType } from '../../kernel/user/assembly_request.ts'
import type { CommandContext } from '../command_line.ts'
import { openProgram } from '../kernel_open.ts'
import { type KernelProgram, outLengths } from '../kernel_program.ts'
import { namedTypes, typeOf } from '../kernel_values.ts'
import { addExamples } from '../options.ts'
import { addKernelOptions, type KernelCommandOptions } from './kernel.ts'

interface BuildOptions extends KernelCommandOptions {
  readonly columns?: readonly string[]
  readonly params?: readonly string[]
  readonly result?: string
  readonly output?: string
}

export function addKernelBuild(kernel: Command, context: CommandContext): void {
  const command = kernel
    .command('build')
    .description('compile a kernel; prints its signature and size')
    .argument('<file>', 'AssemblyScript or TypeScript')
    .option('--columns <types...>', 'what the columns are to be: values=f64,weights=f32')
    .option('--params <types...>', 'what the parameters are to be: alpha=f64')
    .option('--result <type>', 'what it is to give: f64, bool, void or column:f64')
    .option('-o, --output <file>', 'write the WebAssembly module')
    .action((file: string, options: BuildOptions) => build(file, options))
  addKernelOptions(command, ['cacheDir'])
  addExamples(command, context, [
    ['what is in it', 'euphorion kernel build ewma.kernel.ts'],
    [
      'held against what a program declares, and written',
      'euphorion kernel build ewma.kernel.ts --columns values=f64 --params alpha=f64 -o ewma.wasm',
    ],
  ])
}

async function build(file: string, options: BuildOptions): Promise<void> {
  const started = systemClock.monotonic()
  const program = await openProgram(file, {
    name: options.function,
    language: options.language,
    columns: namedTypes('--columns', options.columns),
    params: namedTypes('--params', options.params),
    out: outLengths(options.out),
    result: options.result === undefined ? undefined : resultType(options.result),
    collectGarbage: options.collectGarbage === true,
  })
  const ms = systemClock.monotonic() - started
  if (options.output !== undefined) writeFileSync(options.output, program.wasm)
  const text = options.json ? `${JSON.stringify(facts(file, program, ms))}\n` : paint(program, ms)
  process.stdout.write(text)
  if (program.warnings !== '') process.stderr.write(`warnings:${program.warnings}\n`)
}

function resultType(text: string): ResultType {
  if (text === 'bool' || text === 'void') return text
  const [, column] = /^column:(.*)$/.exec(text) ?? []
  if (column !== undefined) return { column: typeOf('--result', column) }
  try {
    return typeOf('--result', text)
  } catch (error) {
    const message = `${(error as Error).message}, bool, void, and column:type`
    throw new EuphorionError('USAGE', message)
  }
}

function facts(file: string, program: KernelProgram, ms: number) {
  const { language, name, signature, parameters, result, wasm, cached } = program
  const types = (role: string) =>
    Object.fromEntries(
      parameters.filter((each) => each.role === role).map((each) => [each.name, each.type]),
    )
  return {
    file,
    language,
    name,
    signature,
    columns: types('column'),
    params: types('param'),
    out: types('out'),
    result,
    bytes: wasm.length,
    cached,
    ms: Math.round(ms),
  }
}

function paint({ language, signature, wasm, cached }: KernelProgram, ms: number): string {
  const bytes = `${wasm.length.toLocaleString('en')} bytes of WebAssembly`
  const how = cached ? 'compiled before' : `compiled in ${Math.round(ms).toLocaleString('en')} ms`
  return `${signature}\n${language}, ${bytes}, ${how}\n`
}
