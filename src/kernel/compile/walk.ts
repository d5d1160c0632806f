// Goes through the trees of the intermediate program. Used by the passes that ask small questions
// of it: what is assigned, what is written, what allocates.
import type { Expression, Statement, Variable } from './ir.ts'

export function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'set':
    case 'negate':
    case 'complement':
    case 'not':
    case 'isUndefined':
    case 'truthy':
    case 'toNumber':
      return [node.value]
    case 'arithmetic':
    case 'bits':
    case 'compare':
    case 'both':
    case 'either':
    case 'present':
      return [node.left, node.right]
    case 'choose':
      return [node.test, node.yes, node.no]
    case 'math':
    case 'call':
      return node.values
    case 'length':
      return [node.array]
    case 'load':
      return [node.array, node.index]
    case 'store':
      return [node.array, node.index, node.value]
    case 'allocate':
      return [node.length]
    case 'view':
      return [node.array, node.begin, node.end]
    case 'move':
      return [node.target, node.to, node.source, node.from, node.count]
    case 'sequence':
      return node.items
    default:
      return []
  }
}

export interface Visitor {
  readonly expression?: (node: Expression) => void
  readonly statement?: (statement: Statement) => void
}

/** Every expression in it, outer before inner, and the bodies of inlined functions. */
export function walkExpression(node: Expression, visitor: Visitor): void {
  visitor.expression?.(node)
  for (const part of partsOf(node)) walkExpression(part, visitor)
  if (node.kind === 'inlined') walkBody(node.body, visitor)
}

export function walkBody(body: readonly Statement[], visitor: Visitor): void {
  for (const statement of body) {
    visitor.statement?.(statement)
    for (const value of valuesOf(statement)) walkExpression(value, visitor)
    for (const inner of bodiesOf(statement)) walkBody(inner, visitor)
  }
}

/** Whether evaluating it can change the variable. */
export function assigns(node: Expression, variable: Variable): boolean {
  let found = false
  walkExpression(node, {
    expression: (each) => {
      if (each.kind === 'set' && each.variable === variable) found = true
    },
  })
  return found
}

function valuesOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case 'expression':
      return [statement.value]
    case 'if':
      return [statement.test]
    case 'loop':
      return [statement.test, statement.update].filter((each) => each !== undefined)
    case 'switch':
      return [
        statement.value,
        ...statement.cases.map(({ test }) => test).filter((each) => each !== undefined),
      ]
    case 'return':
      return statement.value ? [statement.value] : []
    default:
      return []
  }
}

function bodiesOf(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.kind) {
    case 'block':
    case 'loop':
      return [statement.body]
    case 'if':
      return [statement.yes, statement.no]
    case 'switch':
      return statement.cases.map(({ body }) => body)
    default:
      return []
  }
}
