// Runs a piece of a column. The pool's threads call it.
import type { ThreadContext } from '../offload/thread_context.ts'
import { kernelsOf } from './backends.ts'
import { type PieceTask, runPiece } from './piece_task.ts'

export function run(task: PieceTask, thread: ThreadContext): number {
  return runPiece(kernelsOf(task.backend, thread), task)
}
