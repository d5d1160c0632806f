// Loops, switch, labels and jumps. Called by the lowering of statements.
import {
  type Expression,
  expression,
  get,
  newVariable,
  numberLiteral,
  type Statement,
  type SwitchCase,
  set,
  type Target,
} from './ir.ts'
import { asOperand } from './lower_arrays.ts'
import { assignName } from './lower_assignments.ts'
import {
  lowerCondition,
  lowerEffect,
  lowerExpression,
  refuseConstruct,
  twice,
} from './lower_expressions.ts'
import { arithmetic, compare, nameOfType, toNumber } from './lower_operators.ts'
import { hoist, lowerDeclaration, lowerInside, lowerStatement } from './lower_statements.ts'
import { type Context, declareVariable, inner, type Jump, placeIn, refuseNode } from './scope.ts'
import type { NodeOf, StatementNode } from './syntax.ts'
import { isArray } from './types.ts'

type LoopNode = NodeOf<'ForStatement' | 'ForOfStatement' | 'WhileStatement' | 'DoWhileStatement'>
type LoopStatement = Extract<Statement, { kind: 'loop' }>

function target(name: string): Target {
  return { name }
}

function withJump(
  context: Context,
  labels: readonly string[],
): [Context, Jump & { continueTarget: Target }] {
  const jump = {
    labels,
    isBlock: false,
    breakTarget: target('break'),
    continueTarget: target('continue'),
  }
  return [{ ...context, jumps: [...context.jumps, jump] }, jump]
}

export function lowerLoop(
  context: Context,
  node: LoopNode,
  labels: readonly string[],
): Statement[] {
  const [around, jump] = withJump(inner(context), labels)
  switch (node.type) {
    case 'WhileStatement':
      return [
        loop(jump, {
          test: lowerCondition(around, node.test),
          body: lowerInside(around, node.body),
        }),
      ]
    case 'DoWhileStatement': {
      const body = lowerInside(around, node.body)
      return [loop(jump, { testFirst: false, test: lowerCondition(around, node.test), body })]
    }
    case 'ForStatement':
      return lowerFor(around, jump, node)
    default:
      return lowerForOf(around, jump, node)
  }
}

function loop(
  { breakTarget, continueTarget }: { breakTarget: Target; continueTarget: Target },
  { test, ...parts }: Partial<LoopStatement>,
): LoopStatement {
  // Code after an endless loop is reached by break alone.
  const isEndless = test?.kind === 'boolean' && test.value
  return {
    kind: 'loop',
    test: isEndless ? undefined : test,
    testFirst: true,
    update: undefined,
    body: [],
    breakTarget,
    continueTarget,
    ...parts,
  }
}

type JumpOfLoop = Jump & { continueTarget: Target }

function lowerFor(context: Context, jump: JumpOfLoop, node: NodeOf<'ForStatement'>): Statement[] {
  const before: Statement[] = []
  if (node.init?.type === 'VariableDeclaration') {
    hoist(context, node.init)
    before.push(...lowerDeclaration(context, node.init))
  } else if (node.init) before.push({ kind: 'expression', value: lowerEffect(context, node.init) })
  const test = node.test ? lowerCondition(context, node.test) : undefined
  const body = lowerInside(context, node.body)
  const update = node.update ? lowerEffect(context, node.update) : undefined
  return [...before, loop(jump, { test, body, update })]
}

/** Over a typed array or a list: by index, up to its length. */
function lowerForOf(
  context: Context,
  jump: JumpOfLoop,
  node: NodeOf<'ForOfStatement'>,
): Statement[] {
  if (node.await) return refuseConstruct(context, node, "'for await'")
  const place = placeIn(context, node.right)
  const value = lowerExpression(context, node.right)
  if (!isArray(value.type))
    return refuseNode(context, node.right, `'for … of' goes over ${nameOfType(value.type)}`)
  const operand = asOperand(value)
  const kept = twice(operand.array, '(array)')
  const array = operand.array.kind === 'get' ? kept[1] : operand.array
  const prepare = operand.array.kind === 'get' ? [...operand.prepare, kept[0]] : operand.prepare
  const counter = newVariable('(index)', 'number', place)
  const index = (): Expression => get(counter, place)
  const element = expression('load', 'number', place, {
    array,
    index: index(),
    isCertain: true,
    inBounds: true,
  })
  const first = assignElementName(context, node.left, element)
  const body = [...first, ...lowerInside(context, node.body)]
  const next = arithmetic('+', index(), numberLiteral(1, place), place)
  return [
    ...prepare.map((each): Statement => ({ kind: 'expression', value: each })),
    { kind: 'expression', value: set(counter, numberLiteral(0, place), place) },
    loop(jump, {
      test: compare('<', index(), expression('length', 'number', place, { array }), place),
      update: set(counter, next, place),
      body,
    }),
  ]
}

