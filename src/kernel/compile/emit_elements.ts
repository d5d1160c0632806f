// Elements of arrays and new arrays: addresses, bounds, conversions on the way in and out. Used by
// the other emit_*.ts.
import { emitBits, emitToInt32 } from './emit_bits.ts'
import { pushIsUndefined } from './emit_conditions.ts'
import { emitFloat, emitPlainNaN, emitRawFloat } from './emit_floats.ts'
import { emitInteger, emitIntegerAs, rangeOf } from './emit_integers.ts'
import { convertElement, emitArray } from './emit_values.ts'
import { arrayPlace, type Emitter, representation, UNDEFINED_BITS } from './emitter.ts'
import type { Expression, ExpressionOf } from './ir.ts'
import { isRange, isSafe, isSmall } from './range.ts'
import { type ArrayName, arrayFacts } from './types.ts'
import { assigns, walkExpression } from './walk.ts'
import type { Opcode } from './wasm_code.ts'

/** An element whose index has been evaluated. */
interface Element {
  /** Undefined where the index is in bounds for sure. */
  readonly pushIsOutside: (() => void) | undefined
  /** Without a check; as the load instruction of its type gives it. */
  readonly load: () => void
  readonly pushAddress: () => void
  readonly offset: number
}

/**
 * @param between what is evaluated between the index and its use, where the index must not change
 */
export function emitElement(
  e: Emitter,
  array: Expression,
  index: Expression,
  inBounds: boolean,
  between?: Expression,
): Element {
  if (array.kind !== 'get' && array.kind !== 'data') throw new Error('an element of a value')
  const place = arrayPlace(e, array)
  const facts = arrayFacts[array.type as ArrayName]
  const position = emitPosition(e, index, inBounds, place.pushLength, between)
  const pushAddress = (): void => {
    if (place.offset === undefined) place.pushAddress()
    e.code.get(position.local)
    if (facts.shift > 0) e.code.i32(facts.shift).op('i32.shl')
    if (place.offset === undefined) e.code.op('i32.add')
  }
  const offset = place.offset ?? 0
  return {
    pushIsOutside: position.pushIsOutside,
    pushAddress,
    offset,
    load: () => {
      pushAddress()
      e.code.access(facts.load as Opcode, offset)
      if (facts.load === 'f32.load') e.code.op('f64.promote_f32')
    },
  }
}

interface Position {
  /** The index as 32 bits. */
  readonly local: number
  readonly pushIsOutside: (() => void) | undefined
}

function emitPosition(
  e: Emitter,
  index: Expression,
  inBounds: boolean,
  pushLength: () => void,
  between: Expression | undefined,
): Position {
  if (!isRange(index.known)) return emitFloatPosition(e, index, pushLength, between !== undefined)
  if (isSmall(index.known)) {
    const local = smallIndex(e, index, between)
    const pushIsOutside = (): void => {
      e.code.get(local)
      pushLength()
      e.code.op('i32.ge_u')
    }
    return { local, pushIsOutside: inBounds ? undefined : pushIsOutside }
  }
  emitIntegerAs(e, index, 'i64', 'any')
  const wide = e.keep('i64')
  const local = e.local('i32')
  e.code.op('i32.wrap_i64').set(local)
  const pushIsOutside = (): void => {
    e.code.get(wide)
    pushLength()
    e.code.op('i64.extend_i32_u', 'i64.ge_u')
  }
  return { local, pushIsOutside: inBounds ? undefined : pushIsOutside }
}

/** The local of a variable serves as it is, where nothing changes it before its use. */
function smallIndex(e: Emitter, index: Expression, between: Expression | undefined): number {
  if (index.kind === 'get' && isRange(index.variable.known) && isSmall(index.variable.known)) {
    if (!between || !assigns(between, index.variable)) return e.localsOf(index.variable)[0]
  }
  emitInteger(e, index, 'any')
  const local = e.local('i32')
  e.code.set(local)
  return local
}

