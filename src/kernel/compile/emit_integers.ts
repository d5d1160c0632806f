// Numbers that the inference found to be integers, as 32 or 64 bits. What it only assumed is
// checked here, and ends the run where it is wrong. Used by the other emit_*.ts.

import { emitBits } from './emit_bits.ts'
import { emitCondition } from './emit_conditions.ts'
import { emitAllocatedLength, emitLoad } from './emit_elements.ts'
import { emitIntegerMath } from './emit_math.ts'
import { emitStructure } from './emit_values.ts'
import { arrayPlace, type Emitter } from './emitter.ts'
import { productIsZero, quotientIsZero, quotientOf } from './infer_numbers.ts'
import type { Expression, ExpressionOf } from './ir.ts'
import { hasZero, INT32, isRange, isSmall, type Range } from './range.ts'
import type { WasmType } from './wasm_code.ts'

export type IntegerType = 'i32' | 'i64'

/**
 * 'any': where 0 and -0 make no difference. Integers have no -0; 'exact' checks that none is lost.
 */
export type ZeroMode = 'exact' | 'any'

export function rangeOf(node: Expression): Range {
  if (!isRange(node.known)) throw new Error(`${node.kind} is no integer`)
  return node.known
}

/** Leaves it in its own representation, which is the answer. */
export function emitInteger(e: Emitter, node: Expression, zero: ZeroMode): IntegerType {
  const range = rangeOf(node)
  const type = isSmall(range) ? 'i32' : 'i64'
  switch (node.kind) {
    case 'number':
      pushInteger(e, node.value, type)
      break
    case 'arithmetic':
      emitArithmetic(e, node, type, zero)
      break
    case 'negate':
      emitNegate(e, node, type, zero)
      break
    case 'bits':
      emitBits(e, node)
      if (type === 'i64') e.code.op('i64.extend_i32_u')
      break
    case 'complement':
      emitBits(e, node)
      break
    case 'toNumber':
      emitCondition(e, node.value)
      break
    case 'length':
      emitLength(e, node)
      break
    case 'load':
      emitLoad(e, node)
      break
    case 'math':
      emitIntegerMath(e, node, type, zero)
      break
    default:
      emitStructure(e, node, node, zero)
  }
  return type
}

export function pushInteger(e: Emitter, value: number, type: IntegerType): void {
  if (type === 'i32') e.code.i32(value)
  else e.code.i64(BigInt(value))
}

function emitLength(e: Emitter, { array }: ExpressionOf<'length'>): void {
  if (array.kind === 'get' || array.kind === 'data') arrayPlace(e, array).pushLength()
  else emitAllocatedLength(e, array)
}

export function emitIntegerAs(
  e: Emitter,
  node: Expression,
  type: IntegerType,
  zero: ZeroMode,
): void {
  convertInteger(e, emitInteger(e, node, zero), type)
}

/** From 64 to 32 bits keeps the low ones: the value where it is small. */
export function convertInteger(e: Emitter, from: WasmType, to: IntegerType): void {
  if (from === to) return
  e.code.op(to === 'i64' ? 'i64.extend_i32_s' : 'i32.wrap_i64')
}

/** Whether a 0 of emitInteger(…, 'any') can stand for -0. */
export function hidesZero(node: Expression): boolean {
  switch (node.kind) {
    case 'arithmetic':
      return hidesZeroOf(node)
    case 'negate':
      return hasZero(rangeOf(node.value))
    case 'choose':
      return hidesZero(node.yes) || hidesZero(node.no)
    case 'present':
      return hidesZero(node.left) || hidesZero(node.right)
    case 'sequence':
      return hidesZero(node.items[node.items.length - 1])
    case 'math':
      return mathHidesZero(node)
    default:
      return false
  }
}

function hidesZeroOf({ operator, left, right }: ExpressionOf<'arithmetic'>): boolean {
  switch (operator) {
    case '+':
      return hidesZero(left) && hidesZero(right)
    case '-':
      return hidesZero(left) && hasZero(rangeOf(right))
    case '/':
      return (hasZero(rangeOf(left)) && rangeOf(right).lo < 0) || hidesZero(left)
    case '*':
      return productIsZero(rangeOf(left), rangeOf(right)) || hidesZero(left) || hidesZero(right)
    default:
      return rangeOf(left).lo < 0 || hidesZero(left)
  }
}

