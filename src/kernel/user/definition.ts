// A JavaScript kernel as it is declared, and one run of it. Called by defineKernel on the calling
// thread and by module_job.ts in a thread of the pool.
import { EuphorionError } from '../../errors.ts'
import {
  type ColumnLengths,
  type Columns,
  checkTypes,
  invalid,
  type Params,
  typeName,
} from './check_columns.ts'
import {
  type ColumnArray,
  type ColumnType,
  type ColumnTypes,
  columnConstructor,
  columnTypeOf,
  columnTypes,
} from './column_types.ts'

/** One result of a kernel: a column by its type, or one number. */
export type ResultType = ColumnType | 'number' | 'bigint'

/** What a kernel gives: one result, or several by their names. */
export type ResultTypes = ResultType | Readonly<Record<string, ResultType>>

/** What a kernel can give. */
export type KernelResult =
  | number
  | bigint
  | ColumnArray
  | { readonly [name: string]: number | bigint | ColumnArray }

type ResultOfOne<T> = T extends 'number'
  ? number
  : T extends 'bigint'
    ? bigint
    : T extends ColumnType
      ? ColumnArray<T>
      : never

/** `ResultOf<{ mean: 'number' }>` is `{ readonly mean: number }`. */
export type ResultOf<R extends ResultTypes> = R extends ResultType
  ? ResultOfOne<R>
  : { readonly [Name in keyof R]: ResultOfOne<R[Name]> }

/** A definition with its types left out. */
export interface Definition {
  readonly name: string
  readonly columns: ColumnTypes
  readonly params: ColumnTypes
  readonly results: ResultTypes | undefined
  readonly lengths: ColumnLengths
  readonly module: string | undefined
  readonly run: (columns: Columns, params: Params) => unknown
}

const NAME_CHARACTERS_MAX = 200

/** Under it a kernel has its definition, also one of another copy of the package. */
export const kernelMark = Symbol.for('euphorion.kernel')

/** Throws KERNEL_INVALID for what the compiler refuses too. */
export function checkDefinition(definition: Definition): void {
  const { name, columns, params, results, lengths, module, run } = definition
  if (typeof name !== 'string' || name.trim() === '' || name.length > NAME_CHARACTERS_MAX)
    throw invalid(String(name), `a name has 1 to ${NAME_CHARACTERS_MAX} characters`)
  checkTypes(name, 'column', columns)
  checkTypes(name, 'parameter', params)
  if (results !== undefined) checkResultTypes(name, results)
  if (lengths !== 'equal' && lengths !== 'any')
    throw invalid(name, `lengths is 'equal' or 'any', not ${String(lengths)}`)
  if (module !== undefined && !URL.canParse(module))
    throw invalid(name, `module is import.meta.url, not ${String(module)}`)
  if (typeof run !== 'function')
    throw invalid(name, 'run is a function (columns, params) => result')
}

function checkResultTypes(kernel: string, results: ResultTypes): void {
  const known: readonly string[] = [...columnTypes, 'number', 'bigint']
  const types = typeof results === 'string' ? { it: results } : results
  for (const [name, type] of Object.entries(types)) {
    if (!known.includes(type))
      throw invalid(
        kernel,
        `result ${name} cannot be of type ${type}: there are ${known.join(', ')}`,
      )
  }
}

/**
 * Runs it where it is called. Columns and parameters are checked already. Rejects with
 * KERNEL_FAILED and the error as its cause; coded errors stay what they are.
 */
export async function runDefinition(
  definition: Definition,
  columns: Columns,
  params: Params,
): Promise<KernelResult> {
  let result: unknown
  try {
    result = await definition.run(columns, params)
  } catch (cause) {
    if (cause instanceof EuphorionError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new EuphorionError('KERNEL_FAILED', `kernel ${definition.name} failed: ${message}`, {
      cause,
    })
  }
  checkResult(definition, result)
  return result
}

function checkResult(
  { name, results }: Definition,
  result: unknown,
): asserts result is KernelResult {
  const isOne = isValue(result)
  if (results === undefined) {
    const values = isOne ? [] : Object.entries(recordOf(name, result))
    const wrong = values.find(([, value]) => !isValue(value))
    if (wrong !== undefined)
      throw invalid(name, `result ${wrong[0]} is ${typeName(wrong[1])}, no number and no column`)
    return
  }
  if (typeof results === 'string') {
    if (!isOfType(results, result)) throw wrongResult(name, 'result', results, result)
    return
  }
  const values = isOne ? {} : recordOf(name, result)
  for (const [each, type] of Object.entries(results)) {
    if (!isOfType(type, values[each])) throw wrongResult(name, `result ${each}`, type, values[each])
  }
  const unknown = Object.keys(values).find((each) => !Object.hasOwn(results, each))
  if (unknown !== undefined) throw invalid(name, `result ${unknown} is not declared`)
}

function recordOf(kernel: string, result: unknown): Readonly<Record<string, unknown>> {
  const isPlain = typeof result === 'object' && result !== null && !(Symbol.iterator in result)
  if (isPlain) return result as Readonly<Record<string, unknown>>
  throw invalid(kernel, `it gave ${typeName(result)}, no number, no column and no object of them`)
}

function isValue(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || columnTypeOf(value) !== undefined
}

function isOfType(type: ResultType, value: unknown): boolean {
  return type === 'number' || type === 'bigint'
    ? typeof value === type
    : columnTypeOf(value) === type
}

function wrongResult(
  kernel: string,
  what: string,
  type: ResultType,
  value: unknown,
): EuphorionError {
  const isNumber = type === 'number' || type === 'bigint'
  const wanted = isNumber ? `a ${type}` : `${type}, a ${columnConstructor(type).name}`
  return invalid(kernel, `${what} is declared ${wanted}; it gave ${typeName(value)}`)
}
