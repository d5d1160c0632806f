// Builds of native/ in a directory of their own, by the script that users run. Called by tests of
// the core in C++ and of the script.
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../../..')
const script = join(root, 'scripts/build_native.js')
const compilers = ['c++', 'g++', 'clang++']

export interface Built {
  readonly code: number
  /** Standard output and error. */
  readonly text: string
}

/** Whether the script would find a compiler. */
export const hasCompiler = [process.env.CXX ?? '', ...compilers].some((command) => {
  const [program, ...args] = command.split(' ')
  return program !== '' && spawnSync(program, [...args, '--version']).status === 0
})

/** Runs the script with `environment` beside PATH; without PATH there is no compiler. */
export async function buildNative(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Built> {
  const options = { cwd: root, env: { PATH: process.env.PATH, ...environment } }
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [script, ...args],
      options,
    )
    return { code: 0, text: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, text: stdout + stderr }
  }
}

/** Compiles the core with its tests into `directory` and runs them; resolves with what they said. */
export async function runCoreTest(directory: string, flags: readonly string[], seed: number) {
  const built = await buildNative(['--core-test', '--out', directory, '--', ...flags])
  if (built.code !== 0) throw new Error(built.text)
  return promisify(execFile)(built.text.trim(), [String(seed)]).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => {
      throw new Error(`seed ${seed}\n${stdout}\n${stderr}`)
    },
  )
}
