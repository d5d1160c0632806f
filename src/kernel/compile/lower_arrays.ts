// Typed arrays and lists: elements, lengths, new arrays, and the constants of Math and Number that
// look like members. Called by the lowering of expressions.
import {
  type ConstantArray,
  type Expression,
  expression,
  get,
  newVariable,
  numberLiteral,
  sequence,
  set,
} from './ir.ts'
import { lowerExpression, lowerNumber, refuseConstruct, twice } from './lower_expressions.ts'
import { callLibrary } from './lower_methods.ts'
import { nameOfType, toNumber } from './lower_operators.ts'
import { type Context, placeIn, refuseNode } from './scope.ts'
import type { ExpressionNode, NodeOf, Place } from './syntax.ts'
import {
  type ArrayName,
  arrayFacts,
  constructorOf,
  isArray,
  isTypedArrayName,
  type TypedArrayName,
} from './types.ts'
import { assigns } from './walk.ts'

/** An array as a variable or a constant, and what has to be evaluated before. */
export interface ArrayOperand {
  readonly array: Expression
  readonly prepare: readonly Expression[]
}

export function arrayOperand(context: Context, node: ExpressionNode): ArrayOperand {
  const value = lowerExpression(context, node)
  if (!isArray(value.type))
    refuseNode(context, node, `this is ${nameOfType(value.type)} where a typed array is needed`)
  return asOperand(value)
}

export function asOperand(value: Expression): ArrayOperand {
  if (value.kind === 'get' || value.kind === 'data') return { array: value, prepare: [] }
  const [kept, array] = twice(value, '(array)')
  return { array, prepare: [kept] }
}

export function lowerElement(context: Context, node: NodeOf<'MemberExpression'>): Expression {
  if (node.object.type === 'Super') return refuseConstruct(context, node, "'super'")
  const operand = arrayOperand(context, node.object)
  const index = lowerNumber(context, node.property as ExpressionNode)
  const { array, prepare } = beforeIndex(operand, index)
  const place = placeIn(context, node)
  const load = expression('load', 'number', place, {
    array,
    index,
    isCertain: false,
    inBounds: false,
  })
  return sequence([...prepare, load], place)
}

/** The array is read before the index: kept apart where the index gives its variable another. */
export function beforeIndex(operand: ArrayOperand, index: Expression): ArrayOperand {
  const { array, prepare } = operand
  if (array.kind !== 'get' || !assigns(index, array.variable)) return operand
  const [kept, again] = twice(array, '(array)')
  return { array: again, prepare: [...prepare, kept] }
}

/** `name.property` where the name is a global object that nothing hides. */
export function globalObject(context: Context, node: ExpressionNode): string | undefined {
  if (node.type !== 'Identifier' || context.scope.find(node.name) !== undefined) return undefined
  return node.name
}

const mathConstants = new Set(['PI', 'E', 'LN2', 'LN10', 'LOG2E', 'LOG10E', 'SQRT2', 'SQRT1_2'])
const numberConstants = new Set([
  'EPSILON',
  'MAX_VALUE',
  'MIN_VALUE',
  'MAX_SAFE_INTEGER',
  'MIN_SAFE_INTEGER',
  'POSITIVE_INFINITY',
  'NEGATIVE_INFINITY',
  'NaN',
])

export function lowerMember(context: Context, node: NodeOf<'MemberExpression'>): Expression {
  const place = placeIn(context, node)
  const name = node.property.type === 'Identifier' ? node.property.name : ''
  if (node.object.type === 'Super') return refuseConstruct(context, node, "'super'")
  const constant = constantOf(globalObject(context, node.object), name)
  if (constant !== undefined) return numberLiteral(constant, place)
  if (node.object.type === 'Identifier' && context.scope.find(node.object.name) === undefined)
    return refuseConstruct(context, node, `'${node.object.name}.${name}'`)
  const { array, prepare } = arrayOperand(context, node.object)
  const type = array.type as ArrayName
  const length = lengthOf(array, place)
  if (name === 'length') return sequence([...prepare, length], place)
  if (name === 'BYTES_PER_ELEMENT' && type !== 'number[]')
    return numberLiteral(1 << arrayFacts[type].shift, place)
  return refuseConstruct(context, node.property, `'.${name}' of ${nameOfType(type)}`)
}

