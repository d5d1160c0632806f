// What threads of the kernel pool can do: the kinds of jobs with what goes in and comes out. Both
// are posted between threads, so they are data (typed arrays over shared memory are not copied).
// The thread's part of each is in the table of thread.ts.
import type { PieceTask } from '../column/piece_task.ts'
import type { CompiledOutcome, PooledTask } from '../compile/run_job.ts'
import type { MandelbrotSlice, SliceResult } from '../mandelbrot/slice.ts'
import type { ModuleResult, ModuleTask } from '../user/module_task.ts'
import type { WasmResult, WasmTask } from '../user/wasm_task.ts'

export interface Jobs {
  /** A piece of a column, by a built-in kernel. */
  column: { input: PieceTask; output: number }
  /** A run of a plain function that was compiled. */
  compiled: { input: PooledTask; output: CompiledOutcome }
  /** Some milliseconds of an image. */
  mandelbrot: { input: MandelbrotSlice; output: SliceResult }
  /** A user's WebAssembly module, in a memory of its own. */
  wasm: { input: WasmTask; output: WasmResult }
  /** A JavaScript kernel that a user's module exports. */
  module: { input: ModuleTask; output: ModuleResult }
}

export type JobKind = keyof Jobs
