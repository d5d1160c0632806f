// Assignments: to variables and elements, compound ones, ++ and --, and swaps by destructuring.
// Called by the lowering of expressions and statements.
import {
  type Expression,
  expression,
  get,
  newVariable,
  numberLiteral,
  sequence,
  set,
} from './ir.ts'
import { arrayOperand, beforeIndex } from './lower_arrays.ts'
import { setVariable } from './lower_captures.ts'
import {
  joined,
  lowerExpression,
  lowerNumber,
  refuseConstruct,
  twice,
} from './lower_expressions.ts'
import {
  arithmetic,
  binary,
  isArithmetic,
  isBits,
  nameOfType,
  toNumber,
} from './lower_operators.ts'
import { type Context, placeIn, refuseNode, type VariableBinding } from './scope.ts'
import { type AnyNode, type ExpressionNode, type NodeOf, type Place, refuse } from './syntax.ts'
import type { ValueType } from './types.ts'
import { assigns } from './walk.ts'

type Element = NodeOf<'MemberExpression'>

/** What stands on the left, without the wrappers of types. */
function targetOf(context: Context, node: AnyNode): NodeOf<'Identifier'> | Element {
  switch (node.type) {
    case 'Identifier':
      return node as NodeOf<'Identifier'>
    case 'MemberExpression':
      return node as Element
    case 'TSNonNullExpression':
    case 'TSAsExpression':
    case 'ParenthesizedExpression':
      return targetOf(context, (node as NodeOf<'TSNonNullExpression'>).expression)
    default:
      return refuseConstruct(context, node, 'destructuring')
  }
}

export function lowerAssignment(
  context: Context,
  node: NodeOf<'AssignmentExpression'>,
  isUsed: boolean,
): Expression {
  const place = placeIn(context, node)
  if (node.left.type === 'ArrayPattern' && node.operator === '=' && !isUsed)
    return lowerSwap(context, node.left, node.right)
  const target = targetOf(context, node.left)
  const operator = node.operator.slice(0, -1)
  if (target.type === 'MemberExpression')
    return assignElement(context, { target, operator, right: node.right, place, isUsed })
  if (operator === '')
    return assignName(context, target, lowerExpression(context, node.right), place)
  const before = lowerExpression(context, target)
  const value = combine(context, operator, before, lowerExpression(context, node.right), node)
  return assignName(context, target, value, place)
}

function combine(
  context: Context,
  operator: string,
  left: Expression,
  right: Expression,
  node: AnyNode,
): Expression {
  const place = placeIn(context, node)
  if (operator === '&&' || operator === '||' || operator === '??') {
    if (left.type === right.type) return joined(operator, left, right, place)
    return refuseNode(context, node, `'${operator}=' joins two types`)
  }
  if (!isArithmetic(operator) && !isBits(operator)) refuseConstruct(context, node, `'${operator}='`)
  return binary(operator, left, right, place)
}

/** Gives a variable a value, and its type where the source did not. */
export function assignName(
  context: Context,
  node: NodeOf<'Identifier'>,
  value: Expression,
  place: Place,
): Expression {
  const binding = context.scope.find(node.name)
  if (binding?.kind === 'foreign') refuseNode(context, node, `'${node.name}' is ${binding.what}`)
  if (binding?.kind !== 'variable')
    refuseNode(context, node, `'${node.name}' is assigned and is no variable of this function`)
  if (binding.isConstant) refuseNode(context, node, `'${node.name}' is a constant and is assigned`)
  if (!binding.isReady) refuseNode(context, node, `'${node.name}' is used before its declaration`)
  if (binding.isUntyped) settleType(binding, value)
  return setVariable(context, binding, value, place)
}

function settleType(binding: VariableBinding, value: Expression): void {
  if (value.type === 'void')
    refuse(value.place, `this is ${nameOfType('void')} where a value is needed`)
  ;(binding.variable as { type: ValueType }).type = value.type
  binding.isUntyped = false
}

interface ElementAssignment {
  readonly target: Element
  readonly operator: string
  readonly right: ExpressionNode
  readonly place: Place
  readonly isUsed: boolean
}

function assignElement(context: Context, assignment: ElementAssignment): Expression {
  const { target, operator, right, place, isUsed } = assignment
  const { array, index, prepare } = elementOf(context, target)
  if (operator === '') {
    const value = toNumber(lowerExpression(context, right))
    return storeElement({ array, index, prepare, value, place, isUsed })
  }
  const operand = lowerExpression(context, right)
  const kept = keep(index, prepare, operand)
  const before = expression('load', 'number', place, { array, index: kept, ...UNSURE })
  const value = combine(context, operator, before, operand, assignment.target)
  return storeElement({ array, index: kept, prepare, value: toNumber(value), place, isUsed })
}

const UNSURE = { inBounds: false, isCertain: false }

