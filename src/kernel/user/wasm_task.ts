// The contract between whoever compiles a user's code to WebAssembly (loadKernel, compileFunction)
// and the thread that runs it (wasm_job.ts): one call of one exported function, in a fresh instance
// over a memory of its own.
//
//  memory   0 … base   what the module declares: static data, stack
//           base …     columns, one after the other, or where the module's own allocator puts them
//           … memoryMib, where growing ends with MEMORY_EXHAUSTED
import type { WasmModule } from '../../batch/wasm.ts'
import type { ColumnArray, ColumnType } from './column_types.ts'

export interface WasmTask {
  /** The kernel's name, for errors. */
  readonly kernel: string
  /**
   * Compiled once by whoever makes tasks: posting it to a thread shares the code. What it imports:
   * the memory as `env.memory` (not shared, and no maximum below 65536 pages in its declaration),
   * or no memory at all if no argument is a column; and what WasmAllowance lists.
   */
  readonly module: WasmModule
  /** Names the module among all: a hash of its bytes. Threads keep what they know of it. */
  readonly hash: string
  /** Pages (64 KiB) that the module declares as the memory's minimum. Default 1. */
  readonly initialPages?: number
  readonly allow?: WasmAllowance
  /** See growthFailures() in wasm_growth.ts. Without it such a trap is KERNEL_FAILED. */
  readonly growthFailures?: readonly number[]
  /** Exported functions without arguments that are called first, in this order. */
  readonly setup?: readonly string[]
  /**
   * How columns get their place: by an exported function `(bytes: i32) => address: i32` (all are
   * allocated before any is filled, in the order of the arguments); or from this address on, each
   * aligned to 16 bytes, when the module itself never grows the memory.
   */
  readonly place?: { readonly allocate: string } | { readonly base: number }
  /** The exported function that is the kernel. */
  readonly call: string
  readonly args: readonly WasmArgument[]
  /** What run() gives; see WasmOutcome. Without it: what the function returns. */
  readonly results?: WasmOutcome | Readonly<Record<string, WasmOutcome>>
  /**
   * The module has no globals that change: the thread keeps the instance for the next call, which
   * is then some 5 µs cheaper. The memory is zeroed all the same, so not for modules with data
   * segments. Default false: an instance lives for one call.
   */
  readonly stateless?: boolean
}

/** What a module may import besides `env.memory` and `env.abort(message, file, line, column)`. */
export interface WasmAllowance {
  /** Functions of JavaScript's Math but random, as `Math.sin` …: module 'Math'. */
  readonly math?: boolean
  /** `env.trace(message, n, …numbers)` of AssemblyScript, written to standard error. */
  readonly trace?: boolean
}

/** One argument of the call; a column becomes one or two arguments (WebAssembly i32). */
export type WasmArgument =
  /** As it is: a number for i32, f32, f64, a bigint for i64. */
  | { readonly value: number | bigint }
  /** The address of a copy of `column`, and with `length` the number of its values after it. */
  | { readonly column: ColumnArray; readonly length?: boolean }
  /** The same for a new column of zeros, a place for results. */
  | { readonly zeros: ColumnType; readonly values: number; readonly length?: boolean }

/** Where a result is found once the call returned. */
export type WasmOutcome =
  /** The value that the function returned. `unsigned`: an i32 read as u32 (or i64 as u64). */
  | { readonly from: 'return'; readonly unsigned?: boolean; readonly boolean?: boolean }
  /** The column at `args[argument]` as it is now; only its first `values` if given. */
  | { readonly from: 'argument'; readonly argument: number; readonly values?: 'return' }
  /** A number that an exported function without arguments gives. */
  | { readonly from: 'export'; readonly name: string; readonly unsigned?: boolean }
  /** A column: exported functions without arguments give its address and number of values. */
  | {
      readonly from: 'memory'
      readonly type: ColumnType
      readonly address: string
      readonly length: string
    }

export type WasmValue = number | bigint | boolean | undefined | ColumnArray

/** One value, or several by the names of `results`. */
export type WasmResult = WasmValue | Readonly<Record<string, WasmValue>>
