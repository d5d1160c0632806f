// Is a module the program that Node was asked to run? Called by app.main().
import { realpathSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

/**
 * True if `url` (import.meta.url) is the file of `node FILE`, also through links or without
 * extension.
 */
export function isProgram(url: string, started: string | undefined = process.argv[1]): boolean {
  if (started === undefined || !isMainThread || !url.startsWith('file:')) return false
  const module = fileURLToPath(url)
  return [started, started + extname(module)].some((path) => realPath(path) === realPath(module))
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
