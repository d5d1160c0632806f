// The program between the user's source and WebAssembly: a tree of statements and typed expressions
// in which every shorthand of the language is spelled out. Made by the lowering, annotated by the
// inference (`known`, `undefinable`, `inBounds`), read by the emission.
import type { Known } from './range.ts'
import type { Place } from './syntax.ts'
import type { ArrayName, ResultType, ValueType } from './types.ts'

/** A local of a function, or the result of one. */
export interface Variable {
  readonly name: string
  readonly type: ValueType
  readonly place: Place
  /** Numbers only. What all assignments together may give it. */
  known: Known
  /** Numbers only. An assignment may give it the undefined of a read out of bounds. */
  undefinable: boolean
  /** Used as an index, in bit operations or against such: worth a check that it is an integer. */
  demanded: boolean
  /** Numbers only. Nobody looks at more than its lowest 32 bits. */
  isTruncated: boolean
  /** What it is set to, where that is in one place only. */
  initial: Expression | undefined
  /** Set in one place only, or a parameter that is not set at all. */
  isFixed: boolean
}

/** Numbers and texts of a module that are known before a call: in the module's own memory. */
export interface ConstantArray {
  readonly type: ArrayName
  readonly bytes: Uint8Array
  readonly length: number
  /** Where the source says what is in it. */
  readonly place: Place
  /** Given when the memory is laid out. */
  address: number
}

