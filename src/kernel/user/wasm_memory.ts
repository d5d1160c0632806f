// Memories of users' WebAssembly modules: each run has one for itself, zeroed; a thread keeps the
// last one for the next run if it is small. Used by wasm_job.ts.
import { type PrivateMemory, wasm } from '../../batch/wasm.ts'
import { EuphorionError } from '../../errors.ts'

const PAGE_BYTES = 65536
const PAGES_PER_MIB = 16
/** Up to this size zeroing is cheaper than a new memory's page faults. */
const KEPT_BYTES_MAX = 4 * 1024 ** 2

let kept: { readonly memory: PrivateMemory; readonly pagesMax: number } | undefined

/** A zeroed memory of at least so many pages, which can grow to `memoryMib`. */
export function takeMemory(kernel: string, pages: number, memoryMib: number): PrivateMemory {
  const pagesMax = memoryMib * PAGES_PER_MIB
  const reused = kept?.pagesMax === pagesMax ? kept.memory : undefined
  kept = undefined
  if (reused === undefined) return newMemory(kernel, pages, pagesMax)
  new Uint8Array(reused.buffer).fill(0)
  coverBytes(kernel, reused, pages * PAGE_BYTES)
  return reused
}

function newMemory(kernel: string, initial: number, maximum: number): PrivateMemory {
  if (initial > maximum) throw exhausted(kernel, initial * PAGE_BYTES)
  try {
    return new wasm.Memory({ initial, maximum })
  } catch (cause) {
    throw exhausted(kernel, initial * PAGE_BYTES, cause)
  }
}

/** Gives it back after a run. */
export function giveMemory(memory: PrivateMemory, memoryMib: number): void {
  if (isSmall(memory)) kept = { memory, pagesMax: memoryMib * PAGES_PER_MIB }
}

/** Is it worth keeping? */
export function isSmall(memory: PrivateMemory): boolean {
  return memory.buffer.byteLength <= KEPT_BYTES_MAX
}

/** Grows it to hold `bytes`; MEMORY_EXHAUSTED. */
export function coverBytes(kernel: string, memory: PrivateMemory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES)
  if (missing <= 0) return
  try {
    memory.grow(missing)
  } catch (cause) {
    throw exhausted(kernel, bytes, cause)
  }
}

/** MEMORY_EXHAUSTED of a user's kernel. */
export function exhausted(
  kernel: string,
  bytes: number | undefined,
  cause?: unknown,
): EuphorionError {
  const wanted = bytes === undefined ? 'memory' : `memory (${bytes} bytes in all)`
  const message = `kernel ${kernel} needs more ${wanted} than kernelMemoryMib allows`
  return new EuphorionError('MEMORY_EXHAUSTED', message, { cause })
}
