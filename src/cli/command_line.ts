// Reads a command line and runs its command. Called by main.ts (`euphorion …`) and, through
// app.main(), by a user's program (`node app.js …`).
import { Command, CommanderError, Help } from 'commander'
import type { App } from '../app/app.ts'
import { describeError, EuphorionError } from '../errors.ts'
import { packageVersion } from '../package_version.ts'
import { addCommands, listedTerm } from './commands/commands.ts'
import { startedAs } from './started_as.ts'
import { addUserCommands, appOfCommand } from './user_commands.ts'

export interface CommandContext {
  /** The app whose own program was started; undefined for `euphorion`. */
  readonly app?: App
}

/** ok / failed / wrong usage */
const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** Runs the command, prints its error if it has one, and ends the process. */
export async function runCommandLine(
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const program = await makeProgram(context, args)
  process.stdout.on('error', endQuietly)
  try {
    const app = context.app ?? (await appOfCommand(program, args))
    if (app !== undefined) addUserCommands(program, app, context)
    await program.parseAsync(args, { from: 'user' })
    await leave(Number(process.exitCode ?? exitCodes.ok))
  } catch (error) {
    await leave(report(error, program.opts<{ debug?: boolean }>().debug === true))
  }
}

/** Ends the process once whoever reads its output has taken all of it, however slow. */
async function leave(code: number): Promise<never> {
  const streams = [process.stdout, process.stderr]
  await Promise.all(
    streams.map((each) => new Promise<void>((done) => each.write('', () => done()))),
  )
  process.exit(code)
}

/** Whose scripts name all commands and options. */
const COMPLETION = 'completion'
const help = new Help()

/** With the commands that the arguments name; the others are only listed. Default: with all. */
export async function makeProgram(
  context: CommandContext,
  args: readonly string[] = [COMPLETION],
): Promise<Command> {
  const program = new Command(context.app === undefined ? 'euphorion' : startedAs())
    .description('Stateful stream processing: agents over Kafka topics, windows in WebAssembly.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .option('--debug', 'print the stacks of errors')
    .configureHelp({
      sortOptions: false,
      showGlobalOptions: false,
      subcommandTerm: (command) => listedTerm(command) ?? help.subcommandTerm(command),
    })
    .exitOverride()
  const isWhole = args.includes(COMPLETION)
  await addCommands(program, context, (name) => isWhole || args.includes(name))
  return program
}

/** Whoever read our output has seen enough: `| head`. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
  throw error
}

/** Prints what went wrong; returns the exit code. Commander has printed usage errors itself. */
function report(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) {
    const printed = error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
    return printed ? exitCodes.ok : exitCodes.usage
  }
  const stack = debug && error instanceof Error ? `${error.stack}\n` : ''
  const known = error instanceof EuphorionError
  const text = known || debug ? describeError(error) : `failed: ${messageOf(error)}`
  process.stderr.write(`${stack}${text}\n`)
  if (!known && !debug) process.stderr.write('  Add --debug before the command to see where.\n')
  return known && error.code === 'USAGE' ? exitCodes.usage : exitCodes.failed
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `\n  cause: ${error.cause.message}` : ''
  return `${error.name}: ${error.message}${cause}`
}
