// Imports a user's app file, TypeScript too, and finds the app in it. Called by commands with --app
// and by the processes in which `tune` measures.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EuphorionError } from '../errors.ts'
import { importModule } from '../import_module.ts'
import { type App, appMark } from './app.ts'

export interface LoadedApp {
  readonly app: App
  /** What the file exports. */
  readonly module: Readonly<Record<string, unknown>>
}

/** Another copy of the module for each `copy`. */
export async function loadApp(file: string, copy?: string): Promise<LoadedApp> {
  const path = resolve(file)
  if (!existsSync(path)) throw new EuphorionError('USAGE', `there is no file ${file}`)
  if (!/\.[cm]?[jt]s$/.test(path))
    throw new EuphorionError('USAGE', `${file} is neither JavaScript nor TypeScript`)
  const { href } = pathToFileURL(path)
  const module = await importModule(copy === undefined ? href : `${href}?${copy}`)
  const found = [module.app, module.default, ...Object.values(module)].find(isApp)
  if (found !== undefined) return { app: found, module }
  throw new EuphorionError('USAGE', `${file} exports no app: export const app = new App(…)`)
}

function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && appMark in value
}
