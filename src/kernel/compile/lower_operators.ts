// Operators over lowered operands: conversions between numbers and booleans, and constants folded
// as JavaScript itself computes them. Called by the other lower_*.ts.
import {
  type ArithmeticOperator,
  type BitOperator,
  type CompareOperator,
  type Expression,
  expression,
  numberLiteral,
} from './ir.ts'
import { type Place, refuse } from './syntax.ts'
import type { ResultType, ValueType } from './types.ts'

const arithmeticOf: Readonly<Record<ArithmeticOperator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
}

const bitsOf: Readonly<Record<BitOperator, (a: number, b: number) => number>> = {
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
  '>>>': (a, b) => a >>> b,
}

export function isArithmetic(operator: string): operator is ArithmeticOperator {
  return operator in arithmeticOf
}

export function isBits(operator: string): operator is BitOperator {
  return operator in bitsOf
}

/** Of a typed array, a list or nothing: how a message names what stands there. */
export function nameOfType(type: ResultType): string {
  if (type === 'void') return 'nothing'
  return type === 'number' || type === 'boolean'
    ? `a ${type}`
    : `${/^[AEIOU]/.test(type) ? 'an' : 'a'} ${type}`
}

export function toNumber(value: Expression): Expression {
  if (value.type === 'number') return value
  if (value.kind === 'boolean') return numberLiteral(value.value ? 1 : 0, value.place)
  if (value.type === 'boolean') return expression('toNumber', 'number', value.place, { value })
  refuse(value.place, `this is ${nameOfType(value.type)} where a number is needed`)
}

export function toCondition(value: Expression): Expression {
  if (value.type === 'boolean') return value
  if (value.kind === 'number') return booleanLiteral(Boolean(value.value), value.place)
  if (value.type === 'number') return expression('truthy', 'boolean', value.place, { value })
  refuse(value.place, `this is ${nameOfType(value.type)} where a condition is needed`)
}

/** What may be assigned: TypeScript has checked it, but for casts. */
export function assignable(value: Expression, type: ValueType): Expression {
  if (value.type === type) return value
  refuse(value.place, `this is ${nameOfType(value.type)} where ${nameOfType(type)} is needed`)
}

/** The type of a value that a variable is made for. */
export function joinable(value: Expression): ValueType {
  if (value.type !== 'void') return value.type
  refuse(value.place, `this is ${nameOfType('void')} where a value is needed`)
}

export function booleanLiteral(value: boolean, place: Place): Expression {
  return expression('boolean', 'boolean', place, { value })
}

export function arithmetic(
  operator: ArithmeticOperator,
  leftValue: Expression,
  rightValue: Expression,
  place: Place,
): Expression {
  const left = toNumber(leftValue)
  const right = toNumber(rightValue)
  if (left.kind === 'number' && right.kind === 'number')
    return numberLiteral(arithmeticOf[operator](left.value, right.value), place)
  return expression('arithmetic', 'number', place, { operator, left, right })
}

function bits(
  operator: BitOperator,
  leftValue: Expression,
  rightValue: Expression,
  place: Place,
): Expression {
  const left = toNumber(leftValue)
  const right = toNumber(rightValue)
  if (left.kind === 'number' && right.kind === 'number')
    return numberLiteral(bitsOf[operator](left.value, right.value), place)
  return expression('bits', 'number', place, { operator, left, right })
}

export function binary(
  operator: ArithmeticOperator | BitOperator,
  left: Expression,
  right: Expression,
  place: Place,
): Expression {
  return isArithmetic(operator)
    ? arithmetic(operator, left, right, place)
    : bits(operator, left, right, place)
}

export function negate(operand: Expression, place: Place): Expression {
  const value = toNumber(operand)
  if (value.kind === 'number') return numberLiteral(-value.value, place)
  return expression('negate', 'number', place, { value })
}

export function complement(operand: Expression, place: Place): Expression {
  const value = toNumber(operand)
  if (value.kind === 'number') return numberLiteral(~value.value, place)
  return expression('complement', 'number', place, { value })
}

export function not(operand: Expression, place: Place): Expression {
  const value = toCondition(operand)
  if (value.kind === 'boolean') return booleanLiteral(!value.value, place)
  return expression('not', 'boolean', place, { value })
}

const comparisons: Readonly<Record<string, CompareOperator>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '==': '==',
  '===': '==',
  '!=': '!=',
  '!==': '!=',
}

export function isComparison(operator: string): boolean {
  return operator in comparisons
}

export function compare(
  written: string,
  left: Expression,
  right: Expression,
  place: Place,
): Expression {
  const operator = comparisons[written]
  const isEquality = operator === '==' || operator === '!='
  if (isEquality && left.type === 'boolean' && right.type === 'boolean')
    return expression('compare', 'boolean', place, { operator, left, right })
  if (isEquality && written.length === 3 && left.type !== right.type)
    refuse(place, `${written} compares ${nameOfType(left.type)} with ${nameOfType(right.type)}`)
  if (isEquality && left.kind === 'undefined') return isUndefined(operator, right, place)
  if (isEquality && right.kind === 'undefined') return isUndefined(operator, left, place)
  return expression('compare', 'boolean', place, {
    operator,
    left: toNumber(left),
    right: toNumber(right),
  })
}

function isUndefined(operator: CompareOperator, value: Expression, place: Place): Expression {
  const test = expression('isUndefined', 'boolean', place, { value: toNumber(value) })
  return operator === '==' ? test : not(test, place)
}