/** Of a float only whole numbers are indices; -0 is 0. */
function emitFloatPosition(
  e: Emitter,
  index: Expression,
  pushLength: () => void,
  isWritten: boolean,
): Position {
  emitRawFloat(e, index)
  const value = e.keep('f64')
  if (isWritten && index.undefinable) {
    // JavaScript would make a property of that name.
    pushIsUndefined(e, value)
    e.exitIf({ kind: 'throw', text: 'TypeError: an element is written at the index undefined' })
  }
  const local = e.local('i32')
  e.code.op('i32.trunc_sat_f64_u').set(local)
  return {
    local,
    pushIsOutside: () => {
      e.code.get(local).op('f64.convert_i32_u').get(value).op('f64.ne').get(local)
      pushLength()
      e.code.op('i32.ge_u', 'i32.or')
    },
  }
}

/** In the representation of the node: its element's, or a float that may be the undefined one. */
export function emitLoad(e: Emitter, node: ExpressionOf<'load'>): void {
  const element = emitElement(e, node.array, node.index, node.inBounds)
  if (element.pushIsOutside === undefined || !node.undefinable) {
    if (element.pushIsOutside !== undefined) {
      element.pushIsOutside()
      e.refuteIf('bounds', node.place)
    }
    element.load()
    convertElement(e, node, representation(node.known))
    return
  }
  element.pushIsOutside()
  e.code.open('if', 'f64').f64Bits(UNDEFINED_BITS).op('else')
  element.load()
  convertElement(e, node, 'f64')
  // The caller's array may hold a NaN of any bits.
  if (arrayFacts[node.array.type as ArrayName].elements === undefined) emitPlainNaN(e)
  e.code.close()
}

/** The low 32 bits of an integer element. */
export function emitLoadBits(e: Emitter, node: ExpressionOf<'load'>): void {
  if (node.array.type !== 'Uint32Array') {
    emitLoad(e, node)
    return
  }
  const element = emitElement(e, node.array, node.index, node.inBounds)
  if (element.pushIsOutside !== undefined) {
    element.pushIsOutside()
    e.refuteIf('bounds', node.place)
  }
  element.pushAddress()
  e.code.access('i32.load', element.offset)
}

/** Outside of the array nothing is stored, but the value is evaluated. */
export function emitStore(e: Emitter, node: ExpressionOf<'store'>): void {
  const { array, index, value, inBounds } = node
  const type = array.type as ArrayName
  const opcode = arrayFacts[type].store as Opcode
  const element = emitElement(e, array, index, inBounds, value)
  if (element.pushIsOutside === undefined) {
    element.pushAddress()
    emitElementValue(e, value, type)
    e.code.access(opcode, element.offset)
  } else if (hasEffect(value)) {
    emitElementValue(e, value, type)
    const local = e.local(opcode === 'f64.store' ? 'f64' : 'i32')
    storeKept(e, element, opcode, local, type)
  } else {
    element.pushIsOutside()
    e.code.op('i32.eqz').open('if')
    element.pushAddress()
    emitElementValue(e, value, type)
    e.code.access(opcode, element.offset).close()
  }
}

function storeKept(
  e: Emitter,
  element: Element,
  opcode: Opcode,
  local: number,
  type: ArrayName,
): void {
  // A float32 is kept as the float64 that it is exactly.
  if (type === 'Float32Array') {
    const wide = e.local('f64')
    e.code.op('f64.promote_f32').set(wide)
    element.pushIsOutside?.()
    e.code.op('i32.eqz').open('if')
    element.pushAddress()
    e.code.get(wide).op('f32.demote_f64')
  } else {
    e.code.set(local)
    element.pushIsOutside?.()
    e.code.op('i32.eqz').open('if')
    element.pushAddress()
    e.code.get(local)
  }
  e.code.access(opcode, element.offset).close()
}

/** What is skipped with a store must change nothing, and what is checked in it was learned from. */
function hasEffect(value: Expression): boolean {
  let found = false
  walkExpression(value, {
    expression: (node) => {
      found ||= /^(set|store|move|call|inlined|allocate)$/.test(node.kind)
      found ||= node.kind === 'load' && !node.inBounds
    },
  })
  return found
}

