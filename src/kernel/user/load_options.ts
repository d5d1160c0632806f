// What loadKernel is told of a kernel's function, the types that follow from it, and its checks.
import type { DeclaredFunction, ResultType } from './assembly_request.ts'
import { type ColumnLengths, checkTypes, invalid } from './check_columns.ts'
import {
  type ColumnArray,
  type ColumnType,
  type ColumnTypes,
  type ColumnValue,
  columnTypes,
} from './column_types.ts'
import type { NoParams } from './kernel.ts'
import type { WasmValue } from './wasm_task.ts'

/** A typed array that the kernel fills: its type, or also how long it is. */
export type OutType<Name extends string = string> =
  | ColumnType
  /** As many values as that column has, or so many. Default: as the first column. */
  | { readonly column: ColumnType; readonly length: Name | number }

export type OutTypes<Name extends string = string> = Readonly<Record<string, OutType<Name>>>

type ColumnOf<T extends OutType> = T extends ColumnType
  ? ColumnArray<T>
  : T extends { readonly column: infer C extends ColumnType }
    ? ColumnArray<C>
    : never

type ValueOf<R extends ResultType> = R extends 'bool'
  ? boolean
  : R extends 'void'
    ? undefined
    : R extends { readonly column: infer C extends ColumnType }
      ? ColumnArray<C>
      : R extends ColumnType
        ? ColumnValue<R>
        : never

/** What run() of a loaded kernel gives. */
export type LoadedResult<
  Out extends OutTypes,
  Result extends ResultType | undefined,
> = keyof Out extends never
  ? Result extends ResultType
    ? ValueOf<Result>
    : WasmValue
  : { readonly [Name in keyof Out]: ColumnOf<Out[Name]> } & (Result extends Exclude<
      ResultType,
      'void'
    >
      ? { readonly result: ValueOf<Result> }
      : unknown)

/** How a file's function is called. Names are those of its parameters. */
export interface LoadOptions<
  In extends ColumnTypes = ColumnTypes,
  Params extends ColumnTypes = NoParams,
  Out extends OutTypes = Readonly<Record<never, never>>,
  Result extends ResultType | undefined = undefined,
> {
  /** Typed arrays that it reads: `{ values: 'f64' }`. */
  readonly columns: In
  /** Numbers: `{ alpha: 'f64' }`; i64 and u64 are bigint. */
  readonly params?: Params
  /** Typed arrays that it fills; run() gives them by these names. */
  readonly out?: Out & OutTypes<keyof In & string>
  /**
   * What it gives: a number's type, 'bool', 'void' or `{ column: 'f64' }`. Beside `out` it is what
   * run() gives as `result`. Default: what the function says, nothing beside `out`.
   */
  readonly result?: Result
  /** The function. Default: the only one that the file exports. */
  readonly name?: string
  /** 'equal' (default): columns of different lengths are KERNEL_INVALID. */
  readonly lengths?: ColumnLengths
  /**
   * Whether memory that the kernel lets go of is used again while it runs. Default false: it is
   * freed when the run ends, which is faster and enough unless a kernel allocates in its loops.
   */
  readonly collectGarbage?: boolean
}

const optionNames: readonly string[] = [
  'columns',
  'params',
  'out',
  'result',
  'name',
  'lengths',
  'collectGarbage',
] satisfies readonly (keyof LoadOptions)[]

/** The options with their defaults. */
export interface LoadedOptions {
  readonly columns: ColumnTypes
  readonly params: ColumnTypes
  readonly out: OutTypes
  readonly result: ResultType | undefined
  readonly name: string | undefined
  readonly lengths: ColumnLengths
  readonly collectGarbage: boolean
}

/** Throws KERNEL_INVALID for what the compiler refuses too; `kernel` is its name in errors. */
export function checkLoadOptions(kernel: string, given: object): LoadedOptions {
  const unknown = Object.keys(given).find((each) => !optionNames.includes(each))
  if (unknown !== undefined) {
    throw invalid(kernel, `there is no option ${unknown}: there are ${optionNames.join(', ')}`)
  }
  const { columns, params = {}, out = {}, result, name, ...rest } = given as Partial<LoadedOptions>
  const { lengths = 'equal', collectGarbage = false } = rest
  checkTypes(kernel, 'column', columns)
  checkTypes(kernel, 'parameter', params)
  checkTypes(kernel, 'out column', outTypes(out))
  const names = [...Object.keys(columns), ...Object.keys(params), ...Object.keys(out)]
  const twice = names.find((each, index) => names.indexOf(each) !== index)
  if (twice !== undefined) throw invalid(kernel, `${twice} is declared twice`)
  checkOut(kernel, columns, out)
  if (result !== undefined && !isResultType(result)) {
    const shown = JSON.stringify(result)
    const known = [...columnTypes, 'bool', 'void'].join(', ')
    throw invalid(kernel, `result cannot be ${shown}: there are ${known} and { column: type }`)
  }
  if (result !== undefined && result !== 'void' && Object.hasOwn(out, 'result')) {
    throw invalid(kernel, 'an out column is named result, as what the function gives would be')
  }
  if (lengths !== 'equal' && lengths !== 'any') {
    throw invalid(kernel, `lengths is 'equal' or 'any', not ${String(lengths)}`)
  }
  return { columns, params, out, result, name, lengths, collectGarbage }
}

function checkOut(kernel: string, columns: ColumnTypes, out: OutTypes): void {
  for (const [name, type] of Object.entries(out)) {
    if (typeof type === 'string') {
      if (Object.keys(columns).length > 0) continue
      throw invalid(kernel, `there is no column that says how long ${name} is: give its length`)
    }
    const { length } = type
    const isKnown = typeof length === 'number' ? isLength(length) : Object.hasOwn(columns, length)
    if (isKnown) continue
    const message = `the length of ${name} is a column or a number, not ${String(length)}`
    throw invalid(kernel, message)
  }
}

function isLength(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isResultType(value: ResultType): boolean {
  const type = typeof value === 'object' && value !== null ? value.column : value
  const isScalar = typeof value !== 'object' && (value === 'bool' || value === 'void')
  return isScalar || columnTypes.includes(type as ColumnType)
}

/** The types alone. */
function outTypes(out: OutTypes): ColumnTypes {
  const types = Object.entries(out).map(([name, type]) => {
    return [name, typeof type === 'object' && type !== null ? type.column : type]
  })
  return Object.fromEntries(types)
}

/** For the compiler. */
export function declaredFunction(options: LoadedOptions): DeclaredFunction {
  const { columns, params, out, result, name, collectGarbage } = options
  return { name, columns, params, out: outTypes(out), inferRest: false, result, collectGarbage }
}
