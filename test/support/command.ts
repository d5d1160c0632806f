// Runs the program `euphorion` as a process of its own, as a user does. For system tests.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export const mainFile = join(import.meta.dirname, '../../src/cli/main.js')

interface CommandOptions {
  readonly cwd: string
  /** Besides that of the test, of which no EUPHORION_… setting is taken. */
  readonly env?: Readonly<Record<string, string>>
}

export interface CommandResult {
  readonly code: number | null
  readonly out: string
  readonly errors: string
}

export async function euphorion(
  args: readonly string[],
  { cwd, env = {} }: CommandOptions,
): Promise<CommandResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EUPHORION_'))
  const child = spawn(process.execPath, [mainFile, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  )
  const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, out, errors }
}
