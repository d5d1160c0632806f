// Names in a tree, without resolving them: which a statement mentions, which are assigned, which a
// function declares with var. Used where the lowering has to know before it comes to them.
import type { AnyNode, FunctionNode, NodeOf } from './syntax.ts'

type Specifier = NodeOf<'ImportDeclaration'>['specifiers'][number]

/** Every node below, itself first; `enter` answers whether to go into it. */
export function eachNode(node: AnyNode, enter: (node: AnyNode) => boolean): void {
  if (!enter(node)) return
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const each of value) if (isNode(each)) eachNode(each, enter)
    } else if (isNode(value)) eachNode(value, enter)
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

export function sizeOf(node: AnyNode): number {
  let size = 0
  eachNode(node, () => ++size > 0)
  return size
}

export function mentions(node: AnyNode, name: string): boolean {
  let found = false
  eachNode(node, (each) => {
    found ||= each.type === 'Identifier' && (each as NodeOf<'Identifier'>).name === name
    return !found
  })
  return found
}

/** Names that are assigned as a whole (`x = …`, `x++`) anywhere in it. */
export function assignedNames(node: AnyNode): ReadonlySet<string> {
  const names = new Set<string>()
  eachNode(node, (each) => {
    const target = assignmentTarget(each)
    if (target?.type === 'Identifier') names.add((target as NodeOf<'Identifier'>).name)
    return true
  })
  return names
}

function assignmentTarget(node: AnyNode): AnyNode | undefined {
  if (node.type === 'AssignmentExpression') return (node as NodeOf<'AssignmentExpression'>).left
  if (node.type === 'UpdateExpression') return (node as NodeOf<'UpdateExpression'>).argument
  return undefined
}

/** A place where an element of the array `name` is assigned; undefined where there is none. */
export function elementWrite(node: AnyNode, name: string): AnyNode | undefined {
  let found: AnyNode | undefined
  eachNode(node, (each) => {
    const target = assignmentTarget(each)
    if (target?.type === 'MemberExpression') {
      const { object } = target as NodeOf<'MemberExpression'>
      if (object.type === 'Identifier' && object.name === name) found ??= each
    }
    return found === undefined
  })
  return found
}

export function isFunction(node: AnyNode): node is FunctionNode {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

/** The `var`s of a function's body, wherever they stand, without those of functions inside. */
export function varsOf(body: AnyNode): NodeOf<'VariableDeclaration'>['declarations'] {
  const found: NodeOf<'VariableDeclaration'>['declarations'] = []
  eachNode(body, (node) => {
    if (isFunction(node)) return false
    if (node.type === 'VariableDeclaration') {
      const declaration = node as NodeOf<'VariableDeclaration'>
      if (declaration.kind === 'var') found.push(...declaration.declarations)
    }
    return true
  })
  return found
}

/** The name in the other file. */
export function importedName(node: Specifier): string {
  if (node.type === 'ImportDefaultSpecifier') return 'default'
  if (node.type === 'ImportNamespaceSpecifier') return '*'
  return node.imported.type === 'Identifier' ? node.imported.name : node.imported.value
}
