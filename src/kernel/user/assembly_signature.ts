// Finds the kernel's function among what a parsed AssemblyScript file exports, and reads its
// signature as it is written. Called by assembly_child.ts.
import {
  ExportDefaultStatement,
  ExportStatement,
  FunctionDeclaration,
  ImportStatement,
  type ParameterNode,
  type Range,
  type Source,
} from 'assemblyscript'
import { Refusal } from './assembly_refusal.ts'

export interface WrittenParameter {
  readonly name: string
  /** As it is written; empty where it is left out. */
  readonly type: string
  /** The function can be called without it. */
  readonly optional: boolean
  readonly range: Range
}

export interface WrittenFunction {
  readonly name: string
  /** The name that the file exports it by. */
  readonly exportedAs: string
  readonly text: string
  readonly parameters: readonly WrittenParameter[]
  readonly result: string
  readonly resultRange: Range
  readonly nameRange: Range
}

/** Of AssemblyScript's flags of declarations (CommonFlags), a const enum there. */
const EXPORTED = 2
const REST_PARAMETER = 2

type Functions = Map<string, FunctionDeclaration>

/**
 * The function that `source` exports by this name, or its only one. Throws a Refusal.
 */
export function findFunction(
  sources: readonly Source[],
  source: Source,
  wanted: string | undefined,
): WrittenFunction {
  const functions = exportedBy(sources, source, new Set())
  const names = [...functions.keys()]
  if (wanted === undefined) {
    const callable = names.filter((name) => !isGeneric(functions.get(name)!))
    if (callable.length > 1) {
      const list = callable.join(', ')
      throw refuse(`it exports several functions: ${list}; say with name which one is the kernel`)
    }
    const only = callable[0] ?? names[0]
    if (only === undefined) throw refuse('it exports no function: write export function …')
    return read(only, functions.get(only)!)
  }
  const declaration = functions.get(wanted)
  if (declaration !== undefined) return read(wanted, declaration)
  const list = names.length === 0 ? 'none at all' : `only ${names.join(', ')}`
  throw refuse(`it exports no function ${wanted}, ${list}`)
}

function refuse(message: string): Refusal {
  return new Refusal([{ message }])
}

function isGeneric({ typeParameters }: FunctionDeclaration): boolean {
  return typeParameters !== null && typeParameters.length > 0
}

function exportedBy(
  sources: readonly Source[],
  source: Source | undefined,
  seen: Set<Source>,
): Functions {
  const found: Functions = new Map()
  if (source === undefined || seen.has(source)) return found
  seen.add(source)
  for (const statement of source.statements) {
    if (statement instanceof FunctionDeclaration && (statement.flags & EXPORTED) !== 0) {
      found.set(statement.name.text, statement)
    } else if (statement instanceof ExportDefaultStatement) {
      const { declaration } = statement
      if (declaration instanceof FunctionDeclaration) found.set('default', declaration)
    } else if (statement instanceof ExportStatement) {
      for (const [name, declaration] of exportedIn(sources, source, statement, seen)) {
        if (!found.has(name)) found.set(name, declaration)
      }
    }
  }
  return found
}

/** `export { a, b as c }`, the same `from` another file, `export * from` one. */
function exportedIn(
  sources: readonly Source[],
  source: Source,
  { members, internalPath }: ExportStatement,
  seen: Set<Source>,
): Functions {
  const from = internalPath === null ? undefined : bySource(sources, internalPath)
  if (members === null) return exportedBy(sources, from, seen)
  const found: Functions = new Map()
  const others = internalPath === null ? undefined : exportedBy(sources, from, new Set(seen))
  for (const { localName, exportedName } of members) {
    const declaration =
      others === undefined
        ? declaredAs(sources, source, localName.text)
        : others.get(localName.text)
    if (declaration !== undefined) found.set(exportedName.text, declaration)
  }
  return found
}

function bySource(sources: readonly Source[], internalPath: string): Source | undefined {
  const wanted = internalPath.replace(/\.ts$/, '')
  return sources.find((each) => [wanted, `${wanted}/index`].includes(each.internalPath))
}

/** The function that has this name within the file: its own, or one that it imports. */
function declaredAs(
  sources: readonly Source[],
  source: Source,
  name: string,
): FunctionDeclaration | undefined {
  for (const statement of source.statements) {
    if (statement instanceof FunctionDeclaration && statement.name.text === name) return statement
    if (!(statement instanceof ImportStatement)) continue
    const member = statement.declarations?.find((each) => each.name.text === name)
    if (member === undefined) continue
    const from = bySource(sources, statement.internalPath)
    return exportedBy(sources, from, new Set([source])).get(member.foreignName.text)
  }
  return undefined
}

function read(name: string, declaration: FunctionDeclaration): WrittenFunction {
  const { signature } = declaration
  const nameRange = declaration.name.range
  const { text: ownName } = declaration.name
  if (isGeneric(declaration)) {
    const message = `${name} has type parameters, so there is not one function to call`
    throw new Refusal([{ message, range: nameRange }])
  }
  const parameters = signature.parameters.map(parameter)
  const result = textOf(signature.returnType.range)
  const shown = parameters.map((each) => `${each.name}${each.optional ? '?' : ''}: ${each.type}`)
  return {
    name: ownName,
    exportedAs: name,
    text: `${ownName}(${shown.join(', ')}): ${result || 'void'}`,
    parameters,
    result,
    resultRange: result === '' ? nameRange : signature.returnType.range,
    nameRange,
  }
}

function parameter({ name, type, initializer, parameterKind, range }: ParameterNode) {
  if (Number(parameterKind) === REST_PARAMETER) {
    throw new Refusal([{ message: 'a kernel has no rest parameters', range }])
  }
  const optional = initializer !== null || Number(parameterKind) !== 0
  return { name: name.text, type: textOf(type.range), optional, range }
}

/** As it is written, in one line. */
function textOf(range: Range): string {
  return range.source.text.slice(range.start, range.end).replaceAll(/\s+/g, ' ')
}
