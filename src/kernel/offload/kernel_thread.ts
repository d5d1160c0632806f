// Is this a thread of the kernel pool? Asked by what is otherwise there: apps are not started, and
// kernels that a kernel runs have no other thread.
import { workerData } from 'node:worker_threads'
import type { ThreadData } from './thread_data.ts'

export function isKernelThread(): boolean {
  return (workerData as Partial<ThreadData> | null)?.euphorionKernelThread === true
}
