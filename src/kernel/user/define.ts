// defineKernel: a JavaScript function over columns, with their types declared. Called by users'
// programs.

import { EuphorionError } from '../../errors.ts'
import { isKernelThread } from '../offload/kernel_thread.ts'
import { kernelPool } from '../offload/pool.ts'
import { type ColumnLengths, checkColumns, checkParams, invalid } from './check_columns.ts'
import type { ColumnArrays, ColumnTypes, ColumnValues } from './column_types.ts'
import {
  checkDefinition,
  type Definition,
  type KernelResult,
  kernelMark,
  type ResultOf,
  type ResultTypes,
  runDefinition,
} from './definition.ts'
import type { Kernel, NoParams, RunOptions } from './kernel.ts'
import { postColumns } from './post_columns.ts'

interface Declaration<In extends ColumnTypes, Params extends ColumnTypes> {
  /** The columns that it takes, by name: `{ values: 'f64' }`. */
  readonly columns: In
  /** Parameters, by name: `{ alpha: 'f64' }` is a number. */
  readonly params?: Params
  /** 'equal' (default): columns of different lengths are KERNEL_INVALID. */
  readonly lengths?: ColumnLengths
  /**
   * `import.meta.url` of a module that exports the kernel: it runs in the pool, off the calling
   * thread. The module is imported in each thread that runs it, so what it does when it is imported
   * happens there too. Without it the kernel runs on the calling thread.
   */
  readonly module?: string
}

/** What defineKernel is given. */
export interface KernelDefinition<
  In extends ColumnTypes,
  Params extends ColumnTypes,
  Out extends KernelResult,
> extends Declaration<In, Params> {
  /**
   * A number, a column, or an object of them. In the pool, columns that it gives are handed over:
   * an array that it keeps for the next run is empty then. Columns over ordinary buffers are its
   * own copies there.
   */
  run(columns: ColumnArrays<In>, params: ColumnValues<Params>): Out | Promise<Out>
}

/** What defineKernel is given where the results are declared, and checked at run time. */
export interface CheckedKernelDefinition<
  In extends ColumnTypes,
  Params extends ColumnTypes,
  Results extends ResultTypes,
> extends Declaration<In, Params> {
  /** 'number', 'bigint' or a column's type; or an object of them by name. */
  readonly results: Results
  run(
    columns: ColumnArrays<In>,
    params: ColumnValues<Params>,
  ): ResultOf<Results> | Promise<ResultOf<Results>>
}

/**
 * A kernel from a JavaScript function:
 *
 *     export const scaled = defineKernel('scaled', {
 *       columns: { values: 'f64' },
 *       params: { factor: 'f64' },
 *       module: import.meta.url,
 *       run: ({ values }, { factor }) => values.map((each) => each * factor),
 *     })
 *     await scaled.run({ values }, { params: { factor: 2 } })
 *
 * With `module`, `timeoutMs` (default: kernelTimeoutMs) and `signal` end a run whatever it does;
 * on the calling thread nothing can end it, and `signal` is looked at before it begins. Throws
 * KERNEL_INVALID.
 */
export function defineKernel<
  const In extends ColumnTypes,
  const Results extends ResultTypes,
  const Params extends ColumnTypes = NoParams,
>(
  name: string,
  definition: CheckedKernelDefinition<In, Params, Results>,
): Kernel<In, ResultOf<Results>, Params>
export function defineKernel<
  const In extends ColumnTypes,
  Out extends KernelResult,
  const Params extends ColumnTypes = NoParams,
>(name: string, definition: KernelDefinition<In, Params, Out>): Kernel<In, Out, Params>
export function defineKernel(
  name: string,
  given: Omit<Declaration<ColumnTypes, ColumnTypes>, 'run'> & {
    readonly results?: ResultTypes
    readonly run: Definition['run']
  },
): Kernel<ColumnTypes, unknown, ColumnTypes> {
  const { columns, params = {}, results, lengths = 'equal', module, run } = given
  const definition = { name, columns, params, results, lengths, module, run }
  checkDefinition(definition)
  return new JavaScriptKernel(definition)
}

class JavaScriptKernel implements Kernel<ColumnTypes, unknown, ColumnTypes> {
  readonly [kernelMark]: Definition
  #isClosed = false

  constructor(definition: Definition) {
    this[kernelMark] = definition
  }

  get name(): string {
    return this[kernelMark].name
  }

  get columns(): ColumnTypes {
    return this[kernelMark].columns
  }

  async run(given: unknown, options: RunOptions<ColumnTypes> = {}): Promise<unknown> {
    const definition = this[kernelMark]
    const { name, module, lengths } = definition
    if (this.#isClosed) throw invalid(name, 'it was closed')
    const columns = checkColumns(name, definition.columns, given, lengths)
    const params = checkParams(name, definition.params, options.params)
    const { signal } = options
    if (module === undefined || isKernelThread()) {
      if (signal?.aborted) {
        const message = `kernel ${name} was cancelled`
        throw new EuphorionError('KERNEL_CANCELLED', message, { cause: signal.reason })
      }
      return runDefinition(definition, columns, params)
    }
    const posted = postColumns(columns)
    const pool = kernelPool()
    return pool.run(
      'module',
      { module, kernel: name, columns: posted.columns, params },
      {
        name: `kernel ${name}`,
        signal,
        timeoutMs: options.timeoutMs ?? pool.timeoutMs,
        prepare: module,
        transfer: posted.transfer,
      },
    )
  }

  close(): void {
    this.#isClosed = true
  }
}
