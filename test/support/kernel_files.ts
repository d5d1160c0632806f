// Files of AssemblyScript in a directory of their own, and a cache for what is compiled of them.
// Used by the tests of loaded kernels.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { newDirectory } from './program.ts'

export interface KernelFiles {
  readonly directory: string
  /** Writes `name.kernel.ts`; its URL. */
  kernel(name: string, text: string): URL
  /** Writes any file. */
  write(path: string, text: string): URL
}

export async function kernelFiles(): Promise<KernelFiles> {
  const directory = await newDirectory()
  const write = (path: string, text: string): URL => {
    const whole = join(directory, path)
    mkdirSync(dirname(whole), { recursive: true })
    writeFileSync(whole, text)
    return pathToFileURL(whole)
  }
  return { directory, write, kernel: (name, text) => write(`${name}.kernel.ts`, text) }
}
