// Statements of the source into those of the intermediate program: declarations, conditions, return
// and throw. Loops and switch have a file of their own. Called by the lowering of functions.
import { type Expression, expression, newVariable, type Statement, set } from './ir.ts'
import { assignName } from './lower_assignments.ts'
import { declareBoxed } from './lower_captures.ts'
import {
  lowerCondition,
  lowerEffect,
  lowerExpression,
  refuseConstruct,
} from './lower_expressions.ts'
import { settleResult } from './lower_functions.ts'
import { lowerJump, lowerLabeled, lowerLoop, lowerSwitch } from './lower_loops.ts'
import { assignable } from './lower_operators.ts'
import { statedValueType } from './lower_types.ts'
import { type Context, declareVariable, inner, placeIn, refuseNode, templateOf } from './scope.ts'
import type { FunctionNode, NodeOf, StatementNode } from './syntax.ts'
import { isFunction, varsOf } from './syntax_names.ts'

type Lower<T extends StatementNode['type']> = (context: Context, node: NodeOf<T>) => Statement[]
type Handlers = { readonly [T in StatementNode['type']]?: Lower<T> }
type Declaration = NodeOf<'VariableDeclaration'>
type Declarator = Declaration['declarations'][number]

const handlers: Handlers = {
  BlockStatement: (context, node) => [
    { kind: 'block', body: lowerBlock(inner(context), node.body), target: undefined },
  ],
  BreakStatement: lowerJump,
  ContinueStatement: lowerJump,
  DoWhileStatement: (context, node) => lowerLoop(context, node, []),
  EmptyStatement: () => [],
  ExpressionStatement: (context, node) => [
    { kind: 'expression', value: lowerEffect(context, node.expression) },
  ],
  ForOfStatement: (context, node) => lowerLoop(context, node, []),
  ForStatement: (context, node) => lowerLoop(context, node, []),
  FunctionDeclaration: () => [],
  IfStatement: (context, node) => [
    {
      kind: 'if',
      test: lowerCondition(context, node.test),
      yes: lowerInside(context, node.consequent),
      no: node.alternate ? lowerInside(context, node.alternate) : [],
    },
  ],
  LabeledStatement: (context, node) => lowerLabeled(context, node, []),
  ReturnStatement: lowerReturn,
  SwitchStatement: (context, node) => lowerSwitch(context, node, []),
  ThrowStatement: lowerThrow,
  TSInterfaceDeclaration: () => [],
  TSTypeAliasDeclaration: () => [],
  VariableDeclaration: lowerDeclaration,
  WhileStatement: (context, node) => lowerLoop(context, node, []),
}

const constructs: Readonly<Record<string, string>> = {
  ClassDeclaration: 'a class',
  DebuggerStatement: "'debugger'",
  ForInStatement: "'for … in'",
  TryStatement: "'try'",
  TSEnumDeclaration: 'an enum',
  TSModuleDeclaration: 'a namespace',
  WithStatement: "'with'",
}

export function lowerStatement(context: Context, node: StatementNode): Statement[] {
  const handler = handlers[node.type] as Lower<StatementNode['type']> | undefined
  if (handler !== undefined) return handler(context, node as never)
  return refuseConstruct(context, node, constructs[node.type] ?? node.type)
}

/** A statement that is no block has a scope of its own all the same. */
export function lowerInside(context: Context, node: StatementNode): Statement[] {
  return node.type === 'BlockStatement'
    ? lowerBlock(inner(context), node.body)
    : lowerBlock(inner(context), [node])
}

/** Functions are known before the first statement; let and const too, but must not be used yet. */
function lowerBlock(context: Context, nodes: readonly StatementNode[]): Statement[] {
  for (const node of nodes) hoist(context, node)
  return nodes.flatMap((node) => lowerStatement(context, node))
}

export function hoist(context: Context, node: StatementNode): void {
  if (node.type === 'FunctionDeclaration' && node.id) declareFunction(context, node.id.name, node)
  if (node.type !== 'VariableDeclaration' || node.kind === 'var') return
  for (const declarator of node.declarations) {
    const { id, init } = declarator
    if (id.type !== 'Identifier') continue
    if (init && isFunction(init)) declareFunction(context, id.name, init)
    else
      declareVariable(context, id.name, newVariable(id.name, 'number', placeIn(context, id)), {
        isReady: false,
      })
  }
}

function declareFunction(context: Context, name: string, node: FunctionNode): void {
  context.scope.declare(name, {
    kind: 'function',
    template: templateOf(name, node, context),
  })
}

export function lowerFunctionBody(context: Context, node: FunctionNode): Statement[] {
  const { body } = node
  if (body.type !== 'BlockStatement') {
    const value = lowerExpression(context, body)
    return returned(context, value)
  }
  const declared = varsOf(body).flatMap((each) => declareVar(context, each))
  return [...declared, ...lowerBlock(inner(context), body.body)]
}

function declareVar(context: Context, node: Declarator): Statement[] {
  if (node.id.type !== 'Identifier') return refuseConstruct(context, node.id, 'destructuring')
  const { name, typeAnnotation } = node.id
  if (context.scope.own(name) !== undefined) return []
  const type = statedValueType(context, typeAnnotation)
  const place = placeIn(context, node.id)
  const variable = newVariable(name, type ?? 'number', place)
  declareVariable(context, name, variable, { isUntyped: type === undefined })
  return [{ kind: 'declare', variable, place }]
}

