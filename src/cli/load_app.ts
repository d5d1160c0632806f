// The app that a command is for: of the program that was started, or of the file of --app.
import type { Command } from 'commander'
import type { App } from '../app/app.ts'
import { EuphorionError } from '../errors.ts'
import type { CommandContext } from './command_line.ts'
import { givenSettings } from './options.ts'

export const appOption = ['-A, --app <file>', 'file of the app, JavaScript or TypeScript'] as const

/**
 * The app that the command is for, with the settings of the command line; undefined without --app.
 */
export async function findApp(context: CommandContext, command: Command): Promise<App | undefined> {
  const file = command.opts<{ app?: string }>().app
  const app = context.app ?? (file === undefined ? undefined : await appOf(file))
  if (app === undefined) return undefined
  app.configure(givenSettings(command))
  app.hooks.call('workerInit', { app, command: command.name() })
  return app
}

/** A user's own program has loaded all of this before. */
async function appOf(file: string): Promise<App> {
  const { loadApp } = await import('../app/app_module.ts')
  return (await loadApp(file)).app
}

/** As findApp; rejects with USAGE without --app. */
export async function needApp(context: CommandContext, command: Command): Promise<App> {
  const app = await findApp(context, command)
  if (app !== undefined) return app
  throw new EuphorionError('USAGE', `${command.name()} needs an app: -A FILE`)
}
