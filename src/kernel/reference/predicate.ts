// Turns the predicate of `where` into a function of a record's columns, for the reference lane.
import type { Predicate } from '../plan.ts'
import type { ColumnValue } from './accumulate.ts'

export type Test = (values: readonly ColumnValue[]) => boolean

/** Comparisons with null are false, `ne` too. */
export function predicateTest(predicate: Predicate): Test {
  switch (predicate.op) {
    case 'and': {
      const tests = predicate.of.map(predicateTest)
      return (values) => tests.every((test) => test(values))
    }
    case 'or': {
      const tests = predicate.of.map(predicateTest)
      return (values) => tests.some((test) => test(values))
    }
    case 'not': {
      const test = predicateTest(predicate.of)
      return (values) => !test(values)
    }
    case 'present':
      return (values) => values[predicate.column] !== null
    default:
      return comparison(predicate.op, predicate.column, predicate.value)
  }
}

function comparison(
  op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge',
  column: number,
  limit: string | number | bigint | boolean,
): Test {
  const of = (holds: (value: string | number | bigint | boolean) => boolean): Test => {
    return (values) => {
      const value = values[column]
      return value !== null && holds(value)
    }
  }
  switch (op) {
    case 'eq':
      return of((value) => value === limit)
    case 'ne':
      return of((value) => value !== limit)
    case 'lt':
      return of((value) => value < limit)
    case 'le':
      return of((value) => value <= limit)
    case 'gt':
      return of((value) => value > limit)
    case 'ge':
      return of((value) => value >= limit)
  }
}
