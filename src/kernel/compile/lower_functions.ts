// Functions and their calls: small ones, and those that use variables of the function around them,
// are put in the place of the call; others are compiled by themselves, once. Called by the lowering
// of calls and by the compiler for the function that it is asked for.
import {
  type Expression,
  expression,
  type Frame,
  type FunctionIR,
  get,
  newVariable,
  numberLiteral,
  type Statement,
  set,
  type Variable,
} from './ir.ts'
import { declareBoxed, recordCall } from './lower_captures.ts'
import { lowerExpression, refuseConstruct } from './lower_expressions.ts'
import { assignable, booleanLiteral, joinable } from './lower_operators.ts'
import { lowerFunctionBody } from './lower_statements.ts'
import { parameterName, statedType, statedValueType } from './lower_types.ts'
import {
  CapturedVariable,
  type Context,
  declareVariable,
  type FunctionTemplate,
  placeIn,
  Scope,
} from './scope.ts'
import { type ParameterNode, type Place, placeOf, refuse } from './syntax.ts'
import { changedByRecursion } from './syntax_closures.ts'
import { mentions, returnsValue, sizeOf } from './syntax_names.ts'
import { isArray, type ValueType } from './types.ts'

/** Nodes of the tree; about ten lines. V8 does not inline WebAssembly by itself. */
const INLINE_SIZE = 160
const INLINE_DEPTH = 8

export interface Parameter {
  readonly name: string
  readonly type: ValueType | undefined
  /** What it is where no argument is given. */
  readonly initial: number | boolean | undefined
  readonly place: Place
}

/** Where the names of a function's types and defaults are looked up. */
function contextOf(context: Context, template: FunctionTemplate): Context {
  return { ...context, file: template.file, scope: template.scope }
}

export function parametersOf(context: Context, template: FunctionTemplate): Parameter[] {
  const { node } = template
  const around = contextOf(context, template)
  if (node.async) return refuseConstruct(around, node, 'an async function')
  if (node.generator) return refuseConstruct(around, node, 'a generator')
  if (node.typeParameters) return refuseConstruct(around, node.typeParameters, 'a generic function')
  const names = new Set(node.params.map((each) => parameterName(around, each).name))
  return node.params.map((each) => parameterOf(around, each, names))
}

function parameterOf(context: Context, node: ParameterNode, names: ReadonlySet<string>): Parameter {
  const { name, typeAnnotation, optional } = parameterName(context, node)
  const stated = statedValueType(context, typeAnnotation)
  if (optional)
    return refuseConstruct(context, node, `an optional parameter without a default ('${name}?')`)
  const place = placeIn(context, node)
  if (node.type !== 'AssignmentPattern') return { name, type: stated, initial: undefined, place }
  if ([...names].some((other) => mentions(node.right, other)))
    return refuseConstruct(context, node.right, 'a default made of another parameter')
  const value = lowerExpression(context, node.right)
  if (value.kind !== 'number' && value.kind !== 'boolean')
    return refuseConstruct(context, node.right, 'a default that is no constant')
  return { name, type: stated ?? value.type, initial: value.value, place } as Parameter
}

/** Arguments for each parameter, defaults filled in. */
function matchArguments(
  template: FunctionTemplate,
  parameters: readonly Parameter[],
  values: readonly Expression[],
  place: Place,
): Expression[] {
  if (values.length > parameters.length)
    refuse(place, `'${template.name}' takes ${parameters.length} arguments, not ${values.length}`)
  return parameters.map(({ name, type, initial }, i) => {
    const given = values.at(i)
    if (given === undefined && initial === undefined)
      refuse(place, `'${template.name}' is called without its argument '${name}'`)
    const fallback = initial === undefined ? undefined : literal(initial, place)
    if (given === undefined) return fallback as Expression
    const value = assignable(given, type ?? joinable(given))
    if (fallback === undefined || value.type !== 'number') return value
    return expression('present', 'number', place, { left: value, right: fallback })
  })
}

function literal(value: number | boolean, place: Place): Expression {
  return typeof value === 'number' ? numberLiteral(value, place) : booleanLiteral(value, place)
}

export function callTemplate(
  context: Context,
  template: FunctionTemplate,
  given: readonly Expression[],
  place: Place,
): Expression {
  const parameters = parametersOf(context, template)
  const values = matchArguments(template, parameters, given, place)
  const isOpen = context.inlining.includes(template)
  template.size ??= sizeOf(template.node)
  const isSmall = template.size <= INLINE_SIZE && context.inlining.length < INLINE_DEPTH
  const isBeing = template.instance !== undefined && template.instance.body.length === 0
  const isRecursive = isOpen || isBeing || template.instance !== undefined
  const isApart = isRecursive || (!isSmall && template.captured === undefined)
  const types = isApart ? values.map((value) => joinable(value)) : []
  const callee = isApart ? instantiate(context, template, types) : undefined
  if (callee !== undefined) return callOf(context, template, callee, values, place)
  if (isRecursive) {
    const lifted = instantiate(context, template, types) as FunctionIR
    return callOf(context, template, lifted, values, place)
  }
  return inlined(context, template, parameters, values, place)
}