interface ElementParts {
  readonly array: Expression
  readonly index: Expression
  /** To be evaluated before. */
  readonly prepare: Expression[]
}

function elementOf(context: Context, target: Element): ElementParts {
  if (!target.computed) return refuseConstruct(context, target, 'an assignment to a property')
  const operand = arrayOperand(context, target.object)
  if (operand.array.type === 'number[]')
    refuseNode(context, target, 'a plain array is written: only typed arrays can be')
  const index = lowerNumber(context, target.property as ExpressionNode)
  const { array, prepare } = beforeIndex(operand, index)
  return { array, index, prepare: [...prepare] }
}

/** The index is needed twice; it is kept in a variable unless it is one that stays as it is. */
function keep(index: Expression, prepare: Expression[], operand?: Expression): Expression {
  if (index.kind === 'number') return index
  if (index.kind === 'get' && !(operand && assigns(operand, index.variable))) return index
  const variable = newVariable('(index)', 'number', index.place)
  prepare.push(set(variable, index, index.place))
  return get(variable, index.place)
}

interface ElementStore extends ElementParts {
  readonly value: Expression
  readonly place: Place
  readonly isUsed: boolean
}

/** Array, index and value in this order; the value of the assignment is the value unrounded. */
function storeElement({ array, index, prepare, value, place, isUsed }: ElementStore): Expression {
  const items = [...prepare]
  let target = array
  if (array.kind === 'get' && assigns(value, array.variable)) {
    const [kept, again] = twice(array, '(array)')
    items.push(kept)
    target = again
  }
  if (!isUsed) {
    const store = expression('store', 'void', place, { array: target, index, value, ...UNSURE })
    return sequence([...items, store], place)
  }
  const before = newVariable('(index)', 'number', index.place)
  const [kept, again] = twice(value, '(value)')
  items.push(set(before, index, index.place), kept)
  const store = { array: target, index: get(before, index.place), value: again, ...UNSURE }
  items.push(expression('store', 'void', place, store), again)
  return sequence(items, place)
}

export function lowerUpdate(
  context: Context,
  node: NodeOf<'UpdateExpression'>,
  isUsed: boolean,
): Expression {
  const place = placeIn(context, node)
  const target = targetOf(context, node.argument)
  const operator = node.operator === '++' ? '+' : '-'
  const one = numberLiteral(1, place)
  if (target.type === 'Identifier') {
    const before = toNumber(lowerExpression(context, target))
    if (!isUsed || node.prefix)
      return assignName(context, target, arithmetic(operator, before, one, place), place)
    const [kept, again] = twice(plain(before), '(before)')
    const after = assignName(context, target, arithmetic(operator, again, one, place), place)
    return sequence([kept, after, again], place)
  }
  const { array, index, prepare } = elementOf(context, target)
  const kept = keep(index, prepare)
  const element = expression('load', 'number', place, { array, index: kept, ...UNSURE })
  if (!isUsed || node.prefix) {
    const value = arithmetic(operator, element, one, place)
    return storeElement({ array, index: kept, prepare, value, place, isUsed })
  }
  const [before, again] = twice(plain(element), '(before)')
  const value = arithmetic(operator, again, one, place)
  const stored = { array, index: kept, prepare: [...prepare, before], value, place, isUsed: false }
  return sequence([storeElement(stored), again], place)
}

/** `x++` gives a number: NaN, not undefined, of an element out of bounds. */
function plain(value: Expression): Expression {
  return arithmetic('-', value, numberLiteral(0, value.place), value.place)
}

/** `[a, b] = [b, a]`: all values first, then all targets from left to right. */
function lowerSwap(
  context: Context,
  pattern: Extract<NodeOf<'AssignmentExpression'>['left'], { type: 'ArrayPattern' }>,
  right: ExpressionNode,
): Expression {
  if (right.type !== 'ArrayExpression' || right.elements.length !== pattern.elements.length)
    return refuseConstruct(
      context,
      pattern,
      'destructuring of other than as many values in brackets',
    )
  const items: Expression[] = []
  const values = right.elements.map((node): Expression => {
    if (!node || node.type === 'SpreadElement')
      return refuseConstruct(context, right, 'a hole or a spread in brackets')
    const [kept, again] = twice(lowerExpression(context, node), '(swapped)')
    if (kept !== again) items.push(kept)
    return again
  })
  for (const [i, each] of pattern.elements.entries()) {
    if (!each) return refuseConstruct(context, pattern, 'a hole in destructuring')
    const target = targetOf(context, each)
    const place = placeIn(context, target)
    if (target.type === 'Identifier') items.push(assignName(context, target, values[i], place))
    else {
      const parts = elementOf(context, target)
      items.push(storeElement({ ...parts, value: toNumber(values[i]), place, isUsed: false }))
    }
  }
  return sequence(items, placeIn(context, right))
}
