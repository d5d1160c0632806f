// What the bit operators see of a number: its lowest 32 bits (ToInt32), and the operators
// themselves. Used by the other emit_*.ts.
import { emitCondition } from './emit_conditions.ts'
import { emitLoadBits } from './emit_elements.ts'
import { emitFloat } from './emit_floats.ts'
import { emitDivisor, emitInteger, emitIntegerAs } from './emit_integers.ts'
import type { Emitter } from './emitter.ts'
import type { BitOperator, Expression, ExpressionOf } from './ir.ts'
import { hasZero, isRange, isSafe, isSmall } from './range.ts'
import type { Opcode } from './wasm_code.ts'

const operators: Readonly<Record<BitOperator, Opcode>> = {
  '&': 'i32.and',
  '|': 'i32.or',
  '^': 'i32.xor',
  '<<': 'i32.shl',
  '>>': 'i32.shr_s',
  '>>>': 'i32.shr_u',
}

/** Above it every float64 is a multiple of 2^11 or more, and the helper takes the bits apart. */
const TRUNCATED_DIRECTLY = 2 ** 63

/** Leaves 32 bits of it. */
export function emitBits(e: Emitter, node: Expression): void {
  switch (node.kind) {
    case 'bits':
      emitOperator(e, node)
      return
    case 'complement':
      emitBits(e, node.value)
      e.code.i32(-1).op('i32.xor')
      return
    case 'toNumber':
      emitCondition(e, node.value)
      return
    case 'number':
      e.code.i32(node.value | 0)
      return
    case 'load':
      if (isRange(node.known)) {
        emitLoadBits(e, node)
        return
      }
      emitFloatBits(e, node)
      return
    case 'arithmetic':
      emitArithmeticBits(e, node)
      return
    default:
      emitOtherBits(e, node)
      return
  }
}

function emitOtherBits(e: Emitter, node: Expression): void {
  if (!isRange(node.known) || !isSafe(node.known)) {
    emitFloatBits(e, node)
    return
  }
  if (emitInteger(e, node, 'any') === 'i64') e.code.op('i32.wrap_i64')
}

function emitOperator(e: Emitter, { operator, left, right }: ExpressionOf<'bits'>): void {
  emitBits(e, left)
  // x | 0, x >>> 0 and the like only say what the value is.
  if (right.kind === 'number' && right.value === 0 && operator !== '&') return
  emitBits(e, right)
  e.code.op(operators[operator])
}

/** The low bits of sums and products are those of the low bits, as long as nothing was rounded. */
function emitArithmeticBits(e: Emitter, node: ExpressionOf<'arithmetic'>): void {
  const { operator, left, right } = node
  const opcode = ({ '+': 'i32.add', '-': 'i32.sub', '*': 'i32.mul' } as const)[operator as '+']
  const isExact = [node, left, right].every(({ known }) => isRange(known) && isSafe(known))
  if (opcode !== undefined && isExact) {
    emitExactBits(e, left)
    emitExactBits(e, right)
    e.code.op(opcode)
  } else if (operator === '/' && isSafeInteger(left) && isSafeInteger(right))
    emitQuotientBits(e, node)
  else emitOtherBits(e, node)
}

/** Of an operand: a quotient must not lose its fraction before it is added to something. */
function emitExactBits(e: Emitter, node: Expression): void {
  if (node.kind === 'arithmetic' && node.operator === '/') emitIntegerAs(e, node, 'i32', 'any')
  else emitBits(e, node)
}

function isSafeInteger({ known }: Expression): boolean {
  return isRange(known) && isSafe(known)
}

/** `(a / b) | 0`: in 64 bits, where the smallest int32 by -1 does not overflow; 0 where b is 0. */
function emitQuotientBits(e: Emitter, node: ExpressionOf<'arithmetic'>): void {
  const { left, right } = node
  if (isRange(right.known) && !hasZero(right.known)) {
    const isNatural = isRange(left.known) && isSmall(left.known) && left.known.lo >= 0
    const width = isNatural && isSmall(right.known) ? 'i32' : 'i64'
    emitIntegerAs(e, left, width, 'any')
    emitDivisor(e, right, width, node)
    e.code.op(`${width}.div_s`)
    if (width === 'i64') e.code.op('i32.wrap_i64')
    return
  }
  emitIntegerAs(e, left, 'i64', 'any')
  const dividend = e.local('i64')
  e.code.set(dividend)
  emitIntegerAs(e, right, 'i64', 'any')
  const divisor = e.keep('i64')
  e.code.op('i64.eqz').open('if', 'i32').i32(0).op('else')
  e.code.get(dividend).get(divisor).op('i64.div_s', 'i32.wrap_i64').close()
}

function emitFloatBits(e: Emitter, node: Expression): void {
  emitFloat(e, node)
  emitToInt32(e)
}

/** From the float64 on the stack. */
export function emitToInt32(e: Emitter): void {
  const value = e.keep('f64')
  e.code.op('f64.abs').f64(TRUNCATED_DIRECTLY).op('f64.lt').open('if', 'i32')
  e.code.get(value).op('i64.trunc_f64_s', 'i32.wrap_i64', 'else')
  e.code.get(value).call(e.module.helpers.toInt32).close()
}
