// The part of a kernel thread: one run of a compiled function, and what comes back of it as data of
// its own. Loaded by the pool's threads for the job 'compiled'.
import type { ThreadContext } from '../offload/thread_context.ts'
import { type CompiledTask, type RunEnd, runTask } from './run_task.ts'

export interface CompiledOutcome extends Omit<RunEnd, 'memory'> {
  /** Of each region that is written. */
  readonly regions: readonly Uint8Array<ArrayBuffer>[]
  /** Of an array that the function made. */
  readonly array: Uint8Array<ArrayBuffer> | undefined
}

export interface PooledTask extends CompiledTask {
  /** An element of the array that it returns has 2^resultShift bytes. */
  readonly resultShift: number
}

export function run(
  task: PooledTask,
  { memoryMib }: Pick<ThreadContext, 'memoryMib'>,
): CompiledOutcome {
  const { memory, ...end } = runTask(task, memoryMib)
  if (end.exit !== 0) return { ...end, regions: [], array: undefined }
  const regions = task.regions
    .filter(({ isWritten }) => isWritten)
    .map(({ address, bytes }) => memory.slice(address, address + bytes.length))
  return { ...end, regions, array: madeArray(task, end, memory) }
}

/** Undefined where it is one of the arguments, or a part of one. */
function madeArray(
  { regions, resultShift }: PooledTask,
  { value }: Omit<RunEnd, 'memory'>,
  memory: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  if (value === undefined || typeof value === 'number') return undefined
  const [address, length] = value
  const isGiven = regions.some(
    (region) => address >= region.address && address < region.address + region.bytes.length,
  )
  return isGiven ? undefined : memory.slice(address, address + length * 2 ** resultShift)
}

/** Given away with the answer: not copied. */
export function transfers({ regions, array }: CompiledOutcome): readonly ArrayBuffer[] {
  return [...regions, ...(array ? [array] : [])].map(({ buffer }) => buffer)
}