function mathHidesZero(node: ExpressionOf<'math'>): boolean {
  const division = quotientOf(node)
  if (division !== undefined)
    return (
      quotientIsZero(node.name, rangeOf(division.left), rangeOf(division.right)) ||
      hidesZero(division.left)
    )
  if (/^(floor|ceil|round|trunc)$/.test(node.name) && !isRange(node.values[0].known)) return true
  return /^(floor|ceil|round|trunc|min|max|sign)$/.test(node.name) && node.values.some(hidesZero)
}

function emitArithmetic(
  e: Emitter,
  node: ExpressionOf<'arithmetic'>,
  type: IntegerType,
  zero: ZeroMode,
): void {
  const { operator, left, right } = node
  switch (operator) {
    case '+': {
      // Only -0 + -0 is -0: one exact side is enough.
      const leftMode = zero === 'exact' && hidesZero(left) && hidesZero(right) ? 'exact' : 'any'
      emitSum(e, node, type, leftMode)
      return
    }
    case '-':
      emitSum(e, node, type, zero === 'exact' && hidesZero(node) ? 'exact' : 'any')
      return
    case '*':
      emitProduct(e, node, type, zero)
      return
    case '/':
      emitExactQuotient(e, node, type, zero)
      return
    default:
      emitRemainder(e, node, type, zero, left, right)
      return
  }
}

/** Both operands in the width of the operation, which may be more than that of its result. */
function widthOf(node: ExpressionOf<'arithmetic'>, type: IntegerType): IntegerType {
  return type === 'i32' && isSmall(rangeOf(node.left)) && isSmall(rangeOf(node.right))
    ? 'i32'
    : 'i64'
}

function emitSum(
  e: Emitter,
  node: ExpressionOf<'arithmetic'>,
  type: IntegerType,
  leftMode: ZeroMode,
): void {
  const { operator, left, right } = node
  const width = widthOf(node, type)
  emitIntegerAs(e, left, width, leftMode)
  if (!(right.kind === 'number' && right.value === 0)) {
    emitIntegerAs(e, right, width, 'any')
    e.code.op(`${width}.${operator === '+' ? 'add' : 'sub'}`)
  }
  convertInteger(e, width, type)
}

function emitProduct(
  e: Emitter,
  node: ExpressionOf<'arithmetic'>,
  type: IntegerType,
  zero: ZeroMode,
): void {
  const { left, right, place } = node
  const width = widthOf(node, type)
  const isChecked = zero === 'exact' && productIsZero(rangeOf(left), rangeOf(right))
  emitIntegerAs(e, left, width, zero)
  const a = isChecked ? e.keep(width) : 0
  emitIntegerAs(e, right, width, zero)
  const b = isChecked ? e.keep(width) : 0
  e.code.op(`${width}.mul`)
  if (isChecked) {
    const product = e.keep(width)
    e.code.get(product).op(`${width}.eqz`)
    e.code.get(a).get(b).op(`${width}.or`)
    pushInteger(e, 0, width)
    e.code.op(`${width}.lt_s`, 'i32.and')
    e.refuteIf('zero', place)
  }
  convertInteger(e, width, type)
}

function emitRemainder(
  e: Emitter,
  node: ExpressionOf<'arithmetic'>,
  type: IntegerType,
  zero: ZeroMode,
  left: Expression,
  right: Expression,
): void {
  const width = isSmall(rangeOf(left)) && isSmall(rangeOf(right)) ? 'i32' : 'i64'
  emitIntegerAs(e, left, width, zero)
  if (rangeOf(left).lo >= 0 && right.kind === 'number' && isPowerOfTwo(right.value)) {
    pushInteger(e, right.value - 1, width)
    e.code.op(`${width}.and`)
    convertInteger(e, width, type)
    return
  }
  const isChecked = zero === 'exact' && rangeOf(left).lo < 0
  const dividend = isChecked ? e.keep(width) : 0
  emitDivisor(e, right, width, node)
  e.code.op(`${width}.rem_s`)
  if (isChecked) {
    const remainder = e.keep(width)
    e.code.get(remainder).op(`${width}.eqz`).get(dividend)
    pushInteger(e, 0, width)
    e.code.op(`${width}.lt_s`, 'i32.and')
    e.refuteIf('zero', node.place)
  }
  convertInteger(e, width, type)
}

