// Which variables of a function a function inside of it changes while it may be on the way more
// than once: those cannot be parameters of it and are kept in memory. Called when a function is
// lowered.
import type { AnyNode, FunctionNode, NodeOf } from './syntax.ts'
import { assignedNames, eachNode, isFunction, mentions } from './syntax_names.ts'

const found = new WeakMap<FunctionNode, ReadonlySet<string>>()

/** By name: a variable that only has the name of one is kept in memory too. */
export function changedByRecursion(node: FunctionNode): ReadonlySet<string> {
  let names = found.get(node)
  if (names === undefined) {
    names = findChanged(node)
    found.set(node, names)
  }
  return names
}

function findChanged(node: FunctionNode): ReadonlySet<string> {
  const inside = functionsIn(node)
  const calls = new Map(
    [...inside].map(([name, fn]) => [
      name,
      [...inside.keys()].filter((other) => mentions(fn.body, other)),
    ]),
  )
  const recursive = [...inside.keys()].filter((name) =>
    reachable(calls, calls.get(name) ?? []).has(name),
  )
  const changed = new Set<string>()
  for (const name of reachable(calls, recursive)) {
    const fn = inside.get(name)
    if (fn) for (const assigned of assignedNames(fn)) changed.add(assigned)
  }
  return changed
}

/** Functions with a name, at any depth. */
function functionsIn(node: FunctionNode): ReadonlyMap<string, FunctionNode> {
  const functions = new Map<string, FunctionNode>()
  eachNode(node.body, (each) => {
    const [name, fn] = namedFunction(each)
    if (name !== undefined && fn !== undefined) functions.set(name, fn)
    return true
  })
  return functions
}

function namedFunction(node: AnyNode): [string | undefined, FunctionNode | undefined] {
  if (node.type === 'FunctionDeclaration') {
    const declaration = node as NodeOf<'FunctionDeclaration'>
    return [declaration.id?.name, declaration]
  }
  if (node.type !== 'VariableDeclarator') return [undefined, undefined]
  const { id, init } = node as AnyNode & NodeOf<'VariableDeclaration'>['declarations'][number]
  return id.type === 'Identifier' && init && isFunction(init)
    ? [id.name, init]
    : [undefined, undefined]
}

function reachable(
  calls: ReadonlyMap<string, readonly string[]>,
  from: readonly string[],
): ReadonlySet<string> {
  const all = new Set(from)
  for (const name of all) for (const other of calls.get(name) ?? []) all.add(other)
  return all
}
