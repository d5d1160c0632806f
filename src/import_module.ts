// Imports a module that a user wrote, TypeScript too. Called by the command line for --app and by
// the threads that run a user's kernels.
import { extname } from 'node:path'

const typeScript = ['.ts', '.mts', '.cts']

/** What the module at this URL exports. */
export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  await allowTypeScript(url)
  return (await import(url)) as Readonly<Record<string, unknown>>
}

/** Node from 22.18 on runs TypeScript itself; before, tsx does. */
async function allowTypeScript(url: string): Promise<void> {
  if (!typeScript.includes(extname(new URL(url).pathname))) return
  const { typescript } = process.features as { typescript?: string | false }
  if (typescript) return
  const { register } = await import('tsx/esm/api')
  register()
}
