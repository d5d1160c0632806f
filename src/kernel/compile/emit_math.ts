// Math and the tests of Number: as instructions where WebAssembly has them, else asked of the host,
// whose functions are the ones that JavaScript would call. Used by the other emit_*.ts.
import { emitBits } from './emit_bits.ts'
import { pushIsUndefined } from './emit_conditions.ts'
import { emitFloat, emitRawFloat } from './emit_floats.ts'
import {
  convertInteger,
  emitDivisor,
  emitInteger,
  emitIntegerAs,
  type IntegerType,
  pushInteger,
  rangeOf,
  type ZeroMode,
} from './emit_integers.ts'
import type { Emitter } from './emitter.ts'
import { quotientIsZero, quotientOf } from './infer_numbers.ts'
import type { ExpressionOf, HostMathName } from './ir.ts'
import { isRange, isSmall } from './range.ts'
import type { Opcode } from './wasm_code.ts'

type MathNode = ExpressionOf<'math'>

const direct: Readonly<Record<string, Opcode>> = {
  abs: 'f64.abs',
  floor: 'f64.floor',
  ceil: 'f64.ceil',
  trunc: 'f64.trunc',
  sqrt: 'f64.sqrt',
  min: 'f64.min',
  max: 'f64.max',
}

export function emitFloatMath(e: Emitter, node: MathNode): void {
  const { name, values } = node
  const opcode = Object.hasOwn(direct, name) ? direct[name] : undefined
  if (name === 'clz32' || name === 'imul') {
    emitIntegerMath(e, node, 'i32', 'exact')
    e.code.op('f64.convert_i32_s')
    return
  }
  for (const value of values) emitFloat(e, value)
  if (opcode !== undefined) e.code.op(opcode)
  else if (name === 'fround') e.code.op('f32.demote_f64', 'f64.promote_f32')
  else if (name === 'round') emitRound(e)
  else if (name === 'sign') emitSign(e)
  else e.callHost(name as HostMathName, values.length)
}

/**
 * Halves go up, and the sign of zero stays: ceil, less one where that went up by more than half.
 */
function emitRound(e: Emitter): void {
  const value = e.local('f64')
  e.code.tee(value).op('f64.ceil')
  const up = e.keep('f64')
  e.code.f64(1).op('f64.sub').get(up)
  e.code.get(up).f64(0.5).op('f64.sub').get(value).op('f64.gt', 'select')
}

/** NaN and both zeros are their own sign. */
function emitSign(e: Emitter): void {
  const value = e.local('f64')
  e.code.set(value)
  e.code.f64(1).get(value).op('f64.copysign').get(value)
  e.code.get(value).op('f64.abs').f64(0).op('f64.gt', 'select')
}

export function emitIntegerMath(
  e: Emitter,
  node: MathNode,
  type: IntegerType,
  zero: ZeroMode,
): void {
  const [first, second] = node.values
  switch (node.name) {
    case 'clz32':
      emitBits(e, first)
      e.code.op('i32.clz')
      return
    case 'imul':
      emitBits(e, first)
      emitBits(e, second)
      e.code.op('i32.mul')
      return
    case 'abs':
      emitAbsolute(e, node, type)
      return
    case 'min':
    case 'max':
      emitExtreme(e, node, type, zero)
      return
    case 'sign':
      emitIntegerSign(e, node, zero)
      return
    default:
      if (isRange(first.known)) emitIntegerAs(e, first, type, zero)
      else if (quotientOf(node) !== undefined) emitQuotient(e, node, type, zero)
      else emitWhole(e, node, zero)
  }
}

function emitAbsolute(e: Emitter, { values: [value] }: MathNode, type: IntegerType): void {
  if (rangeOf(value).lo >= 0) {
    emitIntegerAs(e, value, type, 'any')
    return
  }
  const width = isSmall(rangeOf(value)) && type === 'i32' ? 'i32' : 'i64'
  emitIntegerAs(e, value, width, 'any')
  const local = e.local(width)
  e.code.set(local)
  pushInteger(e, 0, width)
  e.code.get(local).op(`${width}.sub`).get(local).get(local)
  pushInteger(e, 0, width)
  e.code.op(`${width}.lt_s`, 'select')
  convertInteger(e, width, type)
}

function emitExtreme(
  e: Emitter,
  { name, values: [left, right] }: MathNode,
  type: IntegerType,
  zero: ZeroMode,
): void {
  const width = isSmall(rangeOf(left)) && isSmall(rangeOf(right)) ? 'i32' : 'i64'
  emitIntegerAs(e, left, width, zero)
  const a = e.local(width)
  e.code.set(a)
  emitIntegerAs(e, right, width, zero)
  const b = e.local(width)
  e.code.set(b).get(a).get(b).get(a).get(b)
  e.code.op(`${width}.${name === 'min' ? 'lt_s' : 'gt_s'}`, 'select')
  convertInteger(e, width, type)
}

