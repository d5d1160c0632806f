// Values of constants at the top of a module: literals as they stand, anything else by compiling and
// running what makes them, with the statements that fill an array. Called when a function uses one.

import type { ConstantArray, FunctionIR, Statement } from './ir.ts'
import { get, newVariable, set } from './ir.ts'
import { constantArray } from './lower_arrays.ts'
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
import type { AnyNode, NodeOf, StatementNode } from './syntax.ts'
import { elementWrite, isFunction, mentions } from './syntax_names.ts'
import { isArray, type TypedArray } from './types.ts'

export const evaluateConstant: Evaluate = (module, name, node): Binding => {
  const context = makeContext(module, name)
  const { id, init } = node
  if (!init || id.type !== 'Identifier') return { kind: 'foreign', what: 'no single constant' }
  const value = lowerExpression(context, init)
  const stated = statedValueType(context, id.typeAnnotation)
  if (value.kind === 'number' || value.kind === 'boolean')
    return { kind: 'constant', value: value.value }
  if (isArray(value.type) && isWrittenByFunctions(module, name))
    return { kind: 'foreign', what: 'an array of the module that functions write to' }
  if (value.kind === 'data') return { kind: 'data', data: value.data }
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
  return run(module, owner)
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
  }
}

/** Loops and calls at the top of the module that name the array, in their order. */
function fillingStatements(context: Context, module: ModuleFile, name: string): Statement[] {
  const isFilling = (node: StatementNode): boolean =>
    /^(ExpressionStatement|For|While|DoWhile|If|Block)/.test(node.type) && mentions(node, name)
  return module.source.program.body
    .filter(isFilling)
    .flatMap((node) => lowerStatement(inner(context), node))
}

function isWrittenByFunctions(module: ModuleFile, name: string): boolean {
  return module.source.program.body.some((node) =>
    functionsOf(node).some((fn) => elementWrite(fn, name)),
  )
}

function functionsOf(node: StatementNode): AnyNode[] {
  const declared = declarationOf(node)
  if (isFunction(declared)) return [declared]
  if (declared.type !== 'VariableDeclaration') return []
  const { declarations } = declared as NodeOf<'VariableDeclaration'>
  return declarations.flatMap(({ init }) => (init && isFunction(init) ? [init] : []))
}

function declarationOf(node: StatementNode): AnyNode {
  if (node.type === 'ExportNamedDeclaration') return node.declaration ?? node
  return node.type === 'ExportDefaultDeclaration' ? node.declaration : node
}

function run(module: ModuleFile, owner: FunctionIR): Binding {
  const program = new Program(owner, module.modules.data, [])
  const value = new SyncRunner(program).run([])
  if (typeof value === 'number' || typeof value === 'boolean') return { kind: 'constant', value }
  const type = owner.frame.type
  if (!isArray(type)) return { kind: 'foreign', what: 'a constant without a value' }
  const data: ConstantArray = constantArray(type, value as TypedArray | number[])
  module.modules.data.push(data)
  return { kind: 'data', data }
}