function constantOf(object: string | undefined, name: string): number | undefined {
  if (object === 'Math' && mathConstants.has(name)) return Math[name as 'PI']
  if (object === 'Number' && numberConstants.has(name)) return Number[name as 'EPSILON']
  if (object !== undefined && name === 'BYTES_PER_ELEMENT' && isTypedArrayName(object))
    return 1 << arrayFacts[object].shift
  return undefined
}

export function lowerNew(context: Context, node: NodeOf<'NewExpression'>): Expression {
  const type = globalObject(context, node.callee as ExpressionNode)
  if (type === undefined || !isTypedArrayName(type)) {
    const name = context.file.text.slice(node.callee.start ?? 0, node.callee.end ?? 0)
    return refuseConstruct(context, node, `'new ${name}'`)
  }
  const [argument, ...others] = node.arguments
  if (others.length > 0) return refuseConstruct(context, node, 'a view of an ArrayBuffer')
  const place = placeIn(context, node)
  if (argument === undefined) return allocate(type, numberLiteral(0, place), place)
  if (argument.type === 'SpreadElement' || argument.type === 'ArgumentPlaceholder')
    return refuseConstruct(context, argument, 'a spread argument')
  return newArray(context, type, argument, place)
}

/** Of a length, a list in brackets or another array. */
export function newArray(
  context: Context,
  type: TypedArrayName,
  argument: ExpressionNode,
  place: Place,
): Expression {
  if (argument.type === 'ArrayExpression') return listOf(type, lowerItems(context, argument), place)
  const value = lowerExpression(context, argument)
  if (!isArray(value.type)) return allocate(type, toNumber(value), place)
  const { array, prepare } = asOperand(value)
  const length = expression('length', 'number', place, { array })
  const [kept, copy] = twice(allocate(type, length, place), '(copy)')
  const zero = numberLiteral(0, place)
  const filled = callLibrary(context, 'set', [copy, array, zero], place)
  return sequence([...prepare, kept, filled, copy], place)
}

function allocate(type: ArrayName, length: Expression, place: Place): Expression {
  return expression('allocate', type, place, { length })
}

export function lowerArrayLiteral(context: Context, node: NodeOf<'ArrayExpression'>): Expression {
  const items = lowerItems(context, node)
  const place = placeIn(context, node)
  if (!items.every((item) => item.kind === 'number')) return listOf('number[]', items, place)
  const values = items.map((item) => (item.kind === 'number' ? item.value : 0))
  const data = constantArray('number[]', values, place)
  context.modules.data.push(data)
  return expression('data', 'number[]', place, { data })
}

function lowerItems(context: Context, node: NodeOf<'ArrayExpression'>): Expression[] {
  return node.elements.map((item) => {
    if (!item) return refuseConstruct(context, node, 'a hole in an array')
    if (item.type === 'SpreadElement') return refuseConstruct(context, item, 'a spread')
    return lowerNumber(context, item)
  })
}

/** All items are evaluated before the array is made of them. */
export function listOf(type: ArrayName, items: readonly Expression[], place: Place): Expression {
  const array = newVariable('(list)', type, place)
  const values = items.map((item) => twice(item, '(item)'))
  return sequence(
    [
      ...values.flatMap(([kept, again]) => (kept === again ? [] : [kept])),
      set(array, allocate(type, numberLiteral(items.length, place), place), place),
      ...values.map(([, value], i) =>
        expression('store', 'void', place, {
          array: get(array, place),
          index: numberLiteral(i, place),
          value,
          isCertain: true,
          inBounds: true,
        }),
      ),
      get(array, place),
    ],
    place,
  )
}

/** Values that stand in the module's memory before a call. */
export function constantArray(
  type: ArrayName,
  values: ArrayLike<number>,
  place: Place,
): ConstantArray {
  const Type = constructorOf(type)
  const bytes = new Uint8Array(values.length << arrayFacts[type].shift)
  new Type(bytes.buffer, 0, values.length).set(values)
  return { type, bytes, length: values.length, place, address: 0 }
}

function lengthOf(array: Expression, place: Place): Expression {
  if (array.kind === 'data') return numberLiteral(array.data.length, place)
  return expression('length', 'number', place, { array })
}
