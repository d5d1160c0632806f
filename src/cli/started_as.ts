// How this process was started, as a person types it: commands that it prints then work as they
// stand, from the same directory.
import { basename, dirname, relative } from 'node:path'

/** 'npx euphorion', 'euphorion', or 'node dist/src/cli/main.js'. */
export function startedAs(path: string | undefined = process.argv[1]): string {
  if (path === undefined) return 'npx euphorion'
  if (basename(dirname(path)) === '.bin') return `npx ${basename(path)}`
  if (basename(path) === 'euphorion') return 'euphorion'
  const near = relative(process.cwd(), path)
  return `node ${quote(near.startsWith('..') ? path : near)}`
}

/** For a shell. */
export function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
