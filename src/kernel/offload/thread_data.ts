// What the pool and its threads say to each other. Used by pool_thread.ts and thread.ts.
import type { WasmMemory, WasmModule } from '../../batch/wasm.ts'
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../../errors.ts'
import type { JobKind, Jobs } from './jobs.ts'
import type { KernelSettings } from './options.ts'

/** Given to each thread at its start. */
export interface ThreadData {
  /** Marks the threads of the pool: see isKernelThread. */
  readonly euphorionKernelThread: true
  readonly memory: WasmMemory
  readonly numeric: WasmModule
  /** What the pool was made with. */
  readonly settings: Partial<KernelSettings> & Pick<KernelSettings, 'memoryMib'>
}

/**
 * `prepare` makes ready what later runs need (a user's module is imported): it is no part of the
 * time that a run may take.
 */
export type ThreadTask =
  | { readonly do: 'start' }
  | { readonly do: 'prepare'; readonly kind: JobKind; readonly key: string }
  | { readonly do: 'run'; readonly kind: JobKind; readonly input: Jobs[JobKind]['input'] }

/** Errors are posted as data: a posted Error loses its class and its code. */
export type ThreadAnswer =
  | { readonly output: Jobs[JobKind]['output'] | undefined }
  | { readonly failure: Failure }

/** Posted beside answers: something that a task left behind failed after it. */
export interface ThreadStray {
  readonly stray: string
}

export interface Failure {
  /** Undefined: not coded, thrown by a user's code or a trap. */
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly place: ErrorPlace
  /** Message and stack of the cause. */
  readonly cause: string | undefined
}

export function failureOf(error: unknown): Failure {
  if (error instanceof EuphorionError) {
    const { code, message, place, cause } = error
    return { code, message, place, cause: cause === undefined ? undefined : textOf(cause) }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: undefined, message, place: {}, cause: textOf(error) }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The error again; what has no code is KERNEL_FAILED, with the kernel's name. */
export function errorOf({ code, message, place, cause }: Failure, name: string): EuphorionError {
  const original = cause === undefined ? undefined : causeOf(message, cause)
  if (code !== undefined) return new EuphorionError(code, message, { place, cause: original })
  return new EuphorionError('KERNEL_FAILED', `${name} failed: ${message}`, { cause: original })
}

/** An error with the stack that it had in its thread. */
function causeOf(message: string, stack: string): Error {
  const error = new Error(/^.*/.exec(stack)?.[0] ?? message)
  error.stack = stack
  return error
}
