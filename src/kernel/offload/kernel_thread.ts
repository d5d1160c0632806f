// Is this a thread of the kernel pool? Asked by what must not happen there: starting an app,
// another pool.
import { workerData } from 'node:worker_threads'
import type { ThreadData } from './thread_data.ts'

export function isKernelThread(): boolean {
  return (workerData as Partial<ThreadData> | null)?.euphorionKernelThread === true
}
