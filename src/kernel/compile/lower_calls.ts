// Calls: of the user's functions, of Math and Number, of methods of arrays. Called by the lowering
// of expressions.
import { isHypotKnown } from './host_math.ts'
import { type Expression, expression, type MathName, numberLiteral } from './ir.ts'
import { arrayOperand, globalObject, listOf, newArray } from './lower_arrays.ts'
import { lowerExpression, refuseConstruct } from './lower_expressions.ts'
import { callTemplate } from './lower_functions.ts'
import { callLibrary, isIntrinsic, lowerIntrinsic, lowerMethod } from './lower_methods.ts'
import { arithmetic, toCondition, toNumber } from './lower_operators.ts'
import { type Context, placeIn, refuseNode, templateOf } from './scope.ts'
import type { ExpressionNode, NodeOf, Place } from './syntax.ts'
import { isFunction } from './syntax_names.ts'
import { isTypedArrayName } from './types.ts'

type CallNode = NodeOf<'CallExpression'>

/** How many arguments it takes; 'any': as many as there are. */
const mathFunctions: Readonly<Record<string, number | 'any'>> = {
  abs: 1,
  acos: 1,
  acosh: 1,
  asin: 1,
  asinh: 1,
  atan: 1,
  atan2: 2,
  atanh: 1,
  cbrt: 1,
  ceil: 1,
  clz32: 1,
  cos: 1,
  cosh: 1,
  exp: 1,
  expm1: 1,
  floor: 1,
  fround: 1,
  hypot: 'any',
  imul: 2,
  log: 1,
  log10: 1,
  log1p: 1,
  log2: 1,
  max: 'any',
  min: 'any',
  pow: 2,
  round: 1,
  sign: 1,
  sin: 1,
  sinh: 1,
  sqrt: 1,
  tan: 1,
  tanh: 1,
  trunc: 1,
}

/** Of Number, and those global functions that mean the same of a number. */
const numberTests = new Set(['isNaN', 'isFinite', 'isInteger', 'isSafeInteger'])

export function lowerCall(context: Context, node: CallNode): Expression {
  const { callee } = node
  if (callee.type === 'MemberExpression') return lowerMemberCall(context, node, callee)
  if (callee.type === 'Identifier') return lowerNamedCall(context, node, callee.name)
  const inside = callee.type === 'ParenthesizedExpression' ? callee.expression : callee
  if (isFunction(inside)) {
    const template = templateOf('(function)', inside, context)
    return callTemplate(context, template, argumentsOf(context, node), placeIn(context, node))
  }
  return refuseConstruct(context, node, 'a call of other than a function by its name')
}

function argumentsOf(context: Context, node: CallNode): Expression[] {
  return node.arguments.map((argument) =>
    argument.type === 'SpreadElement' || argument.type === 'ArgumentPlaceholder'
      ? refuseConstruct(context, argument, 'a spread argument')
      : lowerExpression(context, argument),
  )
}

function lowerNamedCall(context: Context, node: CallNode, name: string): Expression {
  const place = placeIn(context, node)
  const binding = context.scope.find(name)
  if (binding?.kind === 'function')
    return callTemplate(context, binding.template, argumentsOf(context, node), place)
  if (binding?.kind === 'foreign') return refuseNode(context, node, `'${name}' is ${binding.what}`)
  if (binding !== undefined)
    return refuseNode(context, node, `'${name}' is called and is no function`)
  if (isIntrinsic(context, name)) return lowerIntrinsic(context, name, node)
  if (name === 'isNaN' || name === 'isFinite')
    return test(name, arithmetic('-', only(context, node), numberLiteral(0, place), place), place)
  if (name === 'Number') return toNumber(only(context, node))
  if (name === 'Boolean') return toCondition(only(context, node))
  return refuseConstruct(context, node, `'${name}()'`)
}

function only(context: Context, node: CallNode): Expression {
  const values = argumentsOf(context, node)
  return values.length === 1
    ? values[0]
    : refuseConstruct(context, node, 'this number of arguments')
}

