// Variables of which only the lowest 32 bits are ever looked at: operands of bit operators,
// elements stored as integers. They are kept as 32 bits whatever they are given. Called by the
// compiler.
import type { Expression, FunctionIR, Statement, Variable } from './ir.ts'
import { partsOf, walkBody } from './walk.ts'

/** What looks at a value: its 32 bits, nobody, all of it, or whoever looks at a variable. */
type Use = 'bits' | 'nothing' | 'all' | Variable

export function findTruncated(functions: readonly FunctionIR[]): void {
  const uses = new Uses()
  for (const fn of functions) {
    for (const parameter of fn.parameters) uses.useAll(parameter)
    walkBody(fn.body, {
      expression: (node) => {
        if (node.kind === 'set') node.variable.isTruncated = node.type === 'number'
      },
    })
  }
  for (const fn of functions) {
    uses.body(fn.body)
  }
  uses.settle()
}

const INTEGER_ARRAY = /^(Int|Uint)(8|16|32)Array$/

class Uses {
  /** By variable: those whose value it is given. */
  readonly #givers = new Map<Variable, Variable[]>()
  readonly #looked = new Set<Variable>()

  useAll(variable: Variable): void {
    this.#looked.add(variable)
  }

  settle(): void {
    for (const variable of this.#looked) {
      variable.isTruncated = false
      for (const giver of this.#givers.get(variable) ?? []) this.#looked.add(giver)
    }
  }

  body(body: readonly Statement[]): void {
    for (const statement of body) this.#statement(statement)
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'expression':
        this.#expression(statement.value, 'nothing')
        return
      case 'block':
        this.body(statement.body)
        return
      case 'if':
        this.#expression(statement.test, 'all')
        this.body(statement.yes)
        this.body(statement.no)
        return
      case 'loop':
        if (statement.test) this.#expression(statement.test, 'all')
        if (statement.update) this.#expression(statement.update, 'nothing')
        this.body(statement.body)
        return
      case 'switch':
        this.#expression(statement.value, 'all')
        for (const { test, body } of statement.cases) {
          if (test) this.#expression(test, 'all')
          this.body(body)
        }
        return
      case 'return':
        if (statement.value) this.#expression(statement.value, 'all')
    }
  }

  #look(variable: Variable, use: Use): void {
    if (use === 'bits' || use === 'nothing') return
    if (use === 'all') {
      this.#looked.add(variable)
      return
    }
    const givers = this.#givers.get(use)
    if (givers) givers.push(variable)
    else this.#givers.set(use, [variable])
  }

  #expression(node: Expression, use: Use): void {
    switch (node.kind) {
      case 'get':
        this.#look(node.variable, use)
        return
      case 'set':
        this.#look(node.variable, use)
        this.#expression(node.value, node.variable)
        return
      case 'choose':
        this.#expression(node.test, 'all')
        this.#expression(node.yes, use)
        this.#expression(node.no, use)
        return
      case 'sequence':
        for (const [i, item] of node.items.entries())
          this.#expression(item, i < node.items.length - 1 ? 'nothing' : use)
        return
      case 'store':
        this.#expression(node.array, 'all')
        this.#expression(node.index, 'all')
        this.#expression(node.value, INTEGER_ARRAY.test(node.array.type) ? 'bits' : 'all')
        return
      case 'inlined':
        this.body(node.body)
        return
      default: {
        const isBits = node.kind === 'bits' || node.kind === 'complement'
        const isMath = node.kind === 'math' && (node.name === 'imul' || node.name === 'clz32')
        for (const part of partsOf(node)) this.#expression(part, isBits || isMath ? 'bits' : 'all')
      }
    }
  }
}
