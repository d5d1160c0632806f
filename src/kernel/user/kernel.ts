// What every kernel is to whoever runs it: defineKernel's, loadKernel's and the built-in ones.
import type { KernelBackend } from '../offload/backend.ts'
import type { ColumnArrays, ColumnTypes, ColumnValues } from './column_types.ts'

/** Of kernels without parameters. */
export type NoParams = Readonly<Record<never, never>>

export interface RunOptions<Params extends ColumnTypes = NoParams> {
  /** Ends the run: KERNEL_CANCELLED. */
  readonly signal?: AbortSignal
  /** Ends a run that takes longer, counted from its start: KERNEL_TIMEOUT. */
  readonly timeoutMs?: number
  /** Default: the setting kernelBackend. Kernels that have only one implementation ignore it. */
  readonly backend?: KernelBackend
  /** Values of the declared parameters. */
  readonly params?: keyof Params extends never ? undefined : ColumnValues<Params>
}

/** The options of a run: they cannot be left out where parameters are declared. */
export type RunArguments<Params extends ColumnTypes> = keyof Params extends never
  ? [options?: RunOptions]
  : [options: RunOptions<Params> & { readonly params: ColumnValues<Params> }]

/** A numeric function over columns. */
export interface Kernel<In extends ColumnTypes, Out, Params extends ColumnTypes = NoParams> {
  readonly name: string
  /** The columns that it takes. */
  readonly columns: In
  /**
   * Runs it, off the calling thread where that pays. Rejects with KERNEL_INVALID (columns or
   * parameters are not as declared), KERNEL_FAILED, KERNEL_TIMEOUT, KERNEL_CANCELLED,
   * KERNEL_QUEUE_FULL, MEMORY_EXHAUSTED.
   */
  run(columns: ColumnArrays<In>, ...options: RunArguments<Params>): Promise<Out>
  /** Lets go of what the kernel holds; it cannot be run any more. */
  close(): void
}