export function lowerDeclaration(context: Context, node: Declaration): Statement[] {
  if (node.kind === 'using' || node.kind === 'await using')
    return refuseConstruct(context, node, `'${node.kind}'`)
  return node.declarations.flatMap((each) => {
    if (each.id.type === 'ArrayPattern') return lowerPattern(context, node, each)
    if (each.id.type !== 'Identifier') return refuseConstruct(context, each.id, 'destructuring')
    if (each.init && isFunction(each.init)) return []
    return node.kind === 'var' ? lowerVar(context, each) : lowerLet(context, node, each)
  })
}

function lowerVar(context: Context, node: Declarator): Statement[] {
  if (!node.init || node.id.type !== 'Identifier') return []
  const value = lowerExpression(context, node.init)
  return [
    { kind: 'expression', value: assignName(context, node.id, value, placeIn(context, node)) },
  ]
}

function lowerLet(context: Context, node: Declaration, declarator: Declarator): Statement[] {
  const { id, init } = declarator
  if (id.type !== 'Identifier') return []
  const place = placeIn(context, id)
  const stated = statedValueType(context, id.typeAnnotation)
  const isConstant = node.kind === 'const'
  if (!init) {
    const variable = newVariable(id.name, stated ?? 'number', place)
    declareVariable(context, id.name, variable, { isUntyped: stated === undefined })
    return [{ kind: 'declare', variable, place }]
  }
  const value = lowerExpression(context, init)
  return declareWith(context, { name: id.name, value, stated, isConstant, place })
}

interface NewName {
  readonly name: string
  readonly value: Expression
  readonly stated: ReturnType<typeof statedValueType>
  readonly isConstant: boolean
  readonly place: Statement extends never ? never : Expression['place']
}

function declareWith(context: Context, made: NewName): Statement[] {
  const { name, value, stated, isConstant, place } = made
  if (value.type === 'void') return refuseNode(context, { type: '', ...place }, 'this has no value')
  const type = stated ?? value.type
  const isLiteral = value.kind === 'number' || value.kind === 'boolean'
  if (isConstant && isLiteral && type === value.type) {
    context.scope.declare(name, { kind: 'constant', value: value.value })
    return []
  }
  if (!isConstant && context.boxed.has(name))
    return declareBoxed(context, name, assignable(value, type), place)
  const variable = newVariable(name, type, place)
  declareVariable(context, name, variable, { isConstant })
  return [{ kind: 'expression', value: set(variable, assignable(value, type), place) }]
}

/** `const [a, b] = …` of a list: its first elements. */
function lowerPattern(context: Context, node: Declaration, declarator: Declarator): Statement[] {
  const { id, init } = declarator
  if (id.type !== 'ArrayPattern' || !init || node.kind === 'var')
    return refuseConstruct(context, id, 'destructuring')
  const value = lowerExpression(context, init)
  const place = placeIn(context, init)
  if (value.type !== 'number[]') return refuseConstruct(context, id, 'destructuring of no list')
  const list = newVariable('(list)', 'number[]', place)
  const array = expression('get', 'number[]', place, { variable: list })
  const rest = id.elements.flatMap((each, i) => {
    if (each === null) return []
    if (each.type !== 'Identifier') return refuseConstruct(context, each, 'this destructuring')
    const index = expression('number', 'number', place, { value: i })
    const item = { array, index, isCertain: false, inBounds: false }
    return declareWith(context, {
      name: each.name,
      value: expression('load', 'number', placeIn(context, each), item),
      stated: undefined,
      isConstant: node.kind === 'const',
      place: placeIn(context, each),
    })
  })
  return [{ kind: 'expression', value: set(list, value, place) }, ...rest]
}

function lowerReturn(context: Context, node: NodeOf<'ReturnStatement'>): Statement[] {
  if (node.argument) return returned(context, lowerExpression(context, node.argument))
  const { frame } = context
  frame.type ??= 'void'
  if (frame.type !== 'void')
    return refuseNode(context, node, `'${frame.name}' returns a value elsewhere`)
  return [{ kind: 'return', value: undefined, frame }]
}

function returned(context: Context, value: Expression): Statement[] {
  const { frame } = context
  if (value.type === 'void' && (frame.type ?? 'void') === 'void') {
    frame.type = 'void'
    return [
      { kind: 'expression', value },
      { kind: 'return', value: undefined, frame },
    ]
  }
  // The arrow function of a statement: its value is not asked for.
  if (frame.type === 'void') return [{ kind: 'expression', value }]
  return [{ kind: 'return', value: settleResult(context, value), frame }]
}

function lowerThrow(context: Context, node: NodeOf<'ThrowStatement'>): Statement[] {
  const made = node.argument
  const isError =
    (made.type === 'NewExpression' || made.type === 'CallExpression') &&
    made.callee.type === 'Identifier' &&
    /^(\w+)?Error$/.test(made.callee.name)
  if (!isError) return refuseConstruct(context, node, 'a throw of other than new Error(…)')
  const name = made.callee.type === 'Identifier' ? made.callee.name : 'Error'
  const [argument] = made.arguments
  const prefix = name === 'Error' ? '' : `${name}: `
  return [
    { kind: 'throw', text: `${prefix}${textOf(context, argument)}`, place: placeIn(context, node) },
  ]
}

function textOf(context: Context, node: NodeOf<'NewExpression'>['arguments'][number] | undefined) {
  if (node === undefined) return ''
  if (node.type === 'StringLiteral') return node.value
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0].value.cooked ?? ''
  return refuseConstruct(context, node, 'an error whose text is no constant')
}
