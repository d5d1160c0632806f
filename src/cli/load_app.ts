// Imports a user's app file, TypeScript too, and finds the app in it. Called by commands with
// --app.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { type App, appMark } from '../app/app.ts'
import { EuphorionError } from '../errors.ts'
import { importModule } from '../import_module.ts'
import type { CommandContext } from './command_line.ts'
import { givenSettings } from './options.ts'

export const appOption = ['-A, --app <file>', 'file of the app, JavaScript or TypeScript'] as const

/**
 * The app that the command is for, with the settings of the command line; undefined without --app.
 */
export async function findApp(context: CommandContext, command: Command): Promise<App | undefined> {
  const file = command.opts<{ app?: string }>().app
  const app = context.app ?? (file === undefined ? undefined : (await loadApp(file)).app)
  if (app === undefined) return undefined
  app.configure(givenSettings(command))
  app.hooks.call('workerInit', { app, command: command.name() })
  return app
}

/** As findApp; rejects with USAGE without --app. */
export async function needApp(context: CommandContext, command: Command): Promise<App> {
  const app = await findApp(context, command)
  if (app !== undefined) return app
  throw new EuphorionError('USAGE', `${command.name()} needs an app: -A FILE`)
}

export interface LoadedApp {
  readonly app: App
  /** What the file exports. */
  readonly module: Readonly<Record<string, unknown>>
}

/** Another copy of the module for each `copy`. */
export async function loadApp(file: string, copy?: string): Promise<LoadedApp> {
  const path = resolve(file)
  if (!existsSync(path)) throw new EuphorionError('USAGE', `there is no file ${file}`)
  const { href } = pathToFileURL(path)
  const module = await importModule(copy === undefined ? href : `${href}?${copy}`)
  const found = [module.app, module.default, ...Object.values(module)].find(isApp)
  if (found !== undefined) return { app: found, module }
  throw new EuphorionError('USAGE', `${file} exports no app: export const app = new App(…)`)
}

function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && appMark in value
}