/** As the type of the elements stores it. */
function emitElementValue(e: Emitter, value: Expression, type: ArrayName): void {
  switch (type) {
    case 'Float64Array':
    case 'number[]':
      emitFloat(e, value)
      return
    case 'Float32Array':
      emitFloat(e, value)
      e.code.op('f32.demote_f64')
      return
    case 'Uint8ClampedArray':
      emitClamped(e, value)
      return
    default:
      emitBits(e, value)
      return
  }
}

/** From 0 to 255, halves to the even one, NaN to 0. */
function emitClamped(e: Emitter, value: Expression): void {
  const { known } = value
  if (isRange(known) && known.lo >= 0 && known.hi <= 255) {
    emitBits(e, value)
    return
  }
  if (isRange(known) && isSafe(known)) {
    const type = emitInteger(e, value, 'any')
    e.code.op(type === 'i32' ? 'f64.convert_i32_s' : 'f64.convert_i64_s')
  } else emitFloat(e, value)
  e.code.f64(0).op('f64.max').f64(255).op('f64.min', 'f64.nearest', 'i32.trunc_sat_f64_u')
}

/** Address and length of a new array of zeros. */
export function emitAllocate(e: Emitter, { length, type }: ExpressionOf<'allocate'>): void {
  const isInvalid = 'RangeError: Invalid typed array length'
  if (isRange(length.known) && isSafe(length.known)) emitIntegerAs(e, length, 'i64', 'any')
  else {
    emitFloat(e, length)
    const value = e.keep('f64')
    // Anything up to -1 is no length, and NaN is 0.
    e.code
      .f64(-1)
      .op('f64.le')
      .get(value)
      .f64(2 ** 53)
      .op('f64.ge', 'i32.or')
    e.exitIf({ kind: 'throw', text: isInvalid })
    e.code.get(value).get(value).op('f64.ne').open('if', 'i64').i64(0).op('else')
    e.code.get(value).op('i64.trunc_f64_s').close()
  }
  const count = e.local('i64')
  e.code.set(count)
  if (!isRange(length.known) || rangeOf(length).lo < 0) {
    e.code.get(count).i64(0).op('i64.lt_s')
    e.exitIf({ kind: 'throw', text: isInvalid })
  }
  e.code
    .get(count)
    .i32(arrayFacts[type as ArrayName].shift)
    .call(e.module.helpers.allocate)
  e.code.get(count).op('i32.wrap_i64')
}

/** Length of an array that is no variable. */
export function emitAllocatedLength(e: Emitter, array: Expression): void {
  emitArray(e, array)
  const length = e.local('i32')
  e.code.set(length).op('drop').get(length)
}

function pushPosition(e: Emitter, at: Expression): void {
  if (isRange(at.known)) {
    emitIntegerAs(e, at, 'i32', 'any')
    return
  }
  emitFloat(e, at)
  emitToInt32(e)
}

/** The library has brought begin and end into bounds. */
export function emitView(e: Emitter, { array, begin, end }: ExpressionOf<'view'>): void {
  if (array.kind !== 'get' && array.kind !== 'data') throw new Error('a view of a value')
  const { shift } = arrayFacts[array.type as ArrayName]
  arrayPlace(e, array).pushAddress()
  pushPosition(e, begin)
  const from = e.keep('i32')
  e.code.i32(shift).op('i32.shl', 'i32.add')
  pushPosition(e, end)
  e.code.get(from).op('i32.sub')
}

export function emitMove(e: Emitter, node: ExpressionOf<'move'>): void {
  const { target, to, source, from, count } = node
  const { shift } = arrayFacts[target.type as ArrayName]
  for (const [array, at] of [
    [target, to],
    [source, from],
  ]) {
    if (array.kind !== 'get' && array.kind !== 'data') throw new Error('a move of a value')
    arrayPlace(e, array).pushAddress()
    pushPosition(e, at)
    e.code.i32(shift).op('i32.shl', 'i32.add')
  }
  pushPosition(e, count)
  e.code.i32(shift).op('i32.shl', 'memory.copy')
}
