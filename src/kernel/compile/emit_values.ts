// What is alike for values of all types: variables, choices, sequences, calls and inlined bodies.
// Used by the other emit_*.ts.
import { emitBits } from './emit_bits.ts'
import { emitCondition, pushIsUndefined } from './emit_conditions.ts'
import { emitAllocate, emitElement, emitMove, emitStore, emitView } from './emit_elements.ts'
import { emitFloat, emitPlainNaN, emitRawFloat } from './emit_floats.ts'
import {
  convertInteger,
  emitInteger,
  emitIntegerAs,
  pushIsOutside,
  type ZeroMode,
} from './emit_integers.ts'
import { emitBody } from './emit_statements.ts'
import { type Emitter, representation, resultTypes, stackTypes } from './emitter.ts'
import type { Expression, ExpressionOf, Variable } from './ir.ts'
import { intersect, isRange, isSafe, isSmall, KEPT, type Known, within } from './range.ts'
import { type ArrayName, arrayFacts } from './types.ts'

/** How a number is wanted. */
interface Shape {
  readonly known: Known
  readonly undefinable: boolean
}

/** In the way that a number of the shape is represented; others have one way only. */
function emitTo(e: Emitter, node: Expression, shape: Shape, zero: ZeroMode): void {
  if (node.type === 'boolean') {
    emitCondition(e, node)
    return
  }
  if (node.type === 'void') {
    emitEffect(e, node)
    return
  }
  if (node.type !== 'number') {
    emitArray(e, node)
    return
  }
  const type = representation(shape.known)
  if (type !== 'f64') {
    emitIntegerAs(e, node, type, zero)
    return
  }
  if (node.undefinable && shape.undefinable) {
    emitRawFloat(e, node)
    return
  }
  emitFloat(e, node)
  if (shape.undefinable && !isRange(node.known)) emitPlainNaN(e)
}

/** For a variable: checked where its range was only assumed. */
function emitInto(e: Emitter, node: Expression, variable: Variable): void {
  const { known } = variable
  if (node.type !== 'number' || !isRange(known)) {
    emitTo(e, node, variable, 'exact')
    return
  }
  if (variable.isTruncated) {
    emitBits(e, node)
    return
  }
  if (!isRange(node.known)) {
    // No value ever comes out of it: a function that only throws.
    emitFloat(e, node)
    e.code.op('drop', 'unreachable')
    return
  }
  const type = emitInteger(e, node, 'exact')
  if (!within(node.known, known)) {
    const local = e.keep(type)
    const isWide = !isSafe(node.known)
    pushIsOutside(e, local, type, (isWide && intersect(known, KEPT)) || known)
    e.refuteIf('range', variable.place, variable.name)
  }
  convertInteger(e, type, isSmall(known) ? 'i32' : 'i64')
}

/** For what it does, not what it is. */
export function emitEffect(e: Emitter, node: Expression): void {
  switch (node.kind) {
    case 'set':
      emitInto(e, node.value, node.variable)
      storeLocals(e, node.variable)
      return
    case 'store':
      emitStore(e, node)
      return
    case 'move':
      emitMove(e, node)
      return
    case 'sequence':
      for (const item of node.items) emitEffect(e, item)
      return
    case 'get':
    case 'number':
    case 'boolean':
      return
    case 'choose':
      emitCondition(e, node.test)
      e.code.open('if')
      emitEffect(e, node.yes)
      e.code.op('else')
      emitEffect(e, node.no)
      e.code.close()
      return
  }
  emitNatural(e, node)
  for (const _ of stackTypes(node.type, node.known)) e.code.op('drop')
}

function emitNatural(e: Emitter, node: Expression): void {
  if (node.type === 'void') emitStructure(e, node, node, 'exact')
  else emitTo(e, node, { known: node.known, undefinable: node.undefinable }, 'any')
}

function storeLocals(e: Emitter, variable: Variable): void {
  for (const local of [...e.localsOf(variable)].reverse()) e.code.set(local)
}

function pushLocals(e: Emitter, variable: Variable): void {
  for (const local of e.localsOf(variable)) e.code.get(local)
}

