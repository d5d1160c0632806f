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

/** Names that get a value anywhere in it: `x = …`, `x++`, `[x] = …`, `for (x of …)`. */
export function assignedNames(node: AnyNode): ReadonlySet<string> {
  const names = new Set<string>()
  eachNode(node, (each) => {
    for (const target of assignmentTargets(each))
      if (target.type === 'Identifier') names.add((target as NodeOf<'Identifier'>).name)
    return true
  })
  return names
}

/** What a node gives values to: names, members, or the wrappers of types around them. */
function assignmentTargets(node: AnyNode): readonly AnyNode[] {
  switch (node.type) {
    case 'AssignmentExpression':
    case 'ForOfStatement':
    case 'ForInStatement':
      return targetsIn((node as NodeOf<'AssignmentExpression'>).left)
    case 'UpdateExpression':
      return targetsIn((node as NodeOf<'UpdateExpression'>).argument)
    default:
      return []
  }
}

/** Of a pattern all names and members in it, the values of its defaults among them. */
function targetsIn(target: AnyNode): readonly AnyNode[] {
  if (target.type === 'VariableDeclaration') return []
  if (!/(Pattern|Element|Expression|Assertion)$/.test(target.type)) return [target]
  if (target.type === 'MemberExpression') return [target]
  const found: AnyNode[] = []
  eachNode(target, (each) => {
    const isEnd = each.type === 'Identifier' || each.type === 'MemberExpression'
    if (isEnd) found.push(each)
    return !isEnd
  })
  return found
}

const writingMethods = new Set(['copyWithin', 'fill', 'reverse', 'set', 'sort'])
const listMethods = new Set(['pop', 'push', 'shift', 'splice', 'unshift'])

/** Whether elements of the array `name` may change in it: by an assignment or by a method. */
export function writesElements(node: AnyNode, name: string): boolean {
  let found = false
  eachNode(node, (each) => {
    found ||= assignmentTargets(each).some((target) => isElementOf(target, name))
    if (each.type === 'CallExpression') {
      const { callee } = each as NodeOf<'CallExpression'>
      found ||= isElementOf(callee, name) && isWritingMethod(callee)
    }
    return !found
  })
  return found
}

function isElementOf(node: AnyNode, name: string): boolean {
  if (node.type !== 'MemberExpression') return false
  const { object } = node as NodeOf<'MemberExpression'>
  return object.type === 'Identifier' && object.name === name
}

function isWritingMethod(node: AnyNode): boolean {
  const { property } = node as NodeOf<'MemberExpression'>
  if (property.type !== 'Identifier') return true
  return writingMethods.has(property.name) || listMethods.has(property.name)
}

export function isFunction(node: AnyNode): node is FunctionNode {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

/** An arrow function without braces returns what it is. */
export function returnsValue({ body }: FunctionNode): boolean {
  if (body.type !== 'BlockStatement') return true
  let found = false
  eachNode(body, (node) => {
    found ||=
      node.type === 'ReturnStatement' && Boolean((node as NodeOf<'ReturnStatement'>).argument)
    return !found && !isFunction(node)
  })
  return found
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
