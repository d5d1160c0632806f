// Values of constants at the top of a module: literals as they stand, anything else by compiling
// and running what makes them, with the statements that fill an array. Called when a function uses
// one.

import type { ConstantArray, FunctionIR, Statement } from './ir.ts'
import { get, newVariable, set } from './ir.ts'
import { constantArray } from './lower_arrays.ts'
import { completeCalls } from './lower_captures.ts'
import { lowerExpression } from './lower_expressions.ts'
import { assignable, joinable } from './lower_operators.ts'
import { lowerStatement } from './lower_statements.ts'
import { statedValueType } from './lower_types.ts'
import type { Evaluate, ModuleFile } from './modules.ts'
import { Program } from './program.ts'
import {
  type Binding,
  type Context,
  declareVariable,
  emptyOwner,
  inner,
  placeIn,
  Scope,
} from './scope.ts'
import { SyncRunner } from './sync_runner.ts'
import type { AnyNode, NodeOf, Place, StatementNode } from './syntax.ts'
import { eachNode, isFunction, mentions, writesElements } from './syntax_names.ts'
import { isArray, isTypedArrayName, type TypedArray } from './types.ts'

type Declarator = NodeOf<'VariableDeclaration'>['declarations'][number]

export const evaluateConstant: Evaluate = (module, name, node): Binding => {
  const context = makeContext(module, name)
  const { id, init } = node
  if (!init || id.type !== 'Identifier') return { kind: 'foreign', what: 'no single constant' }
  if (isWrittenLater(module, node, init))
    return { kind: 'foreign', what: 'made of an array of the module that is written after that' }
  const value = lowerExpression(context, init)
  const stated = statedValueType(context, id.typeAnnotation)
  if (value.kind === 'number' || value.kind === 'boolean')
    return { kind: 'constant', value: value.value }
  if (isArray(value.type) && isWrittenByFunctions(module, name))
    return { kind: 'foreign', what: 'an array of the module that functions may write to' }
  if (value.kind === 'data')
    return fillersOf(module, name).some((node) => writesElements(node, name))
      ? { kind: 'foreign', what: 'a list of the module that is written after it was made' }
      : { kind: 'data', data: value.data }
  const type = stated ?? joinable(value)
  const place = placeIn(context, node)
  const variable = newVariable(name, type, place)
  declareVariable(context, name, variable)
  const first: Statement = {
    kind: 'expression',
    value: set(variable, assignable(value, type), place),
  }
  const filling = isArray(type) ? fillingStatements(context, module, name) : []
  const { owner, frame } = context
  frame.type = type
  frame.result = newVariable(`value of ${name}`, type, place)
  const last: Statement = { kind: 'return', value: get(variable, place), frame }
  owner.body = [first, ...filling, last]
  return run(module, owner, place)
}

function makeContext(module: ModuleFile, name: string): Context {
  const owner = emptyOwner(name)
  const { modules, source, scope } = module
  return {
    modules,
    file: source,
    scope: new Scope(scope),
    owner,
    frame: owner.frame,
    jumps: [],
    inlining: [],
    boxed: new Set(),
  }
}

/** Loops and calls at the top of the module that name the array, in their order. */
function fillersOf(module: ModuleFile, name: string): StatementNode[] {
  return module.source.program.body.filter(
    (node) =>
      /^(ExpressionStatement|For|While|DoWhile|If|Block)/.test(node.type) && mentions(node, name),
  )
}

/** An array's value here is the one that it has when all of the module has run. */
function isWrittenLater(module: ModuleFile, { end }: AnyNode, init: AnyNode): boolean {
  let found = false
  eachNode(init, (node) => {
    if (node.type === 'Identifier') {
      const { name } = node as NodeOf<'Identifier'>
      found ||= fillersOf(module, name).some(
        (filler) =>
          (filler.start ?? 0) > (end ?? 0) &&
          (writesElements(filler, name) || isGivenAway(module, filler, name)),
      )
    }
    return !found
  })
  return found
}

function fillingStatements(context: Context, module: ModuleFile, name: string): Statement[] {
  return fillersOf(module, name).flatMap((node) => lowerStatement(inner(context), node))
}

/** When a function writes to it, by whatever name, its value at a call is not known. */
function isWrittenByFunctions(module: ModuleFile, name: string): boolean {
  const { program } = module.source
  let found = false
  eachNode(program, (node) => {
    const alias = aliasIn(node, name)
    if (alias !== undefined) found ||= writesElements(program, alias)
    if (isCode(node)) found ||= writesElements(node, name) || isGivenAway(module, node, name)
    return !found
  })
  return found
}

function isCode(node: AnyNode): boolean {
  return isFunction(node) || /^(Class|Object)(Private)?Method$/.test(node.type)
}

/** The other name in `const other = name`, or of a subarray of it. */
function aliasIn(node: AnyNode, name: string): string | undefined {
  if (node.type !== 'VariableDeclarator') return undefined
  const { id, init } = node as AnyNode & Declarator
  if (id.type !== 'Identifier' || !init) return undefined
  if (init.type === 'Identifier') return init.name === name ? id.name : undefined
  if (init.type !== 'CallExpression' || init.callee.type !== 'MemberExpression') return undefined
  const { object, property } = init.callee
  const isView = property.type === 'Identifier' && property.name === 'subarray'
  return isView && object.type === 'Identifier' && object.name === name ? id.name : undefined
}

/** It is an argument of something that writes to its parameter, or that is no function here. */
function isGivenAway(module: ModuleFile, code: AnyNode, name: string): boolean {
  let found = false
  eachNode(code, (node) => {
    if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return !found
    const { callee, arguments: given } = node as NodeOf<'CallExpression'>
    const position = given.findIndex((each) => each.type === 'Identifier' && each.name === name)
    if (position >= 0 && !isArrayMade(node)) found ||= isWrittenBy(module, callee, position)
    return !found
  })
  return found
}

/** `new Float64Array(name)` and `x.set(name)` copy. */
function isArrayMade(node: AnyNode): boolean {
  const { callee } = node as NodeOf<'CallExpression'>
  if (callee.type === 'Identifier') return isTypedArrayName(callee.name)
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return false
  return callee.property.name === 'set' || callee.property.name === 'from'
}

function isWrittenBy(module: ModuleFile, callee: AnyNode, position: number): boolean {
  if (callee.type !== 'Identifier') return true
  const binding = module.scope.find((callee as NodeOf<'Identifier'>).name)
  if (binding?.kind !== 'function') return true
  const { node } = binding.template
  const parameter = node.params[position]
  return parameter?.type !== 'Identifier' || writesElements(node, parameter.name)
}

function run(module: ModuleFile, owner: FunctionIR, place: Place): Binding {
  completeCalls(module.modules)
  const program = new Program(owner, module.modules.data, [])
  const value = new SyncRunner(program).run([])
  if (typeof value === 'number' || typeof value === 'boolean') return { kind: 'constant', value }
  const type = owner.frame.type
  if (!isArray(type)) return { kind: 'foreign', what: 'a constant without a value' }
  const data: ConstantArray = constantArray(type, value as TypedArray | number[], place)
  module.modules.data.push(data)
  return { kind: 'data', data }
}
