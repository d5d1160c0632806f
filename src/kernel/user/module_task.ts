// The task of a JavaScript kernel that runs in the pool. Made by defineKernel, run by module_job.
import type { ColumnArray } from './column_types.ts'

export interface ModuleTask {
  /** The module that exports the kernel (import.meta.url). */
  readonly module: string
  readonly kernel: string
  readonly columns: Readonly<Record<string, ColumnArray>>
  readonly params: Readonly<Record<string, number | bigint>>
}

/** One number or column, or several by their names. */
export type ModuleResult =
  | number
  | bigint
  | ColumnArray
  | Readonly<Record<string, number | bigint | ColumnArray>>
