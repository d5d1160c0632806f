// One run of a compiled function, in the calling thread or in one of the pool: copies the
// arguments' arrays into the module's memory, calls it, says how it ended. Called by sync_runner.ts
// and run_job.ts.
import { type PrivateMemory, type WasmModule, wasm } from '../../batch/wasm.ts'
import { EuphorionError } from '../../errors.ts'

/** A stretch of an argument's buffer, and where it goes. */
export interface Region {
  readonly address: number
  readonly bytes: Uint8Array
  /** Comes back after the run. */
  readonly isWritten: boolean
}

/** Can be posted to another thread. */
export interface CompiledTask {
  readonly name: string
  readonly module: WasmModule
  /** Names the module among all of the process. */
  readonly id: number
  /** Functions of the host's Math, 'remainder' among them. */
  readonly imports: readonly string[]
  readonly regions: readonly Region[]
  /** Numbers, booleans as 0 and 1, addresses and lengths of arrays. */
  readonly values: readonly number[]
  /** The first byte behind data and arguments. */
  readonly memoryTop: number
}

/** How a run ended. `exit`: the number of the reason why it ended before its end, or 0. */
export interface RunEnd {
  readonly exit: number
  /** What the function returned: an array as its address and length. */
  readonly value: number | readonly [address: number, length: number] | undefined
  readonly isUndefined: boolean
  /** The memory as the run left it, until the next one. */
  readonly memory: Uint8Array<ArrayBuffer>
}

interface Exports {
  readonly run: (memoryTop: number, ...values: readonly number[]) => RunEnd['value']
  readonly exit: { readonly value: number }
  readonly undefined: { readonly value: number }
}

interface Loaded {
  readonly exports: Exports
  readonly memory: PrivateMemory
  /** All of the memory; of no length when it has grown since. */
  bytes: Uint8Array<ArrayBuffer>
}

const PAGE = 65536
const PAGES_MAX = 65536
/** What instances keep for their next run, together. */
const KEPT_BYTES = 64 * 1024 * 1024
const KEPT_INSTANCES = 8

/** The one used longest ago comes first. */
const kept = new Map<number, Loaded>()

export function runTask(task: CompiledTask, memoryMib: number): RunEnd {
  let loaded = kept.get(task.id)
  if (loaded === undefined) {
    loaded = instantiate(task, memoryMib)
    kept.set(task.id, loaded)
  }
  if (task.memoryTop > loaded.bytes.length) reserve(task, loaded, memoryMib)
  for (const { address, bytes } of task.regions) loaded.bytes.set(bytes, address)
  try {
    const value = loaded.exports.run(task.memoryTop, ...task.values)
    // Every other number is what it is; to ask the instance costs more than a short run.
    const isUndefined = Number.isNaN(value) && loaded.exports.undefined.value !== 0
    return { exit: 0, value, isUndefined, memory: viewOf(loaded) }
  } catch (error) {
    const exit = loaded.exports.exit.value
    if (exit === 0) throw failureOf(task.name, error)
    return { exit, value: undefined, isUndefined: false, memory: viewOf(loaded) }
  } finally {
    forgetOthers(task.id, loaded)
  }
}

function viewOf(loaded: Loaded): Uint8Array<ArrayBuffer> {
  if (loaded.bytes.length === 0) loaded.bytes = new Uint8Array(loaded.memory.buffer)
  return loaded.bytes
}

/** The one that ran stays, unless it alone is too large. */
function forgetOthers(id: number, loaded: Loaded): void {
  if (kept.size === 1 && loaded.bytes.length <= KEPT_BYTES) return
  kept.delete(id)
  const own = viewOf(loaded).length
  let others = 0
  for (const each of kept.values()) others += viewOf(each).length
  for (const [oldest, { bytes }] of kept) {
    if (kept.size < KEPT_INSTANCES && others + own <= KEPT_BYTES) break
    kept.delete(oldest)
    others -= bytes.length
  }
  if (own <= KEPT_BYTES) kept.set(id, loaded)
}

/** The host's part is code that the user did not write: what it throws is a trap. */
function failureOf(name: string, cause: unknown): EuphorionError {
  const isStack = cause instanceof RangeError
  const what = isStack ? 'calls itself too often: the stack is full' : 'trapped'
  return new EuphorionError('KERNEL_FAILED', `${name} ${what}`, { cause })
}

function instantiate({ module, imports }: CompiledTask, memoryMib: number): Loaded {
  const maximum = Math.min(PAGES_MAX, memoryMib * 16)
  const memory = new wasm.Memory({ initial: 1, maximum })
  const host = Object.fromEntries(imports.map((name) => [name, hostFunction(name)]))
  const { exports } = new wasm.Instance(module, { host: { ...host, memory } })
  return {
    exports: exports as unknown as Exports,
    memory,
    bytes: new Uint8Array(memory.buffer),
  }
}

/** V8 calls the functions of Math directly: no JavaScript runs in between. */
function hostFunction(name: string): (...values: number[]) => number {
  if (name === 'remainder') return (a, b) => a % b
  if (name.startsWith('hypot')) return Math.hypot
  return Math[name as 'sin']
}

function reserve({ name, memoryTop }: CompiledTask, loaded: Loaded, memoryMib: number): void {
  const pages = Math.ceil((memoryTop - viewOf(loaded).length) / PAGE)
  if (pages <= 0) return
  try {
    loaded.memory.grow(pages)
  } catch (cause) {
    throw memoryExhausted(name, memoryMib, cause)
  }
  viewOf(loaded)
}

export function memoryExhausted(name: string, memoryMib: number, cause?: unknown): EuphorionError {
  const message = `${name} needs more than the ${memoryMib} MiB that kernelMemoryMib allows`
  return new EuphorionError('MEMORY_EXHAUSTED', message, { cause })
}
