// Expressions of the source into those of the intermediate program. Called by the lowering of
// statements; calls, arrays and assignments have files of their own.
import {
  type Expression,
  type ExpressionOf,
  expression,
  get,
  newVariable,
  numberLiteral,
  sequence,
  set,
} from './ir.ts'
import { lowerArrayLiteral, lowerElement, lowerMember, lowerNew } from './lower_arrays.ts'
import { lowerAssignment, lowerUpdate } from './lower_assignments.ts'
import { lowerCall } from './lower_calls.ts'
import { readVariable } from './lower_captures.ts'
import {
  binary,
  booleanLiteral,
  compare,
  complement,
  isArithmetic,
  isBits,
  isComparison,
  nameOfType,
  negate,
  not,
  toCondition,
  toNumber,
} from './lower_operators.ts'
import { type Context, placeIn, refuseNode } from './scope.ts'
import type { AnyNode, ExpressionNode, NodeOf, Place } from './syntax.ts'

type Lower<T extends ExpressionNode['type']> = (context: Context, node: NodeOf<T>) => Expression
type Handlers = { readonly [T in ExpressionNode['type']]?: Lower<T> }

const handlers: Handlers = {
  NumericLiteral: (context, node) => numberLiteral(node.value, placeIn(context, node)),
  BooleanLiteral: (context, node) => booleanLiteral(node.value, placeIn(context, node)),
  Identifier: lowerIdentifier,
  ParenthesizedExpression: (context, node) => lowerExpression(context, node.expression),
  TSAsExpression: (context, node) => lowerExpression(context, node.expression),
  TSSatisfiesExpression: (context, node) => lowerExpression(context, node.expression),
  TSNonNullExpression: (context, node) => lowerExpression(context, node.expression),
  TSTypeAssertion: (context, node) => lowerExpression(context, node.expression),
  UnaryExpression: lowerUnary,
  BinaryExpression: lowerBinary,
  LogicalExpression: lowerLogical,
  ConditionalExpression: lowerConditional,
  SequenceExpression: (context, node) => {
    const last = node.expressions.length - 1
    return sequence(
      node.expressions.map((each, i) => (i < last ? lowerEffect : lowerExpression)(context, each)),
      placeIn(context, node),
    )
  },
  AssignmentExpression: (context, node) => lowerAssignment(context, node, true),
  UpdateExpression: (context, node) => lowerUpdate(context, node, true),
  CallExpression: lowerCall,
  NewExpression: lowerNew,
  ArrayExpression: lowerArrayLiteral,
  MemberExpression: (context, node) =>
    node.computed ? lowerElement(context, node) : lowerMember(context, node),
}

const constructs: Readonly<Record<string, string>> = {
  StringLiteral: 'a text',
  TemplateLiteral: 'a text',
  BigIntLiteral: 'a bigint',
  NullLiteral: 'null',
  RegExpLiteral: 'a regular expression',
  ObjectExpression: 'an object',
  ArrowFunctionExpression: 'a function as a value',
  FunctionExpression: 'a function as a value',
  ClassExpression: 'a class',
  AwaitExpression: 'await',
  YieldExpression: 'yield',
  ThisExpression: "'this'",
  Super: "'super'",
  Import: 'import()',
  ImportExpression: 'import()',
  MetaProperty: 'import.meta',
  TaggedTemplateExpression: 'a tagged template',
  OptionalMemberExpression: "'?.'",
  OptionalCallExpression: "'?.'",
}

/** Its value is used. */
export function lowerExpression(context: Context, node: ExpressionNode): Expression {
  const handler = handlers[node.type] as Lower<ExpressionNode['type']> | undefined
  if (handler !== undefined) return handler(context, node as never)
  refuseConstruct(context, node, constructs[node.type] ?? node.type)
}

/** Its value is not used. */
export function lowerEffect(context: Context, node: ExpressionNode): Expression {
  if (node.type === 'AssignmentExpression') return lowerAssignment(context, node, false)
  if (node.type === 'UpdateExpression') return lowerUpdate(context, node, false)
  return lowerExpression(context, node)
}

export function lowerNumber(context: Context, node: ExpressionNode): Expression {
  return toNumber(lowerExpression(context, node))
}

export function refuseConstruct(context: Context, node: AnyNode, construct: string): never {
  refuseNode(context, node, `${construct} is outside the subset that compiles`)
}

/** `&&`, `||` and `!` may join numbers and booleans here: only whether it holds is asked. */
export function lowerCondition(context: Context, node: ExpressionNode): Expression {
  if (node.type === 'LogicalExpression' && node.operator !== '??') {
    const left = lowerCondition(context, node.left)
    const right = lowerCondition(context, node.right)
    return logical(node.operator, left, right, placeIn(context, node))
  }
  if (node.type === 'ParenthesizedExpression') return lowerCondition(context, node.expression)
  return toCondition(lowerExpression(context, node))
}

function logical(
  operator: '&&' | '||',
  left: Expression,
  right: Expression,
  place: Place,
): Expression {
  if (left.kind === 'boolean') return left.value === (operator === '&&') ? right : left
  return expression(operator === '&&' ? 'both' : 'either', 'boolean', place, { left, right })
}

