// WebAssembly modules as a user's kernels are: compiled from AssemblyScript for the tests of the
// job that runs them.
import { createHash } from 'node:crypto'
import { type WasmModule, wasm } from '../../src/batch/wasm.ts'
import { growthFailures } from '../../src/kernel/user/wasm_growth.ts'

export interface CompiledKernel {
  readonly module: WasmModule
  readonly hash: string
  readonly growthFailures: readonly number[]
}

const options = ['--runtime', 'stub', '--importMemory', '-O1', '--debug']

/** Compiles AssemblyScript; its memory is imported. */
export async function compileKernel(
  source: string,
  more: readonly string[] = [],
): Promise<CompiledKernel> {
  const { default: asc } = await import('assemblyscript/asc')
  let bytes: Uint8Array | undefined
  const args = ['kernel.ts', '--outFile', 'kernel.wasm', ...options, ...more]
  const { error, stderr } = await asc.main(args, {
    readFile: (name: string) => (name === 'kernel.ts' ? source : null),
    writeFile: (name: string, content: unknown) => {
      if (name === 'kernel.wasm') bytes = content as Uint8Array
    },
    listFiles: () => [],
  })
  if (error || bytes === undefined) throw new Error(`${error?.message}\n${stderr}`)
  const hash = createHash('sha256').update(bytes).digest('hex')
  return { module: new wasm.Module(bytes), hash, growthFailures: growthFailures(bytes) }
}
