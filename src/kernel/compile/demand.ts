// Two questions to the whole program before the inference: which variables are set in one place
// only, and which are used as integers, so that a check that they are pays. Called by the compiler.
import type { Expression, FunctionIR, Statement, Variable } from './ir.ts'
import { walkBody } from './walk.ts'

export function findInitials(functions: readonly FunctionIR[]): void {
  const parameters = new Set(functions.flatMap((fn) => fn.parameters))
  const values = new Map<Variable, Expression[]>()
  for (const fn of functions) {
    walkBody(fn.body, {
      expression: (node) => {
        if (node.kind !== 'set') return
        const known = values.get(node.variable)
        if (known === undefined) values.set(node.variable, [node.value])
        else known.push(node.value)
      },
    })
  }
  for (const parameter of parameters) parameter.isFixed = !values.has(parameter)
  for (const [variable, [value, ...others]] of values) {
    if (others.length > 0 || parameters.has(variable)) continue
    variable.initial = value
    variable.isFixed = true
  }
}

export function findDemands(functions: readonly FunctionIR[]): void {
  const demand = new Demand()
  for (const fn of functions)
    walkBody(fn.body, {
      expression: (node) => demand.learn(node),
      statement: (statement) => demand.learnReturn(statement),
    })
  demand.settle()
}

class Demand {
  readonly #assigned = new Map<Variable, Expression[]>()
  readonly #comparisons: (readonly [Expression, Expression])[] = []
  readonly #demanded: Variable[] = []

  learn(node: Expression): void {
    switch (node.kind) {
      case 'set':
        this.#assign(node.variable, node.value)
        return
      case 'call':
        for (const [i, value] of node.values.entries())
          this.#assign(node.callee.parameters[i], value)
        return
      case 'load':
      case 'store':
        this.#want(node.index)
        return
      case 'allocate':
        this.#want(node.length)
        return
      case 'view':
        this.#want(node.begin)
        this.#want(node.end)
        return
      case 'bits':
        this.#want(node.left)
        this.#want(node.right)
        return
      case 'arithmetic':
        // Even or odd, every third: asked of integers.
        if (node.operator === '%' && isInteger(node.right, 2)) this.#want(node.left)
        return
      case 'compare':
        if (node.left.type === 'number') this.#comparisons.push([node.left, node.right])
        return
    }
  }

  learnReturn(statement: Statement): void {
    if (statement.kind !== 'return' || !statement.value || !statement.frame.result) return
    this.#assign(statement.frame.result, statement.value)
  }

  #assign(variable: Variable, value: Expression): void {
    const values = this.#assigned.get(variable)
    if (values === undefined) this.#assigned.set(variable, [value])
    else values.push(value)
  }

  #want(node: Expression): void {
    switch (node.kind) {
      case 'get':
        this.#wantVariable(node.variable)
        return
      case 'inlined':
        this.#wantVariable(node.frame.result)
        return
      case 'call':
        this.#wantVariable(node.callee.frame.result)
        return
      case 'set':
      case 'negate':
        this.#want(node.value)
        return
      case 'arithmetic':
        if (node.operator === '**') return
        this.#want(node.left)
        this.#want(node.right)
        return
      case 'choose':
        this.#want(node.yes)
        this.#want(node.no)
        return
      case 'math':
        if (/^(min|max|abs)$/.test(node.name)) for (const value of node.values) this.#want(value)
        return
      case 'sequence':
        this.#want(node.items[node.items.length - 1])
        return
    }
  }

  #wantVariable(variable: Variable | undefined): void {
    if (variable === undefined || variable.demanded) return
    variable.demanded = true
    this.#demanded.push(variable)
  }

  settle(): void {
    let before = -1
    while (before !== this.#demanded.length) {
      before = this.#demanded.length
      for (const variable of this.#demanded)
        for (const value of this.#assigned.get(variable) ?? []) this.#want(value)
      for (const [left, right] of this.#comparisons) {
        if (this.#isCounted(left)) this.#want(right)
        if (this.#isCounted(right)) this.#want(left)
      }
    }
  }

  /** A demanded variable, a length, or one that only ever counts in whole steps. */
  #isCounted(node: Expression): boolean {
    if (node.kind === 'length') return true
    if (node.kind !== 'get') return false
    if (node.variable.demanded) return true
    const values = this.#assigned.get(node.variable) ?? []
    return values.length > 1 && values.every((value) => isCount(value, node.variable))
  }
}

function isInteger(node: Expression, least = Number.NEGATIVE_INFINITY): boolean {
  return node.kind === 'number' && Number.isInteger(node.value) && node.value >= least
}

function isCount(node: Expression, variable: Variable): boolean {
  if (node.kind === 'number') return isInteger(node)
  if (node.kind !== 'arithmetic' || !/^[-+]$/.test(node.operator)) return false
  const { left, right } = node
  return left.kind === 'get' && left.variable === variable && isCount(right, variable)
}