function lowerIdentifier(context: Context, node: NodeOf<'Identifier'>): Expression {
  const { name } = node
  const place = placeIn(context, node)
  const binding = context.scope.find(name)
  switch (binding?.kind) {
    case 'constant':
      return typeof binding.value === 'number'
        ? numberLiteral(binding.value, place)
        : booleanLiteral(binding.value, place)
    case 'data':
      return expression('data', binding.data.type, place, { data: binding.data })
    case 'variable':
      if (!binding.isReady) refuseNode(context, node, `'${name}' is used before its declaration`)
      if (binding.isUntyped)
        refuseNode(context, node, `'${name}' has no type here: declare it as let ${name}: number`)
      return readVariable(context, binding, place)
    case 'function':
      return refuseConstruct(context, node, `'${name}', a function as a value,`)
    case 'foreign':
      return refuseNode(context, node, `'${name}' is ${binding.what}`)
    default:
      return lowerGlobal(context, node, place)
  }
}

function lowerGlobal(context: Context, node: NodeOf<'Identifier'>, place: Place): Expression {
  if (node.name === 'NaN') return numberLiteral(Number.NaN, place)
  if (node.name === 'Infinity') return numberLiteral(Number.POSITIVE_INFINITY, place)
  if (node.name === 'undefined') return expression('undefined', 'number', place, {})
  refuseNode(context, node, `'${node.name}' is not known in this file`)
}

function lowerUnary(context: Context, node: NodeOf<'UnaryExpression'>): Expression {
  const place = placeIn(context, node)
  switch (node.operator) {
    case '-':
      return negate(lowerNumber(context, node.argument), place)
    case '+':
      return plus(lowerNumber(context, node.argument))
    case '~':
      return complement(lowerNumber(context, node.argument), place)
    case '!':
      return not(lowerCondition(context, node.argument), place)
    default:
      return refuseConstruct(context, node, `'${node.operator}'`)
  }
}

/** The undefined of a read out of bounds becomes NaN. */
function plus(value: Expression): Expression {
  return value.kind === 'number'
    ? value
    : binary('-', value, numberLiteral(0, value.place), value.place)
}

function lowerBinary(context: Context, node: NodeOf<'BinaryExpression'>): Expression {
  const { operator } = node
  const place = placeIn(context, node)
  if (node.left.type === 'PrivateName' || !isKnown(operator))
    return refuseConstruct(context, node, `'${operator}'`)
  const loose = operator === '==' || operator === '!='
  const left = lowerOperand(context, node.left, loose)
  const right = lowerOperand(context, node.right, loose)
  if (isArithmetic(operator) || isBits(operator)) return binary(operator, left, right, place)
  return compare(operator, left, right, place)
}

function isKnown(operator: string): boolean {
  return isArithmetic(operator) || isBits(operator) || isComparison(operator)
}

/** `== null` asks for undefined too. */
function lowerOperand(context: Context, node: ExpressionNode, loose: boolean): Expression {
  if (loose && node.type === 'NullLiteral')
    return expression('undefined', 'number', placeIn(context, node), {})
  return lowerExpression(context, node)
}

function lowerLogical(context: Context, node: NodeOf<'LogicalExpression'>): Expression {
  const place = placeIn(context, node)
  const left = lowerExpression(context, node.left)
  const right = lowerExpression(context, node.right)
  if (left.type !== right.type)
    refuseNode(
      context,
      node,
      `'${node.operator}' joins ${nameOfType(left.type)} and ${nameOfType(right.type)}`,
    )
  return joined(node.operator, left, right, place)
}

/** Of `&&`, `||` and `??` over values of one type. */
export function joined(
  operator: '&&' | '||' | '??',
  left: Expression,
  right: Expression,
  place: Place,
): Expression {
  if (operator === '??')
    return left.type === 'number' ? expression('present', 'number', place, { left, right }) : left
  if (left.type === 'boolean') return logical(operator, left, right, place)
  const [keep, value] = twice(toNumber(left), '(left)')
  const choice = operator === '&&' ? { yes: right, no: value } : { yes: value, no: right }
  return expression('choose', 'number', place, { test: toCondition(keep), ...choice })
}

/** The value, kept in a variable where it is computed, and the same once more. */
export function twice(value: Expression, name: string): [Expression, Expression] {
  if (value.kind === 'number' || value.kind === 'boolean') return [value, value]
  const variable = newVariable(name, valueType(value), value.place)
  return [set(variable, value, value.place), get(variable, value.place)]
}

function valueType(value: Expression): ExpressionOf<'get'>['variable']['type'] {
  return value.type === 'void' ? 'number' : value.type
}

function lowerConditional(context: Context, node: NodeOf<'ConditionalExpression'>): Expression {
  const test = lowerCondition(context, node.test)
  const yes = lowerExpression(context, node.consequent)
  const no = lowerExpression(context, node.alternate)
  if (yes.type !== no.type)
    refuseNode(context, node, `'?:' joins ${nameOfType(yes.type)} and ${nameOfType(no.type)}`)
  return expression('choose', yes.type, placeIn(context, node), { test, yes, no })
}
