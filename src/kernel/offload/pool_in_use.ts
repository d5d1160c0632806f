// The process's pool of numeric kernels, for who only looks at it and must not make one: metrics.
import type { KernelPool } from './pool.ts'

let inUse: KernelPool | undefined

/** Undefined before the first kernel. */
export function poolInUse(): Pick<KernelPool, 'stats' | 'memory'> | undefined {
  return inUse
}

export function usePool(pool: KernelPool): KernelPool {
  inUse = pool
  return pool
}
