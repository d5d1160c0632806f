// Runs a user's WebAssembly module. The pool's threads call it.
import { EuphorionError } from '../../errors.ts'
import type { ThreadContext } from '../offload/thread_context.ts'
import type { WasmResult, WasmTask } from './wasm_task.ts'

export function run(task: WasmTask, _thread: ThreadContext): WasmResult {
  throw new EuphorionError('KERNEL_INVALID', `${task.kernel} cannot be run yet`)
}
