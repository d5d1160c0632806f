// Numeric kernels on the calling thread: small work is not worth a hand-over to another.
import { kernelPool } from './pool.ts'
import { makeContext, type ThreadContext } from './thread_context.ts'

let local: ThreadContext | undefined

/** The calling thread's instances over the pool's memory, made at first use; starts no thread. */
export function localKernels(): ThreadContext {
  if (local !== undefined) return local
  const { memory, memoryMib } = kernelPool()
  local = makeContext({ memory: memory.wasm, memoryMib })
  return local
}
