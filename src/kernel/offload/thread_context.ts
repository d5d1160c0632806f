// What a job finds in the thread that runs it. Made once for each thread of the pool (thread.ts)
// and for the calling thread (local.ts).
import type { WasmMemory, WasmModule } from '../../batch/wasm.ts'
import { type NativeAddon, nativeAddon } from '../native.ts'
import { loadNumeric, type NumericExports } from './numeric.ts'

export interface ThreadContext {
  /** The memory that all numeric kernels of the process share; see SharedMemory. */
  readonly memory: WasmMemory
  /** dist/numeric.wasm over it, this thread's instance. */
  readonly numeric: NumericExports
  /** Undefined where it could not be loaded. */
  readonly native: NativeAddon | undefined
  /** Most MiB of the memory of one user's kernel. */
  readonly memoryMib: number
}

export interface ThreadSettings {
  readonly memory: WasmMemory
  /** Undefined: compiled from the file. */
  readonly numeric?: WasmModule
  readonly memoryMib: number
}

/** Instances are made when they are first asked for: most threads need only one of them. */
export function makeContext({ memory, numeric, memoryMib }: ThreadSettings): ThreadContext {
  let instance: NumericExports | undefined
  return {
    memory,
    memoryMib,
    get numeric() {
      instance ??= loadNumeric(memory, numeric)
      return instance
    },
    get native() {
      return nativeAddon()
    },
  }
}
