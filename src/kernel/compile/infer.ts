// Finds for every number of a program whether it can be an integer and how large, by running over
// the program with ranges instead of values until nothing changes. Integers are what V8 would guess
// too; what is guessed is checked by the code that is emitted. Called by the compiler for each
// version.
import type { Assumptions } from './assumptions.ts'
import { asSum, Flow, joinFlows, knownAt, leastLength, lengthOf, narrow } from './flow.ts'
import { inferNumber } from './infer_numbers.ts'
import { VariableRanges } from './infer_variables.ts'
import type {
  Expression,
  ExpressionOf,
  Frame,
  FunctionIR,
  Statement,
  StatementOf,
  Target,
  Variable,
} from './ir.ts'
import { hull, INT32, intersect, isRange, isSafe, isSmall, type Known } from './range.ts'
import { type ArrayName, arrayFacts } from './types.ts'
import { assigns, partsOf, walkBody, walkExpression } from './walk.ts'

const PASSES_MAX = 200

type Ways = { readonly yes: Flow | undefined; readonly no: Flow | undefined }

export class Inference {
  readonly assumptions: Assumptions
  /** Statements that can be reached; the others are not emitted. */
  readonly live = new Set<Statement>()
  readonly #functions: readonly FunctionIR[]
  readonly #assigned = new Map<Statement, ReadonlySet<Variable>>()
  readonly #arrivals = new Map<Target | Frame, (Flow | undefined)[]>()
  readonly #variables: VariableRanges
  #flow: Flow | undefined

  /** The first function is the one that the host calls. */
  constructor(functions: readonly FunctionIR[], assumptions: Assumptions) {
    this.#functions = functions
    this.assumptions = assumptions
    this.#variables = new VariableRanges(assumptions)
  }

  run(): void {
    const variables = this.#variables
    variables.reset(this.#functions)
    do {
      variables.startPass()
      this.live.clear()
      for (const fn of this.#functions) {
        this.#flow = new Flow()
        this.#arrivals.clear()
        this.#body(fn.body)
      }
      if (variables.pass > PASSES_MAX) throw new Error('the ranges of a kernel do not settle')
    } while (variables.isChanged)
  }

  // Statements

  #body(body: readonly Statement[]): void {
    for (const statement of body) {
      if (this.#flow === undefined) return
      this.live.add(statement)
      this.#statement(statement)
    }
  }

  #leave(to: Target | Frame): void {
    const flows = this.#arrivals.get(to)
    if (flows) flows.push(this.#flow)
    else this.#arrivals.set(to, [this.#flow])
    this.#flow = undefined
  }

  #arrive(at: Target | Frame | undefined): void {
    if (at === undefined) return
    for (const flow of this.#arrivals.get(at) ?? []) this.#flow = joinFlows(this.#flow, flow)
    this.#arrivals.delete(at)
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'expression':
        this.visit(statement.value)
        return
      case 'block':
        this.#body(statement.body)
        this.#arrive(statement.target)
        return
      case 'if': {
        const { yes, no } = this.#ways(statement.test)
        this.#flow = yes
        this.#body(statement.yes)
        const after = this.#flow
        this.#flow = no
        this.#body(statement.no)
        this.#flow = joinFlows(after, this.#flow)
        return
      }
      case 'loop':
        this.#loop(statement)
        return
      case 'switch':
        this.#switch(statement)
        return
      case 'goto':
        this.#leave(statement.target)
        return
      case 'return':
        this.#return(statement)
        return
      case 'throw':
        this.#flow = undefined
        return
      case 'end':
        this.#leave(statement.frame)
        return
    }
  }

