// Booleans and conditions, as 0 or 1. Used by the other emit_*.ts.

import { emitElement } from './emit_elements.ts'
import { emitFloat, emitRawFloat } from './emit_floats.ts'
import { emitIntegerAs, rangeOf } from './emit_integers.ts'
import { emitTest } from './emit_math.ts'
import { emitStructure } from './emit_values.ts'
import { type Emitter, UNDEFINED_BITS } from './emitter.ts'
import type { CompareOperator, Expression, ExpressionOf } from './ir.ts'
import { isRange, isSafe, isSmall } from './range.ts'

export function emitCondition(e: Emitter, node: Expression): void {
  switch (node.kind) {
    case 'boolean':
      e.code.i32(node.value ? 1 : 0)
      return
    case 'not':
      emitCondition(e, node.value)
      e.code.op('i32.eqz')
      return
    case 'compare':
      emitCompare(e, node)
      return
    case 'both':
      emitCondition(e, node.left)
      e.code.open('if', 'i32')
      emitCondition(e, node.right)
      e.code.op('else').i32(0).close()
      return
    case 'either':
      emitCondition(e, node.left)
      e.code.open('if', 'i32').i32(1).op('else')
      emitCondition(e, node.right)
      e.code.close()
      return
    case 'truthy':
      emitTruthy(e, node.value)
      return
    case 'isUndefined':
      emitIsUndefined(e, node.value)
      return
    case 'math':
      emitTest(e, node)
      return
    default:
      emitStructure(e, node, node, 'exact')
      return
  }
}

const integerOpcodes = {
  '<': 'lt_s',
  '<=': 'le_s',
  '>': 'gt_s',
  '>=': 'ge_s',
  '==': 'eq',
  '!=': 'ne',
} as const
const floatOpcodes = {
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
  '==': 'eq',
  '!=': 'ne',
} as const

function emitCompare(e: Emitter, node: ExpressionOf<'compare'>): void {
  const { operator, left, right } = node
  if (left.type === 'boolean') {
    emitCondition(e, left)
    emitCondition(e, right)
    e.code.op(`i32.${integerOpcodes[operator]}` as 'i32.eq')
  } else if (isComparedAsInteger(left) && isComparedAsInteger(right)) {
    const type = isSmall(rangeOf(left)) && isSmall(rangeOf(right)) ? 'i32' : 'i64'
    emitIntegerAs(e, left, type, 'any')
    emitIntegerAs(e, right, type, 'any')
    e.code.op(`${type}.${integerOpcodes[operator]}`)
  } else if (left.undefinable && right.undefinable && /^[=!]=$/.test(operator)) {
    emitSameUndefined(e, operator, left, right)
  } else {
    emitFloat(e, left)
    emitFloat(e, right)
    e.code.op(`f64.${floatOpcodes[operator]}`)
  }
}

/** A sum too wide to be exact is compared as JavaScript rounds it. */
function isComparedAsInteger({ known }: Expression): boolean {
  return isRange(known) && isSafe(known)
}

/** undefined equals undefined, and NaN does not equal NaN. */
function emitSameUndefined(
  e: Emitter,
  operator: CompareOperator,
  left: Expression,
  right: Expression,
): void {
  emitRawFloat(e, left)
  const a = e.local('f64')
  e.code.set(a)
  emitRawFloat(e, right)
  const b = e.local('f64')
  e.code.set(b)
  e.code.get(a).get(b).op('f64.eq')
  pushIsUndefined(e, a)
  pushIsUndefined(e, b)
  e.code.op('i32.and', 'i32.or')
  if (operator === '!=') e.code.op('i32.eqz')
}

export function pushIsUndefined(e: Emitter, local: number): void {
  e.code.get(local).op('i64.reinterpret_f64').i64(UNDEFINED_BITS).op('i64.eq')
}

function emitIsUndefined(e: Emitter, value: Expression): void {
  if (value.kind === 'load') {
    const element = emitElement(e, value.array, value.index, value.inBounds)
    if (element.pushIsOutside === undefined) e.code.i32(0)
    else element.pushIsOutside()
  } else if (value.undefinable) {
    emitRawFloat(e, value)
    e.code.op('i64.reinterpret_f64').i64(UNDEFINED_BITS).op('i64.eq')
  } else {
    emitFloat(e, value)
    e.code.op('drop').i32(0)
  }
}

function emitTruthy(e: Emitter, value: Expression): void {
  if (isComparedAsInteger(value)) {
    const type = isSmall(rangeOf(value)) ? 'i32' : 'i64'
    emitIntegerAs(e, value, type, 'any')
    if (type === 'i32') e.code.i32(0).op('i32.ne')
    else e.code.i64(0).op('i64.ne')
    return
  }
  emitFloat(e, value)
  e.code.op('f64.abs').f64(0).op('f64.gt')
}
