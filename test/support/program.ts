// A program as a user runs it: a process of its own, with its output, signals and exit code. Called
// by tests of examples, commands and signals.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'

const root = join(import.meta.dirname, '../../..')

/** The program `euphorion`. */
export const euphorion = join(root, 'dist/src/cli/main.js')

/** The app of visits_app.ts, compiled. */
export const visitsApp = join(root, 'dist/test/support/visits_app.js')

/** A compiled example. */
export const example = (name: string): string => join(root, 'dist/examples', `${name}.js`)

export interface Ended {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface ProgramOptions {
  /** Working directory. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Standard input; default: none. 'open' leaves it to type(). */
  readonly input?: string | 'open'
}

/** A running program. */
export class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<Ended>
  #out = ''
  #err = ''

  private constructor(
    command: string,
    args: readonly string[],
    { cwd, env, input }: ProgramOptions,
  ) {
    this.#child = spawn(command, args, {
      cwd,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stdin.on('error', () => undefined)
    if (input !== 'open') this.#child.stdin.end(input)
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text
    })
    this.ended = once(this.#child, 'close').then(([code]) => ({
      code: (code as number | null) ?? -1,
      out: this.#out,
      err: this.#err,
    }))
  }

  /** `node …`, killed when the test ends, if it still runs. */
  static start(t: TestContext, args: readonly string[], options: ProgramOptions): Program {
    return Program.#start(t, process.execPath, args, options)
  }

  /** A line for the shell, in which `node` is this Node. */
  static shell(t: TestContext, line: string, options: ProgramOptions): Program {
    const node = `node() { '${process.execPath}' "$@"; }`
    return Program.#start(t, 'sh', ['-c', `${node}; ${line}`], options)
  }

  /** `node …` in a terminal of 100 columns and 40 rows, by util-linux's `script`. */
  static terminal(t: TestContext, args: readonly string[], options: ProgramOptions): Program {
    const node = [process.execPath, ...args].map((each) => `'${each}'`).join(' ')
    const line = `stty cols 100 rows 40; exec ${node}`
    return Program.#start(t, 'script', ['-qec', line, '/dev/null'], { input: 'open', ...options })
  }

  static #start(
    t: TestContext,
    command: string,
    args: readonly string[],
    options: ProgramOptions,
  ): Program {
    const program = new Program(command, args, options)
    t.after(async () => {
      program.#child.kill('SIGKILL')
      await program.ended
    })
    return program
  }

  /** Resolves once the output (standard output, then error) matches; rejects when it ends first. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#out) ?? pattern.exec(this.#err)
      if (match !== null) return match
      const hasEnded = await Promise.race([
        this.ended.then(() => true),
        once(this.#child.stdout, 'data').then(() => false),
        once(this.#child.stderr, 'data').then(() => false),
      ])
      if (!hasEnded) continue
      const last = pattern.exec(this.#out) ?? pattern.exec(this.#err)
      if (last !== null) return last
      throw new Error(`ended without ${pattern}:\n${this.#out}\n${this.#err}`)
    }
  }

  /** On its standard input, or its terminal's keyboard. */
  type(text: string): void {
    this.#child.stdin.write(text)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }
}

/** Runs `node …` to its end. */
export function runNode(
  t: TestContext,
  args: readonly string[],
  options: ProgramOptions,
): Promise<Ended> {
  return Program.start(t, args, options).ended
}

/** Deletes topics that an earlier run may have left on a broker that is not the tests' own. */
export async function deleteTopics(
  t: TestContext,
  broker: string,
  names: readonly string[],
): Promise<void> {
  const cwd = await newDirectory()
  for (const name of names)
    await runNode(t, [euphorion, 'topics', name, '--delete', '--broker', broker], { cwd })
}

/** Whether Program.terminal works here. */
export const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0

/** Removed at the very end: hooks of tests run in the order in which they were added. */
const directories: string[] = []
process.once('exit', () => {
  for (const each of directories) rmSync(each, { recursive: true, force: true, maxRetries: 3 })
})

/** A new directory that goes away with the test file. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-test-'))
  directories.push(directory)
  return directory
}

/** Settings of whoever runs the tests must not reach the program; nor the marks of the runner. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(EUPHORION_|NODE_TEST_CONTEXT$|FORCE_COLOR$|NO_COLOR$)/.test(name),
  )
  return Object.fromEntries(kept)
}
