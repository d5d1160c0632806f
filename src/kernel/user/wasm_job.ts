// Runs a user's WebAssembly module: a fresh instance over a memory of its own, columns copied in,
// results copied out. The pool's threads call it, and the calling thread for small work.
import { type PrivateMemory, type WasmInstance, wasm } from '../../batch/wasm.ts'
import { EuphorionError } from '../../errors.ts'
import type { ThreadContext } from '../offload/thread_context.ts'
import { invalid } from './check_columns.ts'
import {
  type ColumnArray,
  type ColumnType,
  columnBytes,
  columnConstructor,
  columnTypeOf,
} from './column_types.ts'
import { transfersOf } from './post_columns.ts'
import { isGrowthFailure } from './wasm_growth.ts'
import { checkWasmModule, wasmImports } from './wasm_imports.ts'
import { coverBytes, exhausted, giveMemory, isSmall, takeMemory } from './wasm_memory.ts'
import type { WasmArgument, WasmOutcome, WasmResult, WasmTask, WasmValue } from './wasm_task.ts'

/** Modules that a thread remembers as checked, with the instance of a stateless one. */
const MODULES_MAX = 64
const ALIGNMENT = 16
const PAGE_BYTES = 65536

interface Known {
  readonly hasMemory: boolean
  /** Of a stateless module. */
  instance?: Loaded
}

interface Loaded {
  readonly instance: WasmInstance
  readonly memory: PrivateMemory | undefined
}

/** By hash; the one used longest ago is forgotten. */
const modules = new Map<string, Known>()

/**
 * One call. Throws KERNEL_FAILED (a trap or an abort), KERNEL_INVALID (the module is not what the
 * contract says), MEMORY_EXHAUSTED.
 */
export function run(task: WasmTask, { memoryMib }: Pick<ThreadContext, 'memoryMib'>): WasmResult {
  const known = knownModule(task)
  const reused = known.instance
  known.instance = undefined
  const memory = reused === undefined ? memoryFor(task, known, memoryMib) : reused.memory
  const loaded = reused ?? { memory, instance: instantiate(task, memory) }
  const result = coded(task, () => call(task, loaded))
  if (!task.stateless) {
    if (memory !== undefined) giveMemory(memory, memoryMib)
  } else if (memory === undefined || isSmall(memory)) {
    if (memory !== undefined) new Uint8Array(memory.buffer).fill(0)
    known.instance = loaded
  }
  return result
}

/** What goes with the answer and is not copied. */
export function transfers(result: WasmResult): readonly ArrayBuffer[] {
  const isMany = typeof result === 'object' && !ArrayBuffer.isView(result)
  return transfersOf(isMany ? Object.values(result) : [result])
}

function knownModule({ kernel, hash, module, allow }: WasmTask): Known {
  const known = modules.get(hash) ?? checkWasmModule(kernel, module, allow)
  modules.delete(hash)
  modules.set(hash, known)
  if (modules.size > MODULES_MAX) {
    const [oldest] = modules.keys()
    modules.delete(oldest)
  }
  return known
}

function memoryFor(
  { kernel, initialPages = 1 }: WasmTask,
  { hasMemory }: Known,
  memoryMib: number,
): PrivateMemory | undefined {
  return hasMemory ? takeMemory(kernel, initialPages, memoryMib) : undefined
}

function instantiate(task: WasmTask, memory: PrivateMemory | undefined): WasmInstance {
  const { kernel, module, allow, setup = [] } = task
  return coded(task, () => {
    const instance = new wasm.Instance(module, wasmImports(kernel, memory, allow))
    for (const name of setup) exported(task, instance, name)()
    return instance
  })
}

function call(task: WasmTask, { instance, memory }: Loaded): WasmResult {
  const addresses = placeColumns(task, instance, memory)
  const args = task.args.flatMap((arg, index) => {
    if ('value' in arg) return [arg.value]
    return arg.length ? [addresses[index], lengthOf(arg)] : [addresses[index]]
  })
  const returned = exported(task, instance, task.call)(...args) as number | bigint | undefined
  const read = (outcome: WasmOutcome) =>
    readOutcome(outcome, { task, instance, memory, addresses, returned })
  const { results = { from: 'return' } } = task
  if (isOutcome(results)) return read(results)
  return Object.fromEntries(Object.entries(results).map(([name, each]) => [name, read(each)]))
}

function isOutcome(results: NonNullable<WasmTask['results']>): results is WasmOutcome {
  return typeof results.from === 'string'
}