export function emitArray(e: Emitter, node: Expression): void {
  switch (node.kind) {
    case 'data':
      e.code.i32(node.data.address).i32(node.data.length)
      return
    case 'allocate':
      emitAllocate(e, node)
      return
    case 'view':
      emitView(e, node)
      return
    default:
      emitStructure(e, node, node, 'exact')
      return
  }
}

/** @param shape of a number: that of the node itself, or a float for an integer */
export function emitStructure(e: Emitter, node: Expression, shape: Shape, zero: ZeroMode): void {
  switch (node.kind) {
    case 'get':
      pushLocals(e, node.variable)
      narrowTo(e, node.variable, shape)
      return
    case 'set':
      emitEffect(e, node)
      pushLocals(e, node.variable)
      narrowTo(e, node.variable, shape)
      return
    case 'choose':
      emitChoose(e, node, shape, zero)
      return
    case 'present':
      emitPresent(e, node, shape, zero)
      return
    case 'sequence': {
      const last = node.items.length - 1
      for (const item of node.items.slice(0, last)) emitEffect(e, item)
      emitTo(e, node.items[last], shape, zero)
      return
    }
    case 'call':
      for (const [i, value] of node.values.entries()) emitInto(e, value, node.callee.parameters[i])
      e.code.call(e.module.indices.get(node.callee) as number)
      return
    case 'inlined':
      emitInlined(e, node)
      return
    default:
      throw new Error(`no emission of ${node.kind} as ${node.type}`)
  }
}

/** What is known here may need fewer bits than the variable has. */
function narrowTo(e: Emitter, variable: Variable, shape: Shape): void {
  if (variable.type !== 'number' || !isRange(shape.known)) return
  convertInteger(e, representation(variable.known), isSmall(shape.known) ? 'i32' : 'i64')
}

function blockTypes(node: Expression, shape: Shape) {
  return stackTypes(node.type, shape.known)
}

function emitChoose(e: Emitter, node: ExpressionOf<'choose'>, shape: Shape, zero: ZeroMode): void {
  emitCondition(e, node.test)
  e.code.open('if', e.signatureType(blockTypes(node, shape)))
  emitTo(e, node.yes, shape, zero)
  e.code.op('else')
  emitTo(e, node.no, shape, zero)
  e.code.close()
}

function emitPresent(
  e: Emitter,
  node: ExpressionOf<'present'>,
  shape: Shape,
  zero: ZeroMode,
): void {
  const { left, right } = node
  if (left.kind !== 'load' && !left.undefinable) {
    emitTo(e, left, shape, zero)
    return
  }
  const type = representation(shape.known)
  if (left.kind !== 'load') {
    emitRawFloat(e, left)
    const local = e.local('f64')
    e.code.set(local)
    pushIsUndefined(e, local)
    e.code.open('if', type)
    emitTo(e, right, shape, zero)
    e.code.op('else').get(local).close()
    return
  }
  const element = emitElement(e, left.array, left.index, left.inBounds)
  if (element.pushIsOutside === undefined) {
    element.load()
    convertElement(e, left, type)
    return
  }
  element.pushIsOutside()
  e.code.open('if', type)
  emitTo(e, right, shape, zero)
  e.code.op('else')
  element.load()
  convertElement(e, left, type)
  e.code.close()
}

/** From what the load instruction gives. */
export function convertElement(
  e: Emitter,
  { array }: ExpressionOf<'load'>,
  type: ReturnType<typeof representation>,
): void {
  const { elements } = arrayFacts[array.type as ArrayName]
  const from = representation(elements ?? 'float')
  if (from === type) return
  if (type === 'f64') e.code.op(from === 'i32' ? 'f64.convert_i32_s' : 'f64.convert_i64_s')
  else convertInteger(e, from, type)
}

function emitInlined(e: Emitter, { body, frame }: ExpressionOf<'inlined'>): void {
  e.code.open('block', e.signatureType(resultTypes(frame)))
  e.labels.set(frame, e.code.depth)
  emitBody(e, body)
  if (frame.type !== 'void') e.code.op('unreachable')
  e.code.close()
}

/** Into the result of a function or of an inlined body. */
export function emitResult(e: Emitter, value: Expression, result: Variable | undefined): void {
  if (result === undefined) throw new Error('a result of a function that has none')
  emitInto(e, value, result)
}
