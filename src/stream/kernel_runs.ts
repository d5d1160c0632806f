// Runs a kernel on batches: which columns it is given, and with what options. Called by
// Stream.mapBatch().
import { EuphorionError } from '../errors.ts'
import type { ColumnType } from '../kernel/plan.ts'
import type {
  ColumnArrays,
  ColumnTypes,
  ColumnType as KernelType,
} from '../kernel/user/column_types.ts'
import type { Kernel, NoParams, RunArguments, RunOptions } from '../kernel/user/kernel.ts'
import type { FieldMap } from '../record/fields.ts'
import type { Batch } from './agent_records.ts'
import type { BatchOptions } from './batch_options.ts'
import type { BatchShape } from './batch_shape.ts'
import type { ColumnNames, FieldAt } from './batch_types.ts'

/** What stream.mapBatch() takes beside the kernel. */
export interface MapBatchOptions<Params extends ColumnTypes = NoParams>
  extends BatchOptions,
    Omit<RunOptions<Params>, 'signal'> {
  /** Batches that the kernel runs on at once: 1 (default) to 64. Their order stays. */
  readonly concurrency?: number
}

/** The options cannot be left out where the kernel declares parameters. */
export type MapBatchArguments<Params extends ColumnTypes> = keyof Params extends never
  ? [options?: MapBatchOptions]
  : [options: MapBatchOptions<Params> & Required<Pick<RunOptions<Params>, 'params'>>]

/** The types of a kernel's columns by those of the fields; strings are none. */
const kernelTypes = {
  float64: 'f64',
  integer: 'f64',
  timestamp: 'f64',
  float32: 'f32',
  int64: 'i64',
  boolean: 'u8',
  string: undefined,
} as const satisfies Readonly<Record<ColumnType, KernelType | undefined>>

type KernelTypeOf<Fields extends FieldMap, Name extends string> =
  FieldAt<Fields, Name> extends { kind: infer Kind extends ColumnType }
    ? (typeof kernelTypes)[Kind]
    : never

/** Refused by the compiler where a kernel's column is no field, or one of another type. */
export type FittingKernel<Fields extends FieldMap, In extends ColumnTypes> = {
  readonly columns: {
    readonly [Name in keyof In]: Name extends ColumnNames<Fields>
      ? KernelTypeOf<Fields, Name>
      : never
  }
}

const CONCURRENCY_MAX = 64

/** Throws APP_INVALID. */
export function checkConcurrency(concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= CONCURRENCY_MAX) return
  const range = `a whole number from 1 to ${CONCURRENCY_MAX}`
  throw new EuphorionError('APP_INVALID', `mapBatch: concurrency ${concurrency}: it is ${range}`)
}

/** What runs the kernel on a batch. Throws APP_INVALID where the batches lack what it takes. */
export function kernelRun<K, V, In extends ColumnTypes, Out, Params extends ColumnTypes>(
  kernel: Kernel<In, Out, Params>,
  shape: BatchShape,
  options: Omit<RunOptions<Params>, 'signal'>,
): (batch: Batch<K, V>, signal: AbortSignal) => Promise<Out> {
  const names = Object.entries(kernel.columns).map(([name, type]) => {
    checkColumn(kernel.name, name, type, shape)
    return name
  })
  return (batch, signal) => {
    const columns = Object.fromEntries(names.map((name) => [name, batch.column(name)]))
    const args = [{ ...options, signal }] as unknown as RunArguments<Params>
    return kernel.run(columns as unknown as ColumnArrays<In>, ...args)
  }
}

function checkColumn(kernel: string, name: string, type: KernelType, shape: BatchShape): void {
  const field = shape.columns[shape.indexOf(name)]
  if (kernelTypes[field.type] === type) return
  const has = kernelTypes[field.type] ?? 'text, which kernels do not take'
  const message = `kernel ${kernel}: column ${name} is declared ${type}`
  throw new EuphorionError('APP_INVALID', `${message}, and the field is ${field.type}: ${has}`)
}
