// Holds what a kernel is given against what it declares. Called by kernels before they run.
import { EuphorionError } from '../../errors.ts'
import {
  type ColumnArray,
  type ColumnType,
  type ColumnTypes,
  type ColumnValue,
  columnConstructor,
  columnTypeOf,
  columnTypes,
} from './column_types.ts'

export type Columns = Readonly<Record<string, ColumnArray>>
export type Params = Readonly<Record<string, number | bigint>>

/** `equal`: all columns have the same number of values. */
export type ColumnLengths = 'equal' | 'any'

/** Throws KERNEL_INVALID unless every name has a known type. `what`: 'column', 'parameter'. */
export function checkTypes(
  kernel: string,
  what: string,
  types: unknown,
): asserts types is ColumnTypes {
  if (typeof types !== 'object' || types === null)
    throw invalid(kernel, `its ${what}s are { name: type }, not ${typeName(types)}`)
  for (const [name, type] of Object.entries(types)) {
    if (columnTypes.includes(type)) continue
    const known = columnTypes.join(', ')
    throw invalid(kernel, `${what} ${name} cannot be of type ${String(type)}: there are ${known}`)
  }
}

/**
 * Throws KERNEL_INVALID, naming the column, unless the columns are those that are declared. Gives
 * them in the order of the declaration.
 */
export function checkColumns(
  kernel: string,
  types: ColumnTypes,
  given: unknown,
  lengths: ColumnLengths = 'equal',
): Columns {
  const columns = fieldsOf(kernel, 'column', types, given)
  let first: string | undefined
  const checked: Record<string, ColumnArray> = {}
  for (const [name, type] of Object.entries(types)) {
    const column = columns[name]
    if (columnTypeOf(column) !== type) {
      const wanted = `declared ${type}, so it is a ${columnConstructor(type).name}`
      throw invalid(kernel, `column ${name} is ${wanted}, not ${typeName(column)}`)
    }
    const array = column as ColumnArray
    checked[name] = array
    first ??= name
    if (lengths === 'equal' && array.length !== checked[first].length) {
      const values = `column ${name} has ${array.length} values`
      throw invalid(kernel, `${values}, column ${first} has ${checked[first].length}`)
    }
  }
  return checked
}

/** As checkColumns, for parameters: each a number that its type can hold. */
export function checkParams(kernel: string, types: ColumnTypes, given: unknown = {}): Params {
  const params = fieldsOf(kernel, 'parameter', types, given)
  const checked: Record<string, number | bigint> = {}
  for (const [name, type] of Object.entries(types)) {
    const value = params[name]
    if (!holds(type, value)) {
      const shown = typeof value === 'number' || typeof value === 'bigint' ? value : typeName(value)
      throw invalid(kernel, `parameter ${name} is declared ${type}, which cannot be ${shown}`)
    }
    checked[name] = value
  }
  return checked
}

/** Can a column of that type hold the value as it is (f32 rounds)? */
function holds<T extends ColumnType>(type: T, value: unknown): value is ColumnValue<T> {
  if (type === 'f64' || type === 'f32') return typeof value === 'number'
  const bits = Number(type.slice(1))
  if (bits === 64) {
    if (typeof value !== 'bigint') return false
    return (type === 'i64' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) === value
  }
  const min = type.startsWith('i') ? -(2 ** (bits - 1)) : 0
  return Number.isInteger(value) && Number(value) >= min && Number(value) < min + 2 ** bits
}

/** The object, if it has all the declared names and no others. */
function fieldsOf(
  kernel: string,
  what: string,
  types: ColumnTypes,
  given: unknown,
): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || ArrayBuffer.isView(given))
    throw invalid(kernel, `it is given ${what}s as { name: … }, not as ${typeName(given)}`)
  const fields = given as Readonly<Record<string, unknown>>
  const names = Object.keys(types)
  const missing = names.find((name) => fields[name] === undefined)
  if (missing !== undefined) throw invalid(kernel, `${what} ${missing} is missing`)
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(types, name))
  if (unknown !== undefined) {
    const known = names.length === 0 ? `it takes no ${what}s` : `it takes ${names.join(', ')}`
    throw invalid(kernel, `there is no ${what} ${unknown}: ${known}`)
  }
  return fields
}

/** KERNEL_INVALID of that kernel. */
export function invalid(kernel: string, message: string): EuphorionError {
  return new EuphorionError('KERNEL_INVALID', `kernel ${kernel}: ${message}`)
}

/** For messages: `Float32Array`, `a string`, `undefined`. */
export function typeName(value: unknown): string {
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object'
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}