function emitIntegerSign(e: Emitter, { values: [value] }: MathNode, zero: ZeroMode): void {
  const width = emitInteger(e, value, zero)
  const local = e.local(width)
  e.code.set(local)
  for (const opcode of ['gt_s', 'lt_s'] as const) {
    e.code.get(local)
    pushInteger(e, 0, width)
    e.code.op(`${width}.${opcode}`)
  }
  e.code.op('i32.sub')
}

/** Math.floor(a / b) and Math.trunc(a / b) by the division of integers. */
function emitQuotient(e: Emitter, node: MathNode, type: IntegerType, zero: ZeroMode): void {
  const division = quotientOf(node) as ExpressionOf<'arithmetic'>
  const { left, right } = division
  const a = rangeOf(left)
  const b = rangeOf(right)
  const width = type === 'i32' && isSmall(a) && isSmall(b) ? 'i32' : 'i64'
  emitIntegerAs(e, left, width, zero)
  const dividend = e.keep(width)
  emitDivisor(e, right, width, node)
  const divisor = e.keep(width)
  e.code.op(`${width}.div_s`)
  const mixed = a.lo < 0 || b.lo < 0
  if (node.name === 'floor' && mixed) emitRoundedDown(e, width, dividend, divisor)
  if (zero === 'exact' && quotientIsZero(node.name, a, b)) {
    const quotient = e.keep(width)
    if (node.name === 'floor') e.code.get(dividend).op(`${width}.eqz`).get(divisor)
    else e.code.get(quotient).op(`${width}.eqz`).get(dividend).get(divisor).op(`${width}.xor`)
    pushInteger(e, 0, width)
    e.code.op(`${width}.lt_s`, 'i32.and')
    e.refuteIf('zero', node.place)
  }
  convertInteger(e, width, type)
}

/** One less where the division left something and the signs differ. */
function emitRoundedDown(e: Emitter, width: IntegerType, dividend: number, divisor: number): void {
  const quotient = e.keep(width)
  e.code.get(quotient).get(divisor).op(`${width}.mul`).get(dividend).op(`${width}.ne`)
  e.code
    .get(dividend)
    .get(divisor)
    .op(width === 'i32' ? 'i32.xor' : 'i64.xor')
  pushInteger(e, 0, width)
  e.code.op(`${width}.lt_s`, 'i32.and')
  if (width === 'i64') e.code.op('i64.extend_i32_u')
  e.code.op(`${width}.sub`)
}

/** A rounded float that is taken to be an int32. */
function emitWhole(e: Emitter, node: MathNode, zero: ZeroMode): void {
  emitFloatMath(e, node)
  const value = e.keep('f64')
  e.code.op('i32.trunc_sat_f64_s')
  const whole = e.keep('i32')
  e.code.get(whole).op('f64.convert_i32_s').get(value).op('f64.ne')
  if (zero === 'exact') {
    e.code
      .get(value)
      .op('i64.reinterpret_f64')
      .i64(-(2n ** 63n))
      .op('i64.eq', 'i32.or')
  }
  e.refuteIf('whole', node.place)
}

/** Number.isInteger and its like, Object.is. */
export function emitTest(e: Emitter, { name, values }: MathNode): void {
  const [value, other] = values
  if (name === 'isSame') {
    emitSame(e, value, other)
    return
  }
  emitRawFloat(e, value)
  const local = e.local('f64')
  e.code.set(local)
  switch (name) {
    case 'isNaN':
      e.code.get(local).get(local).op('f64.ne')
      return
    case 'isNumberNaN':
      e.code.get(local).get(local).op('f64.ne')
      if (value.undefinable) {
        pushIsUndefined(e, local)
        e.code.op('i32.eqz', 'i32.and')
      }
      return
    case 'isFinite':
      e.code.get(local).get(local).op('f64.sub').f64(0).op('f64.eq')
      return
    default:
      e.code.get(local).get(local).op('f64.trunc', 'f64.sub').f64(0).op('f64.eq')
      if (name === 'isSafeInteger')
        e.code.get(local).op('f64.abs').f64(Number.MAX_SAFE_INTEGER).op('f64.le', 'i32.and')
  }
}

/** The same bits, or both NaN. */
function emitSame(e: Emitter, left: MathNode['values'][0], right: MathNode['values'][0]): void {
  const locals = [left, right].map((value) => {
    emitRawFloat(e, value)
    const local = e.local('f64')
    e.code.set(local)
    return local
  })
  const [a, b] = locals
  e.code.get(a).op('i64.reinterpret_f64').get(b).op('i64.reinterpret_f64', 'i64.eq')
  for (const [i, local] of locals.entries()) {
    e.code.get(local).get(local).op('f64.ne')
    if ([left, right][i].undefinable) {
      pushIsUndefined(e, local)
      e.code.op('i32.eqz', 'i32.and')
    }
  }
  e.code.op('i32.and', 'i32.or')
}
