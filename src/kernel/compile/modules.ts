// The files that a kernel comes from: finds what a name at the top of a file stands for, also
// through relative imports, and the values of constants. Called by the lowering for every name that
// is not local.
import { existsSync, statSync } from 'node:fs'
import { dirname, extname, resolve as resolvePath } from 'node:path'
import type { ConstantArray, Expression, FunctionIR } from './ir.ts'
import { type Binding, type FunctionTemplate, Scope, templateOf } from './scope.ts'
import {
  type AnyNode,
  type FunctionNode,
  type NodeOf,
  type Place,
  placeOf,
  readSource,
  refuse,
  type SourceFile,
  type StatementNode,
} from './syntax.ts'
import { assignedNames, importedName } from './syntax_names.ts'

type Declarator = NodeOf<'VariableDeclaration'>['declarations'][number]
type TypeNode = NodeOf<'TSTypeAliasDeclaration'>['typeAnnotation']
type Specifier = NodeOf<'ImportDeclaration'>['specifiers'][number]

type Entry =
  | { readonly kind: 'function'; readonly node: NodeOf<'FunctionDeclaration'> }
  | { readonly kind: 'value'; readonly node: Declarator; readonly isConst: boolean }
  | { readonly kind: 'import'; readonly node: Specifier; readonly from: string }
  | { readonly kind: 'foreign'; readonly what: string }

/** Gives a constant's value; the lowering and the emission do it, which are above this file. */
export type Evaluate = (module: ModuleFile, name: string, node: Declarator) => Binding

interface RecordedCall {
  readonly caller: FunctionIR
  readonly callee: FunctionIR
  readonly values: Expression[]
  readonly place: Place
}

export class Modules {
  readonly data: ConstantArray[] = []
  /** Calls that may have to be given variables of functions around; see lower_captures.ts. */
  readonly calls: RecordedCall[] = []
  /** Functions of the library, by name and type of array. */
  readonly library = new Map<string, FunctionTemplate>()
  readonly evaluate: Evaluate
  readonly #files = new Map<string, ModuleFile>()

  constructor(evaluate: Evaluate) {
    this.evaluate = evaluate
  }

  open(path: string): ModuleFile {
    const known = this.#files.get(path)
    if (known !== undefined) return known
    const file = new ModuleFile(this, readSource(path))
    this.#files.set(path, file)
    return file
  }

  fileOf(source: Pick<SourceFile, 'path'>): ModuleFile | undefined {
    return this.#files.get(source.path)
  }

  get sources(): readonly SourceFile[] {
    return [...this.#files.values()].map(({ source }) => source)
  }
}

export class ModuleFile {
  readonly source: SourceFile
  readonly modules: Modules
  readonly scope: Scope
  readonly #entries = new Map<string, Entry>()
  readonly #types = new Map<string, TypeNode>()
  /** Exported name → name in this file. */
  readonly #exports = new Map<string, string>()
  readonly #exportsFrom = new Map<string, { from: string; name: string; node: AnyNode }>()
  readonly #exportsAll: { from: string; node: AnyNode }[] = []
  readonly #bindings = new Map<string, Binding | 'being found'>()
  #assigned: ReadonlySet<string> | undefined

