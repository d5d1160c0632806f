// The JavaScript that a kernel is compared with: its own file run as TypeScript, or a function of
// another file. Called by `euphorion kernel bench`.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EuphorionError } from '../errors.ts'
import type { KernelProgram } from './kernel_program.ts'

export type JavaScriptFunction = (...args: readonly unknown[]) => unknown

/**
 * The function of `against` (file#name, or file with one function); else that of the kernel's own
 * file. Undefined where that cannot be run as JavaScript. Rejects with USAGE.
 */
export async function javascriptOf(
  path: string,
  { name }: KernelProgram,
  against: string | undefined,
): Promise<JavaScriptFunction | undefined> {
  if (against === undefined) {
    const module = await importSource(path).catch(() => undefined)
    return module === undefined ? undefined : functionIn(module, name)
  }
  const [, file, wanted] = /^(.*?)(?:#([^#]*))?$/s.exec(against) ?? []
  if (!existsSync(file)) throw new EuphorionError('USAGE', `there is no file ${file}`)
  const module = await importSource(file)
  const found = functionIn(module, wanted ?? name) ?? functionIn(module, undefined)
  if (found !== undefined && (wanted === undefined || found === module[wanted])) return found
  const names = Object.keys(module).filter((each) => typeof module[each] === 'function')
  const has = names.length === 0 ? 'no function' : names.join(', ')
  throw new EuphorionError('USAGE', `${file} exports no function ${wanted ?? name}, but ${has}`)
}

/** Its types would be everybody's: it declares globals. */
const PORTABLE: string = 'assemblyscript/std/portable/index.js'

type Module = Readonly<Record<string, unknown>>

/** With what AssemblyScript has besides (f64, i32, unchecked …), as far as JavaScript can. */
async function importSource(path: string): Promise<Module> {
  await import(PORTABLE)
  const { tsImport } = await import('tsx/esm/api')
  return (await tsImport(pathToFileURL(resolve(path)).href, import.meta.url)) as Module
}

/** The only one if there is no name. */
function functionIn(module: Module, name: string | undefined): JavaScriptFunction | undefined {
  const isNamed = ([key, value]: readonly [string, unknown]) =>
    typeof value === 'function' && (name === undefined || key === name || value.name === name)
  const found = Object.entries(module).filter(isNamed)
  const functions = new Set(found.map(([, value]) => value as JavaScriptFunction))
  const [first] = functions
  return functions.size === 1 ? first : undefined
}
