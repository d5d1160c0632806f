// What a user's WebAssembly module is given: its memory, abort, and what its task allows. Nothing
// else of the thread can be reached from it. Called by wasm_job.ts.
import { type PrivateMemory, type WasmImports, type WasmModule, wasm } from '../../batch/wasm.ts'
import { EuphorionError } from '../../errors.ts'
import { invalid } from './check_columns.ts'
import type { WasmAllowance } from './wasm_task.ts'

type HostFunction = (...args: never[]) => unknown

/** Every Math function that has no state, and what the language does with numbers otherwise. */
const mathFunctions: Readonly<Record<string, HostFunction>> = {
  ...Object.fromEntries(
    Object.getOwnPropertyNames(Math)
      .map((name) => [name, Math[name as keyof Math]] as const)
      .filter(([name, value]) => typeof value === 'function' && name !== 'random'),
  ),
  /** a % b */
  mod: (a: number, b: number) => a % b,
  /** value | 0 */
  toInt32: (value: number) => value | 0,
}

/**
 * The imports of one instance. `memory` is undefined for a module that has none. Throws
 * KERNEL_INVALID for a module that asks for anything else, naming it.
 */
export function wasmImports(
  kernel: string,
  memory: PrivateMemory | undefined,
  allow: WasmAllowance = {},
): WasmImports {
  const env: Record<string, unknown> = {
    abort: (message: number, file: number, line: number, column: number): never => {
      const where = `${textAt(memory, file) || 'the module'}:${line}:${column}`
      throw aborted(kernel, textAt(memory, message) || 'it aborted', where)
    },
  }
  if (memory !== undefined) env.memory = memory
  if (allow.trace) {
    env.trace = (message: number, count: number, ...values: number[]) => {
      const text = [textAt(memory, message), ...values.slice(0, count)].join(' ')
      process.stderr.write(`kernel ${kernel}: ${text}\n`)
    }
  }
  return allow.math ? { env, Math: mathFunctions } : { env }
}

/** Throws KERNEL_INVALID unless the module asks only for what wasmImports gives. */
export function checkWasmModule(
  kernel: string,
  module: WasmModule,
  allow: WasmAllowance = {},
): { readonly hasMemory: boolean } {
  const given = wasmImports(kernel, undefined, allow)
  const imports = wasm.Module.imports(module)
  for (const { module: from, name, kind } of imports) {
    const isMemory = from === 'env' && name === 'memory' && kind === 'memory'
    const isGiven = kind === 'function' && Object.hasOwn(given[from] ?? {}, name)
    if (!isMemory && !isGiven)
      throw invalid(kernel, `it asks for ${from}.${name}, which it cannot have`)
  }
  const hasMemory = imports.some(({ kind }) => kind === 'memory')
  if (!hasMemory && wasm.Module.exports(module).some(({ kind }) => kind === 'memory'))
    throw invalid(kernel, 'it has a memory of its own; it must import env.memory')
  return { hasMemory }
}

function aborted(kernel: string, message: string, path: string): EuphorionError {
  // AssemblyScript's own allocator: what it was asked for does not fit any memory
  const isMemory = path.startsWith('~lib/rt/') && /too large/.test(message)
  const code = isMemory ? 'MEMORY_EXHAUSTED' : 'KERNEL_FAILED'
  // its stack goes through the module: whoever has a source map finds the line of the kernel in it
  const cause = new Error(message)
  return new EuphorionError(code, `kernel ${kernel}: ${message}`, { place: { path }, cause })
}

/** A text of AssemblyScript: UTF-16, its bytes as an i32 before it. Whatever else there is: ''. */
function textAt(memory: PrivateMemory | undefined, address: number): string {
  const at = address >>> 0
  if (memory === undefined || at < 4 || at > memory.buffer.byteLength) return ''
  const bytes = Buffer.from(memory.buffer)
  const length = Math.min(bytes.readUInt32LE(at - 4), TEXT_BYTES_MAX, bytes.length - at)
  return bytes.toString('utf16le', at, at + length - (length % 2))
}

const TEXT_BYTES_MAX = 4096