  constructor(modules: Modules, source: SourceFile) {
    this.modules = modules
    this.source = source
    this.scope = new Scope(undefined, (name) => this.#find(name))
    for (const statement of source.program.body) this.#enter(statement)
  }

  /** What a function of this file, or another file's import, means by the name. */
  exported(name: string): Binding | undefined {
    const local = this.#exports.get(name)
    if (local !== undefined) return this.#find(local)
    const from = this.#exportsFrom.get(name)
    if (from !== undefined) return this.#import(from.from, from.name, from.node)
    for (const { from, node } of this.#exportsAll) {
      const found = this.#importFile(from, node)?.exported(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  type(name: string): { readonly file: ModuleFile; readonly node: TypeNode } | undefined {
    const node = this.#types.get(name)
    if (node !== undefined) return { file: this, node }
    const entry = this.#entries.get(name)
    if (entry?.kind !== 'import') return undefined
    return this.#importFile(entry.from, entry.node)?.type(importedName(entry.node))
  }

  get names(): readonly string[] {
    return [...this.#entries]
      .filter(([, { kind }]) => kind === 'function' || kind === 'value')
      .map(([name]) => name)
  }

  #enter(statement: StatementNode): void {
    if (statement.type === 'ImportDeclaration') {
      for (const node of statement.specifiers)
        this.#entries.set(node.local.name, { kind: 'import', node, from: statement.source.value })
    } else if (statement.type === 'ExportNamedDeclaration') {
      this.#enterExport(statement)
    } else if (statement.type === 'ExportDefaultDeclaration') {
      const { declaration } = statement
      if (declaration.type === 'FunctionDeclaration') {
        const name = declaration.id?.name ?? 'default'
        this.#entries.set(name, { kind: 'function', node: declaration })
        this.#exports.set('default', name)
      } else if (declaration.type === 'Identifier') this.#exports.set('default', declaration.name)
    } else if (statement.type === 'ExportAllDeclaration') {
      this.#exportsAll.push({ from: statement.source.value, node: statement })
    } else this.#declare(statement)
  }

  #enterExport(statement: NodeOf<'ExportNamedDeclaration'>): void {
    if (statement.declaration)
      for (const name of this.#declare(statement.declaration)) this.#exports.set(name, name)
    for (const node of statement.specifiers) {
      if (node.type !== 'ExportSpecifier') continue
      const name = node.exported.type === 'Identifier' ? node.exported.name : node.exported.value
      if (statement.source)
        this.#exportsFrom.set(name, { from: statement.source.value, name: node.local.name, node })
      else this.#exports.set(name, node.local.name)
    }
  }

  #declare(statement: StatementNode): string[] {
    const add = (name: string, entry: Entry): string[] => {
      this.#entries.set(name, entry)
      return [name]
    }
    switch (statement.type) {
      case 'FunctionDeclaration':
        return statement.id ? add(statement.id.name, { kind: 'function', node: statement }) : []
      case 'VariableDeclaration':
        return statement.declarations.flatMap((node) =>
          node.id.type === 'Identifier'
            ? add(node.id.name, { kind: 'value', node, isConst: statement.kind === 'const' })
            : [],
        )
      case 'ClassDeclaration':
        return statement.id ? add(statement.id.name, { kind: 'foreign', what: 'a class' }) : []
      case 'TSEnumDeclaration':
        return add(statement.id.name, { kind: 'foreign', what: 'an enum' })
      case 'TSTypeAliasDeclaration':
        this.#types.set(statement.id.name, statement.typeAnnotation)
        return []
      default:
        return []
    }
  }

  #find(name: string): Binding | undefined {
    const known = this.#bindings.get(name)
    if (known === 'being found') return { kind: 'foreign', what: 'defined by itself' }
    if (known !== undefined) return known
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    this.#bindings.set(name, 'being found')
    try {
      const binding = this.#bind(name, entry)
      this.#bindings.set(name, binding)
      return binding
    } catch (error) {
      this.#bindings.delete(name)
      throw error
    }
  }

  #bind(name: string, entry: Entry): Binding {
    switch (entry.kind) {
      case 'function':
        return { kind: 'function', template: this.#template(name, entry.node) }
      case 'import':
        return this.#import(entry.from, importedName(entry.node), entry.node)
      case 'value':
        return this.#value(name, entry.node, entry.isConst)
      default:
        return entry
    }
  }

  #value(name: string, node: Declarator, isConst: boolean): Binding {
    this.#assigned ??= assignedNames(this.source.program)
    if (!isConst && this.#assigned.has(name))
      return { kind: 'foreign', what: 'a variable of the module that changes, and outlives a call' }
    const value = node.init
    if (value?.type === 'ArrowFunctionExpression' || value?.type === 'FunctionExpression')
      return { kind: 'function', template: this.#template(name, value) }
    if (!value) return { kind: 'foreign', what: 'a variable without a value' }
    return this.modules.evaluate(this, name, node)
  }

  #template(name: string, node: FunctionNode): FunctionTemplate {
    return templateOf(name, node, { scope: this.scope, file: this.source })
  }

  #import(from: string, name: string, node: AnyNode): Binding {
    if (name === '*')
      return { kind: 'foreign', what: `all of '${from}': import its names one by one` }
    const file = this.#importFile(from, node)
    if (file === undefined)
      return { kind: 'foreign', what: `imported from '${from}', which is no file beside this one` }
    return (
      file.exported(name) ??
      refuse(placeOf(this.source, node), `'${from}' exports no function or constant '${name}'`)
    )
  }

  #importFile(from: string, node: AnyNode): ModuleFile | undefined {
    if (!/^\.\.?\//.test(from)) return undefined
    const path = resolvePath(dirname(this.source.path), from)
    const stem = path.slice(0, path.length - extname(path).length)
    const typed = extname(path).replace('js', 'ts')
    const found = [path, `${stem}${typed}`, `${path}.ts`, `${path}.js`].find(
      (each) => existsSync(each) && statSync(each).isFile(),
    )
    if (found === undefined)
      refuse(placeOf(this.source, node), `there is no file '${from}' beside this one`)
    return this.modules.open(found)
  }
}
