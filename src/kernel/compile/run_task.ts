// One run of a compiled function, in the calling thread or in one of the pool: copies the arguments'
// arrays into the module's memory, calls it, says how it ended. Called by sync_runner.ts and run_job.ts.
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
  readonly run: (...values: readonly number[]) => RunEnd['value']
  readonly exit: { value: number }
  readonly top: { value: number }
  readonly undefined: { value: number }
}

interface Loaded {
  readonly exports: Exports
  readonly memory: PrivateMemory
}

const PAGE = 65536
const PAGES_MAX = 65536
/** A memory that grew beyond is not kept for the next run. */
const KEPT_BYTES = 64 * 1024 * 1024
const KEPT_INSTANCES = 8

const kept = new Map<number, Loaded>()

export function runTask(task: CompiledTask, memoryMib: number): RunEnd {
  const loaded = load(task, memoryMib)
  const { exports, memory } = loaded
  reserve(task, memory, memoryMib)
  const bytes = new Uint8Array(memory.buffer)
  for (const { address, bytes: argument } of task.regions) bytes.set(argument, address)
  exports.exit.value = 0
  exports.undefined.value = 0
  exports.top.value = task.memoryTop
  try {
    const value = exports.run(...task.values)
    return endOf(loaded, value)
  } catch (error) {
    if (exports.exit.value !== 0) return endOf(loaded, undefined)
    throw failureOf(task.name, error)
  } finally {
    if (memory.buffer.byteLength > KEPT_BYTES) kept.delete(task.id)
  }
}

function endOf({ exports, memory }: Loaded, value: RunEnd['value']): RunEnd {
  return {
    exit: exports.exit.value,
    value,
    isUndefined: exports.undefined.value !== 0,
    memory: new Uint8Array(memory.buffer),
  }
}

/** The host's part is code that the user did not write: what it throws is a trap. */
function failureOf(name: string, cause: unknown): EuphorionError {
  const isStack = cause instanceof RangeError
  const what = isStack ? 'calls itself too often: the stack is full' : 'trapped'
  return new EuphorionError('KERNEL_FAILED', `${name} ${what}`, { cause })
}

function load(task: CompiledTask, memoryMib: number): Loaded {
  const known = kept.get(task.id)
  kept.delete(task.id)
  const loaded = known ?? instantiate(task, memoryMib)
  kept.set(task.id, loaded)
  for (const id of kept.keys()) {
    if (kept.size <= KEPT_INSTANCES) break
    kept.delete(id)
  }
  return loaded
}

function instantiate({ module, imports }: CompiledTask, memoryMib: number): Loaded {
  const maximum = Math.min(PAGES_MAX, memoryMib * 16)
  const memory = new wasm.Memory({ initial: 1, maximum })
  const host = Object.fromEntries(imports.map((name) => [name, hostFunction(name)]))
  const { exports } = new wasm.Instance(module, { host: { ...host, memory } })
  return { exports: exports as unknown as Exports, memory }
}

/** V8 calls the functions of Math directly: no JavaScript runs in between. */
function hostFunction(name: string): (...values: number[]) => number {
  if (name === 'remainder') return (a, b) => a % b
  if (name.startsWith('hypot')) return Math.hypot
  return Math[name as 'sin']
}

function reserve(
  { name, memoryTop }: CompiledTask,
  memory: PrivateMemory,
  memoryMib: number,
): void {
  const pages = Math.ceil((memoryTop - memory.buffer.byteLength) / PAGE)
  if (pages <= 0) return
  try {
    memory.grow(pages)
  } catch (cause) {
    throw memoryExhausted(name, memoryMib, cause)
  }
}

export function memoryExhausted(name: string, memoryMib: number, cause?: unknown): EuphorionError {
  const message = `${name} needs more than the ${memoryMib} MiB that kernelMemoryMib allows`
  return new EuphorionError('MEMORY_EXHAUSTED', message, { cause })
}
