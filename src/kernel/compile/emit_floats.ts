// Numbers as float64. Used by the other emit_*.ts.
import { emitBits } from './emit_bits.ts'
import { emitLoad } from './emit_elements.ts'
import { emitInteger, hidesZero } from './emit_integers.ts'
import { emitFloatMath } from './emit_math.ts'
import { emitStructure } from './emit_values.ts'
import { type Emitter, UNDEFINED_BITS } from './emitter.ts'
import { quotientOf } from './infer_numbers.ts'
import type { Expression, ExpressionOf } from './ir.ts'
import { isRange, isSafe } from './range.ts'
import type { Opcode } from './wasm_code.ts'

/** A number for arithmetic: the undefined of a read out of bounds is NaN. */
export function emitFloat(e: Emitter, node: Expression): void {
  emitRawFloat(e, node)
  if (node.undefinable) emitPlainNaN(e)
}

/** Makes any NaN on the stack the usual one. */
export function emitPlainNaN(e: Emitter): void {
  const value = e.keep('f64')
  e.code.f64(Number.NaN).get(value).get(value).op('f64.eq', 'select')
}

/** A number that is only moved: the undefined of a read out of bounds stays it. */
export function emitRawFloat(e: Emitter, node: Expression): void {
  if (isRange(node.known)) {
    emitIntegerAsFloat(e, node)
    return
  }
  switch (node.kind) {
    case 'number':
      e.code.f64(node.value)
      return
    case 'undefined':
      e.code.f64Bits(UNDEFINED_BITS)
      return
    case 'arithmetic':
      emitArithmetic(e, node)
      return
    case 'negate':
      emitFloat(e, node.value)
      e.code.op('f64.neg')
      return
    case 'bits':
    case 'complement':
      emitBits(e, node)
      e.code.op(
        node.kind === 'bits' && node.operator === '>>>' ? 'f64.convert_i32_u' : 'f64.convert_i32_s',
      )
      return
    case 'load':
      emitLoad(e, node)
      return
    case 'math':
      emitFloatMath(e, node)
      return
    default:
      emitStructure(e, node, node, 'exact')
      return
  }
}

/** Where an integer would need a check that a float does not, it is computed as a float. */
function emitIntegerAsFloat(e: Emitter, node: Expression): void {
  if (node.kind === 'number') e.code.f64(node.value)
  else if (node.kind === 'arithmetic' && isBetterAsFloat(node)) emitArithmetic(e, node)
  else if (node.kind === 'negate' && hidesZero(node)) {
    emitFloat(e, node.value)
    e.code.op('f64.neg')
  } else if (node.kind === 'math' && isRoundedFloat(node)) emitFloatMath(e, node)
  else if (node.kind === 'choose' && hidesZero(node))
    emitStructure(e, node, { known: 'float', undefinable: false }, 'exact')
  else {
    const type = emitInteger(e, node, 'exact')
    e.code.op(type === 'i32' ? 'f64.convert_i32_s' : 'f64.convert_i64_s')
  }
}

function isBetterAsFloat(node: ExpressionOf<'arithmetic'>): boolean {
  const isWide = isRange(node.known) && !isSafe(node.known)
  if (node.operator === '/') return true
  return node.operator !== '%' && (isWide || hidesZero(node))
}

function isRoundedFloat(node: ExpressionOf<'math'>): boolean {
  if (!/^(floor|ceil|round|trunc)$/.test(node.name)) return false
  return !isRange(node.values[0].known) || quotientOf(node) !== undefined
}

const opcodes: Readonly<Record<string, Opcode>> = {
  '+': 'f64.add',
  '-': 'f64.sub',
  '*': 'f64.mul',
  '/': 'f64.div',
}

function emitArithmetic(e: Emitter, node: ExpressionOf<'arithmetic'>): void {
  const { operator, left, right } = node
  if (operator === '**') {
    emitPower(e, left, right)
    return
  }
  emitFloat(e, left)
  // Says only that the value is a number.
  if (operator === '-' && right.kind === 'number' && Object.is(right.value, 0)) return
  emitFloat(e, right)
  if (operator === '%') e.code.call(e.module.helpers.remainder)
  else e.code.op(opcodes[operator])
}

/** The host's Math.pow gives exactly x * x too. */
function emitPower(e: Emitter, left: Expression, right: Expression): void {
  emitFloat(e, left)
  if (right.kind === 'number' && right.value === 2) {
    const value = e.keep('f64')
    e.code.get(value).op('f64.mul')
    return
  }
  emitFloat(e, right)
  e.callHost('pow', 2)
}