export interface FunctionIR {
  readonly name: string
  readonly parameters: Variable[]
  readonly frame: Frame
  body: readonly Statement[]
  /** Variables of functions around it that it gets as parameters; undefined: it gets none. */
  captures: Map<Variable, { readonly owner: FunctionIR; readonly parameter: Variable }> | undefined
  /** By other functions or itself; the entry may be called by the host alone. */
  isCalled: boolean
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '**'
export type BitOperator = '&' | '|' | '^' | '<<' | '>>' | '>>>'
export type CompareOperator = '<' | '<=' | '>' | '>=' | '==' | '!='

interface Forms {
  number: { readonly value: number }
  boolean: { readonly value: boolean }
  /** The undefined of a read out of bounds, where a number is wanted. */
  undefined: Empty
  get: { readonly variable: Variable }
  /** Its value is the one assigned. */
  set: { readonly variable: Variable; readonly value: Expression }
  arithmetic: {
    readonly operator: ArithmeticOperator
    readonly left: Expression
    readonly right: Expression
  }
  bits: { readonly operator: BitOperator; readonly left: Expression; readonly right: Expression }
  negate: { readonly value: Expression }
  complement: { readonly value: Expression }
  not: { readonly value: Expression }
  compare: {
    readonly operator: CompareOperator
    readonly left: Expression
    readonly right: Expression
  }
  /** Of booleans. */
  both: { readonly left: Expression; readonly right: Expression }
  either: { readonly left: Expression; readonly right: Expression }
  choose: { readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  /** `left ?? right`: the right one where the left is the undefined of a read out of bounds. */
  present: { readonly left: Expression; readonly right: Expression }
  isUndefined: { readonly value: Expression }
  truthy: { readonly value: Expression }
  toNumber: { readonly value: Expression }
  math: { readonly name: MathName; readonly values: readonly Expression[] }
  call: { readonly callee: FunctionIR; readonly values: readonly Expression[] }
  length: { readonly array: Expression }
  load: {
    readonly array: Expression
    readonly index: Expression
    /** By construction; `inBounds` is what the inference found. */
    readonly isCertain: boolean
    inBounds: boolean
  }
  store: {
    readonly array: Expression
    readonly index: Expression
    readonly value: Expression
    readonly isCertain: boolean
    inBounds: boolean
  }
  /** A new array of zeros. */
  allocate: { readonly length: Expression }
  data: { readonly data: ConstantArray }
  /** Elements from begin (inclusive) to end, which are in bounds: the same memory. */
  view: { readonly array: Expression; readonly begin: Expression; readonly end: Expression }
  /** Bytes of elements from one place to another, as memmove; all in bounds. */
  move: {
    readonly target: Expression
    readonly to: Expression
    readonly source: Expression
    readonly from: Expression
    readonly count: Expression
  }
  sequence: { readonly items: readonly Expression[] }
  /** The body of a function in the place of its call. */
  inlined: { readonly body: readonly Statement[]; readonly frame: Frame }
}

type Empty = Record<never, never>

export type MathName =
  | 'abs'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'trunc'
  | 'sign'
  | 'sqrt'
  | 'fround'
  | 'min'
  | 'max'
  | 'clz32'
  | 'imul'
  | 'isNaN'
  | 'isNumberNaN'
  | 'isSame'
  | 'isFinite'
  | 'isInteger'
  | 'isSafeInteger'
  | HostMathName

/** Asked of the host's Math, which is what the same function in JavaScript would call. */
export type HostMathName =
  | 'acos'
  | 'acosh'
  | 'asin'
  | 'asinh'
  | 'atan'
  | 'atan2'
  | 'atanh'
  | 'cbrt'
  | 'cos'
  | 'cosh'
  | 'exp'
  | 'expm1'
  | 'hypot'
  | 'log'
  | 'log10'
  | 'log1p'
  | 'log2'
  | 'pow'
  | 'sin'
  | 'sinh'
  | 'tan'
  | 'tanh'

export type ExpressionKind = keyof Forms

type ExpressionForms = {
  [K in ExpressionKind]: {
    readonly kind: K
    readonly type: ResultType
    readonly place: Place
    /** Numbers only: what the inference found. */
    known: Known
    undefinable: boolean
  } & Forms[K]
}

export type Expression = ExpressionForms[ExpressionKind]
export type ExpressionOf<K extends ExpressionKind> = ExpressionForms[K]

/** Where `break` and `continue` go. */
export interface Target {
  readonly name: string
}

/** The body of a function, inlined or not: where `return` goes. */
export interface Frame {
  readonly name: string
  /** Undefined until the first `return` where the source does not say. */
  type: ResultType | undefined
  /** What all returns together may give. */
  result: Variable | undefined
  readonly isInlined: boolean
}

interface StatementForms {
  expression: { readonly value: Expression }
  /** A variable without a value begins to exist (again, in a loop). */
  declare: { readonly variable: Variable; readonly place: Place }
  block: { readonly body: readonly Statement[]; readonly target: Target | undefined }
  if: {
    readonly test: Expression
    readonly yes: readonly Statement[]
    readonly no: readonly Statement[]
  }
  loop: {
    readonly test: Expression | undefined
    /** false: the body comes before the first test. */
    readonly testFirst: boolean
    readonly update: Expression | undefined
    readonly body: readonly Statement[]
    readonly breakTarget: Target
    readonly continueTarget: Target
  }
  switch: {
    readonly value: Expression
    readonly cases: readonly SwitchCase[]
    readonly target: Target
  }
  goto: { readonly target: Target }
  return: { readonly value: Expression | undefined; readonly frame: Frame }
  /** Of a function's body: reached only where it returns nothing. */
  end: { readonly frame: Frame; readonly place: Place }
  throw: { readonly text: string; readonly place: Place }
}

export interface SwitchCase {
  /** Undefined: `default`. */
  readonly test: Expression | undefined
  readonly body: readonly Statement[]
}

export type StatementKind = keyof StatementForms
type StatementFormsOf = { [K in StatementKind]: { readonly kind: K } & StatementForms[K] }
export type Statement = StatementFormsOf[StatementKind]
export type StatementOf<K extends StatementKind> = StatementFormsOf[K]

/** A node without what the inference adds. */
export function expression<K extends ExpressionKind>(
  kind: K,
  type: ResultType,
  place: Place,
  form: Omit<ExpressionOf<K>, 'kind' | 'type' | 'place' | 'known' | 'undefinable'>,
): ExpressionOf<K> {
  return { kind, type, place, known: undefined, undefinable: false, ...form } as ExpressionOf<K>
}

export function newVariable(name: string, type: ValueType, place: Place): Variable {
  return {
    name,
    type,
    place,
    known: undefined,
    undefinable: false,
    demanded: false,
    isTruncated: false,
    initial: undefined,
    isFixed: false,
  }
}

export function numberLiteral(value: number, place: Place): ExpressionOf<'number'> {
  return expression('number', 'number', place, { value })
}

export function get(variable: Variable, place: Place): ExpressionOf<'get'> {
  return expression('get', variable.type, place, { variable })
}

export function set(variable: Variable, value: Expression, place: Place): ExpressionOf<'set'> {
  return expression('set', variable.type, place, { variable, value })
}

export function sequence(items: readonly Expression[], place: Place): Expression {
  if (items.length === 1) return items[0]
  return expression('sequence', items[items.length - 1].type, place, { items })
}
