// Names and what they stand for, and the state that the lowering carries through the tree. Used by
// all lower_*.ts and by modules.ts.
import type { ConstantArray, Frame, FunctionIR, Target, Variable } from './ir.ts'
import type { Modules } from './modules.ts'
import { type AnyNode, type FunctionNode, type Place, placeOf, refuse } from './syntax.ts'

/** A function of the source; nothing of it is compiled before it is called. */
export interface FunctionTemplate {
  readonly name: string
  readonly node: FunctionNode
  readonly scope: Scope
  readonly file: Place['file']
  /** Compiled by itself; undefined while it was never called, or only inlined. */
  instance: FunctionIR | undefined
  /** A variable of the function around it that it uses: it can only be inlined then. */
  captured: string | undefined
  size: number | undefined
}

export function templateOf(
  name: string,
  node: FunctionNode,
  { scope, file }: Pick<FunctionTemplate, 'scope' | 'file'>,
): FunctionTemplate {
  return { name, node, scope, file, instance: undefined, captured: undefined, size: undefined }
}

export type Binding =
  | {
      readonly kind: 'variable'
      readonly variable: Variable
      readonly owner: FunctionIR
      readonly isConstant: boolean
      /** Its declaration was passed: before that it must not be used. */
      isReady: boolean
      /** The source gives no type: the first value will. */
      isUntyped: boolean
      /** Kept in memory, in an array of one element: what it holds. */
      readonly boxed?: 'number' | 'boolean'
    }
  | { readonly kind: 'function'; readonly template: FunctionTemplate }
  | { readonly kind: 'constant'; readonly value: number | boolean }
  | { readonly kind: 'data'; readonly data: ConstantArray }
  /** Something that no function of the subset can use; the text completes "'x' is …". */
  | { readonly kind: 'foreign'; readonly what: string }

export type VariableBinding = Extract<Binding, { kind: 'variable' }>

export class Scope {
  readonly parent: Scope | undefined
  readonly #names = new Map<string, Binding>()
  /** A module finds its names when they are asked for. */
  readonly #resolve: ((name: string) => Binding | undefined) | undefined

  constructor(parent: Scope | undefined, resolve?: (name: string) => Binding | undefined) {
    this.parent = parent
    this.#resolve = resolve
  }

  declare(name: string, binding: Binding): void {
    this.#names.set(name, binding)
  }

  own(name: string): Binding | undefined {
    return this.#names.get(name)
  }

  find(name: string): Binding | undefined {
    const own = this.#names.get(name) ?? this.#resolve?.(name)
    return own ?? this.parent?.find(name)
  }
}

/** What `break` and `continue` mean inside of a statement. */
export interface Jump {
  readonly labels: readonly string[]
  /** Of a labelled block: only `break label` goes there. */
  readonly isBlock: boolean
  readonly breakTarget: Target
  readonly continueTarget: Target | undefined
}

export interface Context {
  readonly modules: Modules
  readonly file: Place['file']
  readonly scope: Scope
  /** The function that the code becomes part of, also when it was inlined. */
  readonly owner: FunctionIR
  readonly frame: Frame
  readonly jumps: readonly Jump[]
  /** Functions that are being inlined, outermost first. */
  readonly inlining: readonly FunctionTemplate[]
  /** Names of variables that are to be kept in memory. */
  readonly boxed: ReadonlySet<string>
}

export function inner(context: Context): Context {
  return { ...context, scope: new Scope(context.scope) }
}

export function placeIn(context: Context, node: AnyNode): Place {
  return placeOf(context.file, node)
}

export function refuseNode(context: Context, node: AnyNode, message: string): never {
  refuse(placeIn(context, node), message)
}

export function declareVariable(
  context: Context,
  name: string,
  variable: Variable,
  facts: { isConstant?: boolean; isReady?: boolean; isUntyped?: boolean } = {},
): void {
  const { isConstant = false, isReady = true, isUntyped = false } = facts
  const binding: Binding = {
    kind: 'variable',
    variable,
    owner: context.owner,
    isConstant,
    isReady,
    isUntyped,
  }
  context.scope.declare(name, binding)
}

/** Thrown where a function that is compiled by itself meets a variable of the one around it. */
export class CapturedVariable extends Error {
  readonly owner: FunctionIR
  readonly variable: string

  constructor(owner: FunctionIR, variable: string) {
    super(variable)
    this.owner = owner
    this.variable = variable
  }
}

/** A function that is made of no function of the source. */
export function emptyOwner(name: string): FunctionIR {
  const frame: Frame = { name, type: undefined, result: undefined, isInlined: false }
  return { name, parameters: [], frame, body: [], captures: undefined, isCalled: false }
}