/** Addresses of the columns by argument; 0 for values. */
function placeColumns(
  task: WasmTask,
  instance: WasmInstance,
  memory: PrivateMemory | undefined,
): readonly number[] {
  const { kernel, args, place = { base: PAGE_BYTES } } = task
  if (args.every((arg) => 'value' in arg)) return []
  if (memory === undefined) throw invalid(kernel, 'it takes columns and has no memory')
  let addresses: number[]
  if ('allocate' in place) {
    const allocate = exported(task, instance, place.allocate)
    addresses = args.map((arg) => ('value' in arg ? 0 : Number(allocate(bytesOf(arg))) >>> 0))
  } else {
    let next = place.base
    addresses = args.map((arg) => {
      if ('value' in arg) return 0
      const address = Math.ceil(next / ALIGNMENT) * ALIGNMENT
      next = address + bytesOf(arg)
      return address
    })
    coverBytes(kernel, memory, next)
  }
  // the buffer as it is now: allocating may have grown the memory
  args.forEach((arg, index) => {
    if (!('value' in arg)) fill(bytesAt(kernel, memory, addresses[index], bytesOf(arg)), arg)
  })
  return addresses
}

function fill(target: Uint8Array, arg: Exclude<WasmArgument, { value: unknown }>): void {
  if ('zeros' in arg) target.fill(0)
  else {
    const { buffer, byteOffset, byteLength } = arg.column
    target.set(new Uint8Array(buffer, byteOffset, byteLength))
  }
}

function lengthOf(arg: Exclude<WasmArgument, { value: unknown }>): number {
  return 'zeros' in arg ? arg.values : arg.column.length
}

function bytesOf(arg: Exclude<WasmArgument, { value: unknown }>): number {
  return 'zeros' in arg ? arg.values * columnBytes(arg.zeros) : arg.column.byteLength
}

interface Called extends Loaded {
  readonly task: WasmTask
  readonly addresses: readonly number[]
  readonly returned: number | bigint | undefined
}

function readOutcome(outcome: WasmOutcome, called: Called): WasmValue {
  const { task, instance, addresses, returned } = called
  switch (outcome.from) {
    case 'return':
      return outcome.boolean ? returned !== 0 : signed(returned, outcome.unsigned)
    case 'export': {
      const value = exported(task, instance, outcome.name)() as number | bigint
      return signed(value, outcome.unsigned)
    }
    case 'argument': {
      const arg = task.args[outcome.argument]
      if (arg === undefined || 'value' in arg)
        throw invalid(task.kernel, `argument ${outcome.argument} is no column`)
      const type = 'zeros' in arg ? arg.zeros : columnTypeOf(arg.column)
      const values = outcome.values === 'return' ? Number(returned) : lengthOf(arg)
      if (values > lengthOf(arg)) throw outside(task.kernel, values)
      return copyOut(called, type as ColumnType, addresses[outcome.argument], values)
    }
    default: {
      const address = exported(task, instance, outcome.address)() as number
      const values = exported(task, instance, outcome.length)() as number
      return copyOut(called, outcome.type, address, values)
    }
  }
}

function signed<T extends number | bigint | undefined>(value: T, unsigned = false): T {
  if (!unsigned) return value
  return (typeof value === 'bigint' ? BigInt.asUintN(64, value) : Number(value) >>> 0) as T
}

function copyOut(
  { task: { kernel }, memory }: Called,
  type: ColumnType,
  address: number,
  values: number,
): ColumnArray {
  if (memory === undefined) throw invalid(kernel, 'it gives columns and has no memory')
  const bytes = bytesAt(kernel, memory, address >>> 0, values * columnBytes(type))
  return new (columnConstructor(type))(bytes.slice().buffer) as ColumnArray
}

function bytesAt(
  kernel: string,
  { buffer }: PrivateMemory,
  address: number,
  bytes: number,
): Uint8Array {
  const isInside = bytes >= 0 && address + bytes <= buffer.byteLength
  if (!isInside) throw outside(kernel, bytes)
  return new Uint8Array(buffer, address, bytes)
}

function outside(kernel: string, bytes: number): EuphorionError {
  const message = `kernel ${kernel} failed: it gave ${bytes} as a place outside of its memory`
  return new EuphorionError('KERNEL_FAILED', message)
}

type Exported = (...args: readonly (number | bigint)[]) => unknown

function exported({ kernel }: WasmTask, instance: WasmInstance, name: string): Exported {
  const found = instance.exports[name]
  if (typeof found === 'function') return found as Exported
  throw invalid(kernel, `its module exports no function ${name}`)
}

/** Runs a part of a call; whatever the module does wrong becomes a coded error. */
function coded<T>({ kernel, growthFailures = [] }: WasmTask, part: () => T): T {
  try {
    return part()
  } catch (cause) {
    if (cause instanceof EuphorionError) throw cause
    const { name, message } = cause as Error
    if (name === 'LinkError' || name === 'TypeError' || name === 'SyntaxError')
      throw new EuphorionError('KERNEL_INVALID', `kernel ${kernel}: ${message}`, { cause })
    if (isGrowthFailure(cause as Error, growthFailures)) throw exhausted(kernel, undefined, cause)
    throw new EuphorionError('KERNEL_FAILED', `kernel ${kernel} failed: ${message}`, { cause })
  }
}