/** A division that is taken to leave nothing. */
function emitExactQuotient(
  e: Emitter,
  node: ExpressionOf<'arithmetic'>,
  type: IntegerType,
  zero: ZeroMode,
): void {
  const { left, right, place } = node
  const a = rangeOf(left)
  const b = rangeOf(right)
  // The smallest int32 by -1 is none.
  const isNarrow = isSmall(a) && isSmall(b) && (a.lo > INT32.lo || b.lo >= 0)
  const width = isNarrow && type === 'i32' ? 'i32' : 'i64'
  emitIntegerAs(e, left, width, zero)
  const dividend = e.keep(width)
  const power = right.kind === 'number' ? Math.log2(right.value) : Number.NaN
  if (Number.isInteger(power) && power >= 0 && power < 31) {
    pushInteger(e, 2 ** power - 1, width)
    e.code.op(`${width}.and`)
    pushInteger(e, 0, width)
    e.code.op(`${width}.ne`)
    e.refuteIf('whole', place)
    e.code.get(dividend)
    pushInteger(e, power, width)
    e.code.op(`${width}.shr_s`)
  } else {
    emitDivisor(e, right, width, node)
    const divisor = e.keep(width)
    e.code.op(`${width}.div_s`)
    const quotient = e.keep(width)
    e.code.get(divisor).op(`${width}.mul`).get(dividend).op(`${width}.ne`)
    e.refuteIf('whole', place)
    if (zero === 'exact' && hasZero(a) && b.lo < 0) {
      e.code.get(dividend).op(`${width}.eqz`).get(divisor)
      pushInteger(e, 0, width)
      e.code.op(`${width}.lt_s`, 'i32.and')
      e.refuteIf('zero', place)
    }
    e.code.get(quotient)
  }
  convertInteger(e, width, type)
}

/** Not by Math.log2, which rounds what is just beside one. */
function isPowerOfTwo(value: number): boolean {
  return value >= 1 && 2 ** Math.round(Math.log2(value)) === value
}

/** Of a remainder or quotient: ends the run where it is 0. */
export function emitDivisor(
  e: Emitter,
  divisor: Expression,
  width: IntegerType,
  { place }: Expression,
): void {
  emitIntegerAs(e, divisor, width, 'any')
  if (!hasZero(rangeOf(divisor))) return
  const local = e.keep(width)
  e.code.get(local).op(`${width}.eqz`)
  e.refuteIf('divisor', place)
}

function emitNegate(
  e: Emitter,
  { value, place }: ExpressionOf<'negate'>,
  type: IntegerType,
  zero: ZeroMode,
): void {
  const width = type === 'i32' && isSmall(rangeOf(value)) ? 'i32' : 'i64'
  const isChecked = zero === 'exact' && hasZero(rangeOf(value))
  pushInteger(e, 0, width)
  emitIntegerAs(e, value, width, 'any')
  if (isChecked) {
    const local = e.keep(width)
    e.code.get(local).op(`${width}.eqz`)
    e.refuteIf('zero', place)
  }
  e.code.op(`${width}.sub`)
  convertInteger(e, width, type)
}

/** Whether the integer in the local is outside of the range. */
export function pushIsOutside(e: Emitter, local: number, type: IntegerType, range: Range): void {
  if (type === 'i64' && range.lo === INT32.lo && range.hi === INT32.hi) {
    e.code.get(local).op('i64.extend32_s').get(local).op('i64.ne')
    return
  }
  e.code.get(local)
  if (range.lo !== 0) {
    pushInteger(e, range.lo, type)
    e.code.op(`${type}.sub`)
  }
  // As unsigned numbers, what is below the range is above it too.
  pushInteger(e, range.hi - range.lo, type)
  e.code.op(`${type}.gt_u`)
}