  #return({ value, frame }: StatementOf<'return'>): void {
    if (value) {
      const known = this.visit(value, frame.result?.demanded)
      if (frame.result) this.#variables.join(frame.result, known, value.undefinable)
    }
    this.#leave(frame)
  }

  #loop(loop: StatementOf<'loop'>): void {
    const { test, testFirst, update, body, breakTarget, continueTarget } = loop
    for (const variable of this.#assignedIn(loop)) this.#flow?.forget(variable)
    let after: Flow | undefined
    if (testFirst && test) {
      const { yes, no } = this.#ways(test)
      this.#flow = yes
      after = no
    }
    this.#body(body)
    this.#arrive(continueTarget)
    if (update) this.visit(update)
    if (!testFirst && test) after = this.#ways(test).no
    this.#flow = after
    this.#arrive(breakTarget)
  }

  #assignedIn(loop: StatementOf<'loop'>): ReadonlySet<Variable> {
    let assigned = this.#assigned.get(loop)
    if (assigned === undefined) {
      const found = new Set<Variable>()
      const expression = (node: Expression): void => {
        if (node.kind === 'set') found.add(node.variable)
      }
      walkBody(loop.body, { expression })
      for (const each of [loop.test, loop.update]) if (each) walkExpression(each, { expression })
      assigned = found
      this.#assigned.set(loop, assigned)
    }
    return assigned
  }

  #switch({ value, cases, target }: StatementOf<'switch'>): void {
    this.visit(value)
    const entries = cases.map(({ test }) => {
      if (test === undefined) return undefined
      const { yes, no } = this.#ways(test)
      this.#flow = no
      return yes
    })
    const otherwise = this.#flow
    this.#flow = undefined
    for (const [i, { test, body }] of cases.entries()) {
      this.#flow = joinFlows(this.#flow, test ? entries[i] : otherwise?.copy())
      this.#body(body)
    }
    if (cases.every(({ test }) => test !== undefined)) this.#flow = joinFlows(this.#flow, otherwise)
    this.#arrive(target)
  }

  // Expressions

  /** What holds where a condition does, and where it does not. */
  #ways(node: Expression): Ways {
    switch (node.kind) {
      case 'not': {
        const { yes, no } = this.#ways(node.value)
        return { yes: no, no: yes }
      }
      case 'both': {
        const left = this.#ways(node.left)
        this.#flow = left.yes
        const right = this.#ways(node.right)
        return { yes: right.yes, no: joinFlows(left.no, right.no) }
      }
      case 'either': {
        const left = this.#ways(node.left)
        this.#flow = left.no
        const right = this.#ways(node.right)
        return { yes: joinFlows(left.yes, right.yes), no: right.no }
      }
      case 'compare': {
        this.visit(node)
        const yes = this.#flow?.copy()
        const no = this.#flow?.copy()
        if (this.#isPlain(node)) {
          if (yes) narrow(yes, node, true)
          if (no) narrow(no, node, false)
        }
        return { yes, no }
      }
      default:
        this.visit(node)
        return { yes: this.#flow, no: this.#flow?.copy() }
    }
  }

  /** The right side does not change what the left one said. */
  #isPlain({ left, right }: ExpressionOf<'compare'>): boolean {
    const sum = asSum(left)
    return sum === undefined || !assigns(right, sum.variable)
  }

  /** @param want an integer is of use: worth the assumption that a rounded number is one. */
  visit(node: Expression, want = false): Known {
    node.known = this.#infer(node, want)
    return node.known
  }

  #infer(node: Expression, want: boolean): Known {
    switch (node.kind) {
      case 'get':
        node.undefinable = node.variable.undefinable
        return this.#flow ? knownAt(this.#flow, node.variable) : node.variable.known
      case 'set':
        return this.#set(node)
      case 'load':
        return this.#load(node, this.assumptions.holds('bounds', node.place))
      case 'store':
        this.visit(node.array)
        this.visit(node.index, true)
        return this.#store(node)
      case 'choose':
        return this.#choose(node, want)
      case 'both':
      case 'either':
        return this.#logical(node)
      case 'present':
        return this.#present(node, want)
      case 'isUndefined':
        if (node.value.kind === 'load') node.value.known = this.#load(node.value, true, false)
        else this.visit(node.value)
        return undefined
      case 'sequence':
        return this.#sequence(node, want)
      case 'call':
        return this.#call(node)
      case 'inlined':
        return this.#inlined(node)
      default:
        return this.#operator(node, want)
    }
  }

  #operator(node: Expression, want: boolean): Known {
    const isRounding = node.kind === 'math' && /^(floor|ceil|round|trunc)$/.test(node.name)
    const wantsParts = (want && !isRounding) || node.kind === 'bits' || node.kind === 'allocate'
    for (const part of partsOf(node)) this.visit(part, wantsParts)
    node.undefinable = node.kind === 'undefined'
    return node.type === 'number' ? inferNumber(node, this.assumptions, want) : undefined
  }

  #set(node: ExpressionOf<'set'>): Known {
    const { variable, value } = node
    const known = this.#truncated(variable, this.visit(value, variable.demanded))
    this.#variables.join(variable, known, value.undefinable)
    const flow = this.#flow
    const sum = known === value.known ? asSum(value) : undefined
    const bounds = sum && new Map(flow?.below.get(sum.variable))
    flow?.forget(variable)
    if (variable.type !== 'number') return undefined
    node.undefinable = variable.undefinable
    if (!isRange(known) || !isRange(variable.known)) return variable.known
    const narrowed = intersect(known, variable.known) ?? variable.known
    flow?.ranges.set(variable, narrowed)
    for (const [bound, offset] of bounds ?? [])
      if (bound !== variable) flow?.addBelow(variable, bound, offset - (sum?.offset ?? 0))
    return narrowed
  }

  #truncated(variable: Variable, known: Known): Known {
    if (known === undefined || !this.#variables.isTruncated(variable)) return known
    return isRange(known) && isSmall(known) ? known : INT32
  }

  /** @param isKept the run ends where the index is out of bounds: behind it, it is not. */
  #load(node: ExpressionOf<'load'>, isAssumed: boolean, isKept = isAssumed): Known {
    this.visit(node.array)
    this.visit(node.index, true)
    node.inBounds = node.isCertain || this.#isInBounds(node)
    node.undefinable = !node.inBounds && !isAssumed
    if (!node.inBounds && isKept) this.#learnIndex(node)
    return node.undefinable
      ? 'float'
      : (arrayFacts[node.array.type as ArrayName].elements ?? 'float')
  }

  /** The value is evaluated before the store and may say that the index is in bounds. */
  #store(node: ExpressionOf<'store'>): Known {
    const isKnown = node.isCertain || this.#isInBounds(node)
    this.visit(node.value)
    const sum = asSum(node.index)
    const isSame = sum !== undefined && !assigns(node.value, sum.variable)
    node.inBounds = isKnown || (isSame && this.#isInBounds(node))
    return undefined
  }

  #isInBounds({ array, index }: ExpressionOf<'load' | 'store'>): boolean {
    if (!isRange(index.known) || index.known.lo < 0) return false
    if (index.known.hi < leastLength(array)) return true
    const sum = asSum(index)
    const bound = lengthOf(array)
    if (sum === undefined || bound === undefined) return false
    const most = this.#flow?.below.get(sum.variable)?.get(bound)
    return most !== undefined && most >= sum.offset
  }

  #learnIndex({ array, index }: ExpressionOf<'load'>): void {
    const sum = asSum(index)
    const bound = lengthOf(array)
    if (sum === undefined || bound === undefined || !isRange(index.known)) return
    this.#flow?.addBelow(sum.variable, bound, sum.offset)
    const before = this.#flow && knownAt(this.#flow, sum.variable)
    const range = isRange(before) ? intersect(before, { lo: -sum.offset, hi: INT32.hi }) : undefined
    if (range) this.#flow?.ranges.set(sum.variable, range)
  }

  #choose(node: ExpressionOf<'choose'>, want: boolean): Known {
    const { yes, no } = this.#ways(node.test)
    this.#flow = yes
    const left = this.visit(node.yes, want)
    const after = this.#flow
    this.#flow = no
    const right = this.visit(node.no, want)
    this.#flow = joinFlows(after, this.#flow)
    node.undefinable = node.yes.undefinable || node.no.undefinable
    return joinSafe(left, right)
  }

  #logical(node: ExpressionOf<'both' | 'either'>): Known {
    const { yes, no } = this.#ways(node)
    this.#flow = joinFlows(yes, no)
    return undefined
  }

  #present(node: ExpressionOf<'present'>, want: boolean): Known {
    const { left, right } = node
    if (left.kind === 'load') left.known = this.#load(left, true, false)
    else this.visit(left, want)
    const before = this.#flow?.copy()
    this.visit(right, want)
    this.#flow = joinFlows(before, this.#flow)
    const isPossible = left.kind === 'load' || left.undefinable
    node.undefinable = isPossible && right.undefinable
    return isPossible ? joinSafe(left.known, right.known) : left.known
  }

  #sequence(node: ExpressionOf<'sequence'>, want: boolean): Known {
    const last = node.items.length - 1
    for (const [i, item] of node.items.entries()) this.visit(item, want && i === last)
    node.undefinable = node.items[last].undefinable
    return node.items[last].known
  }

  #call(node: ExpressionOf<'call'>): Known {
    const { parameters, frame } = node.callee
    for (const [i, value] of node.values.entries()) {
      this.visit(value, parameters[i].demanded)
      this.#variables.join(parameters[i], value.known, value.undefinable)
    }
    node.undefinable = frame.result?.undefinable ?? false
    return frame.result?.known
  }

  #inlined(node: ExpressionOf<'inlined'>): Known {
    this.#body(node.body)
    this.#arrive(node.frame)
    node.undefinable = node.frame.result?.undefinable ?? false
    return node.frame.result?.known
  }
}

/** Of two ways: where one may be too wide to be exact, they meet as floats. */
function joinSafe(a: Known, b: Known): Known {
  if (a === undefined || b === undefined) return a ?? b
  if (a === 'float' || b === 'float') return 'float'
  const joined = hull(a, b)
  return isSafe(joined) ? joined : 'float'
}