function test(name: MathName, value: Expression, place: Place): Expression {
  return expression('math', 'boolean', place, { name, values: [value] })
}

function lowerMemberCall(
  context: Context,
  node: CallNode,
  callee: NodeOf<'MemberExpression'>,
): Expression {
  const { property } = callee
  if (callee.computed || property.type !== 'Identifier' || callee.object.type === 'Super')
    return refuseConstruct(context, node, 'a call of a computed member')
  const object = globalObject(context, callee.object)
  const { name } = property
  if (object === undefined) return lowerMethod(context, node, callee)
  if (object === 'Math') return lowerMath(context, node, name)
  if (object === 'Number' && numberTests.has(name)) {
    const value = only(context, node)
    const isExact = name === 'isNaN' ? 'isNumberNaN' : (name as MathName)
    return test(isExact, toNumber(value), placeIn(context, node))
  }
  if (object === 'Object' && name === 'is') return lowerObjectIs(context, node)
  if (isTypedArrayName(object) && (name === 'of' || name === 'from'))
    return lowerArrayOf(context, node, object, name)
  if (object === 'Date' || object === 'performance')
    return refuseNode(
      context,
      node,
      `'${object}.${name}()' gives another value each time: give it as a parameter`,
    )
  return refuseConstruct(context, node, `'${object}.${name}()'`)
}

function lowerMath(context: Context, node: CallNode, name: string): Expression {
  const place = placeIn(context, node)
  if (name === 'random')
    return refuseNode(
      context,
      node,
      `'Math.random()' gives another value each time: give random numbers as an array`,
    )
  const count = Object.hasOwn(mathFunctions, name) ? mathFunctions[name] : undefined
  if (count === undefined) return refuseConstruct(context, node, `'Math.${name}()'`)
  const values = argumentsOf(context, node).map(toNumber)
  if (count !== 'any' && values.length !== count)
    return refuseConstruct(context, node, `'Math.${name}()' of ${values.length} arguments`)
  if (name === 'hypot' && (values.length === 2 || values.length === 3) && isHypotKnown())
    return callLibrary(context, `hypot${values.length}`, values, place)
  return mathOf(name as MathName, values, place)
}

function mathOf(name: MathName, values: readonly Expression[], place: Place): Expression {
  const literals = values.map((value) => (value.kind === 'number' ? value.value : undefined))
  if (literals.every((value) => value !== undefined)) {
    const host = Math[name as 'max'] as (...values: number[]) => number
    return numberLiteral(host(...literals), place)
  }
  if (name === 'pow') return arithmetic('**', values[0], values[1], place)
  if ((name === 'min' || name === 'max') && values.length > 2) {
    const first = mathOf(name, values.slice(0, -1), place)
    return expression('math', 'number', place, { name, values: [first, values[values.length - 1]] })
  }
  if ((name === 'min' || name === 'max') && values.length === 1)
    return arithmetic('-', values[0], numberLiteral(0, place), place)
  return expression('math', 'number', place, { name, values })
}

/** Tells 0 from -0, and NaN from nothing. */
function lowerObjectIs(context: Context, node: CallNode): Expression {
  const values = argumentsOf(context, node)
  const place = placeIn(context, node)
  if (values.length !== 2 || values.some(({ type }) => type !== 'number'))
    return refuseConstruct(context, node, "'Object.is()' of other than two numbers")
  return expression('math', 'boolean', place, { name: 'isSame', values })
}

function lowerArrayOf(
  context: Context,
  node: CallNode,
  type: Parameters<typeof newArray>[1],
  name: string,
): Expression {
  const place = placeIn(context, node)
  if (name === 'of') return listOf(type, argumentsOf(context, node).map(toNumber), place)
  const [argument] = node.arguments
  if (node.arguments.length !== 1 || argument.type === 'SpreadElement')
    return refuseConstruct(context, node, `'${type}.from()' with a function`)
  if (argument.type !== 'ArrayExpression') arrayOperand(context, argument as ExpressionNode)
  return newArray(context, type, argument as ExpressionNode, place)
}
