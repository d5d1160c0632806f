// From a file and the name of a function in it to a program. Called by compileFunction and by the
// command line.
import { EuphorionError } from '../../errors.ts'
import { evaluateConstant } from './constants.ts'
import { completeCalls } from './lower_captures.ts'
import { instantiate, parametersOf } from './lower_functions.ts'
import { Modules } from './modules.ts'
import { Program } from './program.ts'
import { type Context, emptyOwner, type FunctionTemplate, Scope } from './scope.ts'
import { refuse, type SourceFile, shown } from './syntax.ts'
import { isTypedArrayName, type ValueType } from './types.ts'

export interface LoweredSource {
  readonly program: Program
  /** All files that it was made of. */
  readonly sources: readonly SourceFile[]
}

/** @param types of parameters, where the source does not state them */
export function lowerSource(
  path: string,
  name: string,
  types: readonly (string | undefined)[] = [],
): LoweredSource {
  const modules = new Modules(evaluateConstant)
  const file = modules.open(path)
  const binding = file.scope.find(name) ?? file.exported(name)
  if (binding?.kind !== 'function') {
    const names = file.names.join(', ')
    const known = names === '' ? 'it has none' : `it has ${names}`
    throw new EuphorionError(
      'KERNEL_INVALID',
      `there is no function '${name}' at the top of ${shown(path)}: ${known}`,
      { place: { path } },
    )
  }
  const { template } = binding
  const context = topContext(modules, template)
  const parameters = parametersOf(context, template)
  const known = parameters.map(({ type, place, name: parameter }, i): ValueType => {
    const given = types[i]
    if (type !== undefined) return type
    if (given === undefined)
      refuse(place, `the parameter '${parameter}' has no type: write one, or give { parameters }`)
    return checkType(given)
  })
  const entry = instantiate(context, template, known)
  if (entry === undefined) throw new Error('a function of a module that captures variables')
  completeCalls(modules)
  const initials = parameters.map(({ initial }) => initial)
  return { program: new Program(entry, modules.data, initials), sources: modules.sources }
}

function checkType(name: string): ValueType {
  if (name === 'number' || name === 'boolean' || name === 'number[]' || isTypedArrayName(name))
    return name
  throw new EuphorionError('KERNEL_INVALID', `'${name}' is no type of a kernel's parameter`)
}

/** Where nothing is around a function but its file. */
function topContext(modules: Modules, { name, scope, file }: FunctionTemplate): Context {
  const owner = emptyOwner(name)
  const { frame } = owner
  return {
    modules,
    file,
    scope: new Scope(scope),
    owner,
    frame,
    jumps: [],
    inlining: [],
    boxed: new Set(),
  }
}