function assignElementName(
  context: Context,
  left: NodeOf<'ForOfStatement'>['left'],
  element: Expression,
): Statement[] {
  const place = placeIn(context, left)
  if (left.type === 'Identifier')
    return [{ kind: 'expression', value: assignName(context, left, element, place) }]
  const id = left.type === 'VariableDeclaration' ? left.declarations[0].id : undefined
  if (left.type !== 'VariableDeclaration' || id?.type !== 'Identifier')
    return refuseConstruct(context, left, 'destructuring')
  if (left.kind === 'var')
    return [{ kind: 'expression', value: assignName(context, id, element, place) }]
  const variable = newVariable(id.name, 'number', place)
  declareVariable(context, id.name, variable, { isConstant: left.kind === 'const' })
  return [{ kind: 'expression', value: set(variable, element, place) }]
}

export function lowerLabeled(
  context: Context,
  node: NodeOf<'LabeledStatement'>,
  outer: readonly string[],
): Statement[] {
  const labels = [...outer, node.label.name]
  const { body } = node
  switch (body.type) {
    case 'LabeledStatement':
      return lowerLabeled(context, body, labels)
    case 'ForStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      return lowerLoop(context, body, labels)
    case 'SwitchStatement':
      return lowerSwitch(context, body, labels)
    default: {
      const breakTarget = target(node.label.name)
      const jump: Jump = { labels, isBlock: true, breakTarget, continueTarget: undefined }
      const around = { ...inner(context), jumps: [...context.jumps, jump] }
      return [{ kind: 'block', body: lowerStatement(around, body), target: breakTarget }]
    }
  }
}

export function lowerSwitch(
  context: Context,
  node: NodeOf<'SwitchStatement'>,
  labels: readonly string[],
): Statement[] {
  const value = lowerExpression(context, node.discriminant)
  const switched = toNumber(value)
  const variable = newVariable('(switched)', 'number', switched.place)
  // A node for each use: what is known of the value narrows from case to case.
  const again = (): Expression => get(variable, switched.place)
  const breakTarget = target('break')
  const jump: Jump = { labels, isBlock: false, breakTarget, continueTarget: undefined }
  const around = { ...inner(context), jumps: [...context.jumps, jump] }
  for (const each of node.cases) for (const statement of each.consequent) hoist(around, statement)
  const cases = node.cases.map((each): SwitchCase => {
    const test = each.test ? lowerExpression(around, each.test) : undefined
    if (test && test.type !== value.type)
      refuseNode(
        context,
        each,
        `this case is ${nameOfType(test.type)}, not ${nameOfType(value.type)}`,
      )
    return {
      test: test && compare('===', again(), toNumber(test), test.place),
      body: lowerCase(around, each.consequent),
    }
  })
  return [
    { kind: 'expression', value: set(variable, switched, switched.place) },
    { kind: 'switch', value: again(), cases, target: breakTarget },
  ]
}

function lowerCase(context: Context, nodes: readonly StatementNode[]): Statement[] {
  return nodes.flatMap((node) => lowerStatement(context, node))
}

export function lowerJump(
  context: Context,
  node: NodeOf<'BreakStatement' | 'ContinueStatement'>,
): Statement[] {
  const { label, type } = node
  const isBreak = type === 'BreakStatement'
  const jump = context.jumps.findLast(
    ({ labels, isBlock, continueTarget }) =>
      (isBreak || continueTarget !== undefined) && (label ? labels.includes(label.name) : !isBlock),
  )
  const to = isBreak ? jump?.breakTarget : jump?.continueTarget
  if (to === undefined) return refuseConstruct(context, node, 'this jump')
  return [{ kind: 'goto', target: to }]
}
