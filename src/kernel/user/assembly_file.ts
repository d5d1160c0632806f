// From a file of AssemblyScript to a module and how it is called: from the cache, or compiled.
// Called by loadKernel and by `euphorion kernel`.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EuphorionError } from '../../errors.ts'
import { AssemblyCache, cacheKey } from './assembly_cache.ts'
import { compileAssembly } from './assembly_compiler.ts'
import { assemblyOptions } from './assembly_options.ts'
import { describeProblems, pathText } from './assembly_problems.ts'
import type { CompiledAssembly, DeclaredFunction } from './assembly_request.ts'

/** Changes whenever a module of an older version could not be called as this one calls it. */
const CACHE_FORMAT = 1

export interface AssemblyFile {
  readonly path: string
  readonly compiled: CompiledAssembly
  /** Whether it had been compiled before. */
  readonly cached: boolean
  /** Whether memory is collected while it runs. */
  readonly collects: boolean
}

/** What is being made now, by path and key: a kernel that is asked for twice is made once. */
const underWay = new Map<string, Promise<AssemblyFile>>()

/**
 * The file's kernel, compiled unless `cacheDir` has it. Rejects with KERNEL_INVALID, which lists
 * everything that is wrong with it.
 */
export async function openAssembly(
  url: URL | string,
  declared: DeclaredFunction,
  cacheDir: string,
): Promise<AssemblyFile> {
  const path = pathOf(url)
  const text = await read(path)
  const options = assemblyOptions(declared.collectGarbage)
  const key = cacheKey([CACHE_FORMAT, compilerVersion(), options, basename(path), text, declared])
  const name = `${path} ${key}`
  const known = underWay.get(name)
  if (known !== undefined) return known
  const made = make(path, text, declared, { key, cacheDir })
  underWay.set(name, made)
  try {
    return await made
  } finally {
    underWay.delete(name)
  }
}

async function make(
  path: string,
  text: string,
  declared: DeclaredFunction,
  { key, cacheDir }: { key: string; cacheDir: string },
): Promise<AssemblyFile> {
  const folder = dirname(path)
  const cache = new AssemblyCache(join(cacheDir, 'kernels'))
  const collects = declared.collectGarbage
  const kept = await cache.find(key, folder)
  if (kept !== undefined) return { path, compiled: kept, cached: true, collects }
  const answer = await compileAssembly({ path, text, declared })
  if ('crashed' in answer) {
    const said = answer.crashed || 'it said nothing'
    const message = `${pathText(path)}: the compiler of AssemblyScript crashed: ${said}`
    throw new EuphorionError('KERNEL_INVALID', message)
  }
  if ('problems' in answer) {
    const { problems } = answer
    const count = problems.length === 1 ? '' : ` (${problems.length} errors)`
    const message = `${pathText(path)} is no kernel${count}${describeProblems(problems, folder)}`
    throw new EuphorionError('KERNEL_INVALID', message)
  }
  await cache.keep(key, answer.compiled)
  return { path, compiled: answer.compiled, cached: false, collects }
}

/** A path, a file: URL, or the text of one. */
function pathOf(url: URL | string): string {
  const isUrl = url instanceof URL || url.startsWith('file:')
  if (url instanceof URL && url.protocol !== 'file:') {
    throw new EuphorionError('KERNEL_INVALID', `${url} is no file: kernels are read from disk`)
  }
  const path = isUrl ? fileURLToPath(url) : resolve(url)
  if (path.endsWith('.ts') && !path.endsWith('.d.ts')) return path
  const message = `${pathText(path)}: AssemblyScript is in files that end in .ts`
  throw new EuphorionError('KERNEL_INVALID', message)
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const message = missing ? `there is no file ${path}` : `${path} cannot be read`
    throw new EuphorionError('KERNEL_INVALID', message, { cause })
  }
}

let version: string | undefined

function compilerVersion(): string {
  version ??= (
    createRequire(import.meta.url)('assemblyscript/package.json') as { readonly version: string }
  ).version
  return version
}
