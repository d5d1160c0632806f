// Python as this machine has it: the packages of the cache if they were installed there, else
// python3. Used by the peers that are written in it.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { defaultCacheDir } from '../../src/kernel/offload/options.ts'

/** Where peers are built, and their packages kept. */
export const peersDirectory = join(defaultCacheDir(), 'peers')

const OUTPUT_BYTES_MAX = 1 << 24
const bin = process.platform === 'win32' ? 'Scripts' : 'bin'

/** What a program printed. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a program to its end; code -1 when it is not there or was killed. */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ran> {
  try {
    const options = { maxBuffer: OUTPUT_BYTES_MAX, env }
    const { stdout, stderr } = await promisify(execFile)(command, [...args], options)
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '', message } = error as NodeJS.ErrnoException & Output
    const isNumber = typeof code === 'number'
    return { code: isNumber ? code : -1, out: stdout, err: stderr === '' ? message : stderr }
  }
}

interface Output {
  readonly stdout?: string
  readonly stderr?: string
}

export class Python {
  /** Where builds and packages are kept. */
  readonly directory = peersDirectory
  readonly #environment: string
  readonly #packages: readonly string[]
  readonly #say: (line: string) => void

  /** `name`: of the environment. `packages`: as pip takes them. */
  constructor(name: string, packages: readonly string[], say: (line: string) => void) {
    this.#environment = join(this.directory, name)
    this.#packages = packages
    this.#say = say
  }

  /** Makes the environment in the cache and fetches the packages. */
  async install(): Promise<void> {
    this.#say(`fetching ${this.#packages.join(' ')} into ${this.#environment}`)
    const made = await runProgram('python3', ['-m', 'venv', this.#environment])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    const done =
      made.code === 0 ? await runProgram(this.command, [...pip, ...this.#packages]) : made
    if (done.code !== 0) this.#say(`not installed: ${lastLine(done.err)}`)
  }

  get command(): string {
    const own = join(this.#environment, bin, 'python')
    return existsSync(own) ? own : 'python3'
  }
}

/** What a program said before it gave up. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
