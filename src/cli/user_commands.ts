// Commands of a user's app beside our own: `node app.js NAME`, `euphorion NAME -A app.js`. Called
// when the program of a command line is made.
import { type Command, Option } from 'commander'
import type { App } from '../app/app.ts'
import type { CommandDefinition } from '../app/commands.ts'
import { watchSignals } from '../app/signals.ts'
import { EuphorionError } from '../errors.ts'
import type { CommandContext } from './command_line.ts'
import { appOption } from './load_app.ts'

/** Throws APP_INVALID for a name that is one of ours. */
export function addUserCommands(program: Command, app: App, { app: own }: CommandContext): void {
  for (const definition of app.commands.all) {
    if (program.commands.some((each) => each.name() === definition.name)) {
      const message = `command ${definition.name}: euphorion has one of that name`
      throw new EuphorionError('APP_INVALID', message)
    }
    addUserCommand(program, app, definition, own === undefined)
  }
}

function addUserCommand(
  program: Command,
  app: App,
  { name, description, arguments: named = {}, options = {}, run }: CommandDefinition,
  isForeign: boolean,
): void {
  const command = program.command(name).description(description)
  for (const [argument, help] of Object.entries(named)) command.argument(argument, help)
  for (const [flags, help] of Object.entries(options)) command.option(flags, help)
  const taken = command.options.map(({ long }) => long)
  if (isForeign) command.addOption(new Option(...appOption))
  if (!taken.includes('--broker')) command.option('--broker <url>', 'where topics are')
  command.action(async (...given: unknown[]) => {
    const names = command.registeredArguments.map((each) => each.name())
    const args = Object.fromEntries(names.map((each, index) => [each, given[index]]))
    const { broker } = command.opts<{ broker?: string }>()
    if (!taken.includes('--broker')) app.configure({ ...(broker !== undefined && { broker }) })
    app.hooks.call('workerInit', { app, command: name })
    const { first, unwatch } = watchSignals(app.clock)
    const ending = new AbortController()
    void first.then(() => ending.abort())
    try {
      const { signal } = ending
      print(await run({ app, args, options: command.opts(), signal }))
    } finally {
      unwatch()
      await app.stop()
    }
  })
}

function print(answer: unknown): void {
  if (answer === undefined) return
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer)
  process.stdout.write(`${text}\n`)
}

/** The app of --app where the command line may mean one of its commands; else undefined. */
export async function appOfCommand(
  program: Command,
  args: readonly string[],
): Promise<App | undefined> {
  const at = args.findIndex((each) => /^(-A|--app)(=|$)/.test(each))
  if (at < 0) return undefined
  const file = args[at].includes('=') ? args[at].slice(args[at].indexOf('=') + 1) : args[at + 1]
  const name = args.find(
    (each, index) => !each.startsWith('-') && (index !== at + 1 || args[at].includes('=')),
  )
  const isOurs = program.commands.some((each) => each.name() === name)
  if (isOurs || file === undefined) return undefined
  const { loadApp } = await import('../app/app_module.ts')
  return (await loadApp(file)).app
}