function callOf(
  context: Context,
  template: FunctionTemplate,
  callee: FunctionIR,
  values: readonly Expression[],
  place: Place,
): Expression {
  callee.isCalled = true
  if (callee.frame.type === undefined)
    refuse(place, `'${template.name}' calls itself: the source has to state what it returns`)
  for (const [i, value] of values.entries()) assignable(value, callee.parameters[i].type)
  return recordCall(context, callee, values, place)
}

/** Compiles the function by itself; undefined where it uses variables of the one around it. */
export function instantiate(
  context: Context,
  template: FunctionTemplate,
  types: readonly ValueType[],
): FunctionIR | undefined {
  if (template.instance !== undefined) return template.instance
  const around = contextOf(context, template)
  const parameters = parametersOf(context, template)
  const frame = frameOf(around, template, false)
  const variables = parameters.map(({ name, type, place }, i) =>
    newVariable(name, type ?? types[i], place),
  )
  const owner: FunctionIR = {
    name: template.name,
    parameters: [...variables],
    frame,
    body: [],
    captures: template.captured === undefined ? undefined : new Map(),
    isCalled: false,
  }
  const scope = new Scope(template.scope)
  const boxed = changedByRecursion(template.node)
  const inside: Context = { ...around, scope, owner, frame, jumps: [], inlining: [], boxed }
  const declared = variables.flatMap((variable) => declareParameter(inside, variable))
  template.instance = owner
  try {
    const body = lowerFunctionBody(inside, template.node)
    owner.body = [...declared, ...body, end(template, frame)]
  } catch (error) {
    template.instance = undefined
    if (!(error instanceof CapturedVariable) || error.owner !== owner) throw error
    template.captured = error.variable
    return undefined
  }
  frame.type ??= 'void'
  return owner
}

function declareParameter(context: Context, variable: Variable): Statement[] {
  const { name, place } = variable
  if (context.boxed.has(name) && !isArray(variable.type))
    return declareBoxed(context, name, get(variable, place), place)
  declareVariable(context, name, variable)
  return []
}

/** A body is never empty once it is lowered: empty means that it is being lowered. */
function end(template: FunctionTemplate, frame: Frame): Statement {
  const { start, end: last } = template.node.body
  const place = placeOf(template.file, {
    type: '',
    start: Math.max(start ?? 0, (last ?? 1) - 1),
    end: last,
  })
  return { kind: 'end', frame, place }
}

function frameOf(context: Context, template: FunctionTemplate, isInlined: boolean): Frame {
  const { name, node } = template
  const stated = statedType(context, node.returnType)
  const type = stated ?? (returnsValue(node) ? undefined : 'void')
  const frame: Frame = { name, type, result: undefined, isInlined }
  if (type !== undefined && type !== 'void')
    frame.result = newVariable(`result of ${name}`, type, placeOf(template.file, node))
  return frame
}

function inlined(
  context: Context,
  template: FunctionTemplate,
  parameters: readonly Parameter[],
  values: readonly Expression[],
  place: Place,
): Expression {
  const around = contextOf(context, template)
  const frame = frameOf(around, template, true)
  const scope = new Scope(template.scope)
  const inlining = [...context.inlining, template]
  const boxed = changedByRecursion(template.node)
  const inside: Context = { ...around, scope, frame, jumps: [], inlining, boxed }
  const sets = parameters.flatMap(({ name, place: declared }, i): Statement[] => {
    const variable = newVariable(name, joinable(values[i]), declared)
    const value = set(variable, values[i], declared)
    return [{ kind: 'expression', value }, ...declareParameter(inside, variable)]
  })
  const body = [...sets, ...lowerFunctionBody(inside, template.node), end(template, frame)]
  frame.type ??= 'void'
  return expression('inlined', frame.type, place, { body, frame })
}

/** What `return` gives; the first one settles the type where the source states none. */
export function settleResult(context: Context, value: Expression): Expression {
  const { frame } = context
  frame.type ??= value.type
  if (frame.type === 'void') refuse(value.place, `'${frame.name}' returns nothing elsewhere`)
  frame.result ??= newVariable(`result of ${frame.name}`, frame.type, value.place)
  return assignable(value, frame.type)
}
