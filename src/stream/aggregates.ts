// What can be computed for each key and window: the values of the object that the function given to
// `aggregate` returns.
import { EuphorionError } from '../errors.ts'
import type { AggregateFunction } from '../kernel/plan.ts'
import { type AnyColumn, type ColumnRef, checkColumn, type NumericType } from './columns.ts'

/** Names a phantom property: it exists for the compiler only. */
declare const result: unique symbol

/** One aggregate; `Result` is the type of its field in the rows of results. */
export interface Aggregate<Result> {
  readonly fn: AggregateFunction
  /** Undefined for count. */
  readonly column: AnyColumn | undefined
  readonly [result]: Result
}

export type AggregateMap = Readonly<Record<string, Aggregate<unknown>>>

/** The fields of a row of results. */
export type Results<Out extends AggregateMap> = {
  -readonly [Name in keyof Out]: Out[Name][typeof result]
}

type NumberOf<Type extends NumericType> = Type extends 'int64' ? bigint : number

function aggregate<Result>(
  fn: AggregateFunction,
  column: AnyColumn | undefined,
): Aggregate<Result> {
  if (fn !== 'count' && ['string', 'boolean'].includes(checkColumn(column, fn).type))
    throw new EuphorionError(
      'APP_INVALID',
      `${fn}: ${column?.path.join('.')} is of type ${column?.type}, not a number`,
    )
  return { fn, column } as Aggregate<Result>
}

/** How many records there were. */
export const count = () => aggregate<number>('count', undefined)

/**
 * The sum of a field, 0 while there is no value: a bigint for int64, else a number. Sums of
 * integers are exact inside (a number above 2^53 is rounded when it is read), sums of floats within
 * 1 ulp.
 */
export const sum = <Type extends NumericType>(column: ColumnRef<Type>) =>
  aggregate<NumberOf<Type>>('sum', column)

/** The least value of a field: a bigint for int64, else a number; null while there is none. */
export const min = <Type extends NumericType>(column: ColumnRef<Type>) =>
  aggregate<NumberOf<Type> | null>('min', column)

/** The greatest value of a field: a bigint for int64, else a number; null while there is none. */
export const max = <Type extends NumericType>(column: ColumnRef<Type>) =>
  aggregate<NumberOf<Type> | null>('max', column)

/** The arithmetic mean of a field as a number; null while there is no value. */
export const mean = <Type extends NumericType>(column: ColumnRef<Type>) =>
  aggregate<number | null>('mean', column)
