// `euphorion kernel build|run|bench`: a user's kernel from its file, without a program around it.
import { type Command, Option } from 'commander'
import { adoptKernelSettings } from '../../kernel/offload/options.ts'
import type { SettingName } from '../../settings.ts'
import type { CommandContext } from '../command_line.ts'
import { type KernelLanguage, languages } from '../kernel_program.ts'
import { addSettings, givenSettings } from '../options.ts'
import { addKernelBench } from './kernel_bench.ts'
import { addKernelBuild } from './kernel_build.ts'
import { addKernelRun } from './kernel_run.ts'

/** What build, run and bench have in common. */
export interface KernelCommandOptions {
  readonly function?: string
  readonly language: KernelLanguage
  readonly out?: readonly string[]
  readonly collectGarbage?: boolean
  readonly json?: boolean
}

export function addKernel(program: Command, context: CommandContext): void {
  const kernel = program
    .command('kernel')
    .description('compile a kernel of your own, run it on columns, compare it with its JavaScript')
  addKernelBuild(kernel, context)
  addKernelRun(kernel, context)
  addKernelBench(kernel, context)
}

/** The options that all three have. */
export function addKernelOptions(command: Command, names: readonly SettingName[]): void {
  command
    .option('--function <name>', 'the function; default: the only one that the file exports')
    .addOption(
      new Option(
        '--language <name>',
        'auto: AssemblyScript if it is named *.kernel.ts or *.as.ts, or has types as f64; else TypeScript',
      )
        .choices(languages)
        .default('auto'),
    )
    .option('--out <column...>', 'columns that it fills: name, or name:length')
    .option('--collect-garbage', 'AssemblyScript: use memory again while it runs')
    .option('--json', 'print one JSON object a line')
  addSettings(command, names)
  command.hook('preAction', () => adoptKernelSettings({}, givenSettings(command)))
}
