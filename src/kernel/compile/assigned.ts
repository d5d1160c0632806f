// Refuses what may read a variable before it has a value, or leave a function without one: in
// JavaScript both give undefined. Called by the compiler between lowering and inference.
import type { Expression, Frame, FunctionIR, Statement, Target, Variable } from './ir.ts'
import { type Place, refuse } from './syntax.ts'
import { partsOf } from './walk.ts'

/** Variables that have a value for sure; undefined: nothing comes this way. */
type State = ReadonlySet<Variable> | undefined

export function checkAssigned(fn: FunctionIR): void {
  new Check().function(fn)
}

function both(a: State, b: State): State {
  if (a === undefined || b === undefined) return a ?? b
  return new Set([...a].filter((variable) => b.has(variable)))
}

class Check {
  #state: State = new Set()
  readonly #arrivals = new Map<Target | Frame, State[]>()

  function(fn: FunctionIR): void {
    this.#state = new Set(fn.parameters)
    this.#body(fn.body)
  }

  #body(body: readonly Statement[]): void {
    for (const statement of body) if (this.#state !== undefined) this.#statement(statement)
  }

  #leave(to: Target | Frame): void {
    const states = this.#arrivals.get(to) ?? []
    states.push(this.#state)
    this.#arrivals.set(to, states)
    this.#state = undefined
  }

  #arrive(at: Target | Frame | undefined): void {
    if (at === undefined) return
    for (const state of this.#arrivals.get(at) ?? []) this.#state = both(this.#state, state)
    this.#arrivals.delete(at)
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'expression':
        this.#expression(statement.value)
        return
      case 'declare':
        this.#state = new Set([...(this.#state ?? [])].filter((v) => v !== statement.variable))
        return
      case 'block':
        this.#body(statement.body)
        this.#arrive(statement.target)
        return
      case 'if': {
        this.#expression(statement.test)
        const before = this.#state
        this.#body(statement.yes)
        const afterYes = this.#state
        this.#state = before
        this.#body(statement.no)
        this.#state = both(this.#state, afterYes)
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
        if (statement.value) this.#expression(statement.value)
        this.#leave(statement.frame)
        return
      case 'throw':
        this.#state = undefined
        return
      case 'end':
        this.#end(statement.frame, statement.place)
        return
    }
  }

  #end(frame: Frame, place: Place): void {
    if (frame.type !== 'void')
      refuse(place, `not every way through '${frame.name}' returns a value`)
    this.#leave(frame)
  }

  #loop(loop: Extract<Statement, { kind: 'loop' }>): void {
    const { test, testFirst, update, body } = loop
    let after: State
    if (testFirst && test) {
      this.#expression(test)
      after = this.#state
    }
    this.#body(body)
    this.#arrive(loop.continueTarget)
    if (this.#state !== undefined && update) this.#expression(update)
    if (!testFirst && test && this.#state !== undefined) {
      this.#expression(test)
      after = this.#state
    }
    this.#state = after
    this.#arrive(loop.breakTarget)
  }

  #switch({ value, cases, target }: Extract<Statement, { kind: 'switch' }>): void {
    this.#expression(value)
    for (const { test } of cases) if (test) this.#expression(test)
    const entered = this.#state
    this.#state = undefined
    for (const { body } of cases) {
      this.#state = both(this.#state, entered)
      this.#body(body)
    }
    if (cases.every(({ test }) => test !== undefined)) this.#state = both(this.#state, entered)
    this.#arrive(target)
  }

  #expression(node: Expression): void {
    switch (node.kind) {
      case 'get':
        if (this.#state && !this.#state.has(node.variable))
          refuse(node.place, `'${node.variable.name}' may be read before it is given a value`)
        return
      case 'set':
        this.#expression(node.value)
        this.#state = new Set([...(this.#state ?? []), node.variable])
        return
      case 'both':
      case 'either':
      case 'present': {
        this.#expression(node.left)
        const before = this.#state
        this.#expression(node.right)
        this.#state = before
        return
      }
      case 'choose': {
        this.#expression(node.test)
        const before = this.#state
        this.#expression(node.yes)
        const afterYes = this.#state
        this.#state = before
        this.#expression(node.no)
        this.#state = both(this.#state, afterYes)
        return
      }
      case 'inlined': {
        this.#body(node.body)
        this.#arrive(node.frame)
        return
      }
      default:
        for (const part of partsOf(node)) this.#expression(part)
    }
  }
}
