// Engines in Python: each has an environment of its own in the cache, with the versions that its
// requirements.txt names. Called by engines.ts.
import { join } from 'node:path'
import { root } from '../../report/checkout.ts'
import { Python, runProgram } from '../python.ts'
import { Missing, type Tools } from './missing.ts'

/** `module`: what the engine is imported as. */
export function pythonProgram(name: string, module: string) {
  return async ({ mayFetch, say }: Tools): Promise<readonly string[]> => {
    const directory = join(root, 'bench/peers', name)
    const packages = ['-r', join(directory, 'requirements.txt')]
    const python = new Python(`python-${name}`, packages, say)
    if (!(await imports(python.command, module)) && mayFetch) await python.install()
    if (await imports(python.command, module)) return [python.command, join(directory, 'peer.py')]
    throw new Missing(`Python has no module ${module}; --install fetches it`)
  }
}

async function imports(command: string, module: string): Promise<boolean> {
  return (await runProgram(command, ['-c', `import ${module}`])).code === 0
}
