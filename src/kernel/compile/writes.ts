// Which of its arguments' arrays a function writes to: those are copied back after a run. Called by
// the compiler once a program is lowered.
import type { ConstantArray, Expression, FunctionIR, Variable } from './ir.ts'
import { LIBRARY_PATH } from './library.ts'
import { type Place, refuse } from './syntax.ts'
import { isArray } from './types.ts'
import { walkBody } from './walk.ts'

/** An argument of the entry, or an array of the module. */
type Root = Variable | ConstantArray

/** For each parameter of the first function. Refuses a write to an array of the module. */
export function findWrites(functions: readonly FunctionIR[]): boolean[] {
  const [entry] = functions
  const roots = new Roots(entry)
  roots.settle(functions)
  const written = new Set<Root>()
  for (const fn of functions)
    walkBody(fn.body, {
      expression: (node) => {
        if (node.kind !== 'store' && node.kind !== 'move') return
        for (const root of roots.of(node.kind === 'store' ? node.array : node.target)) {
          if (!('name' in root)) refuseWrite(node.place, root)
          written.add(root)
        }
      },
    })
  return entry.parameters.map((parameter) => written.has(parameter))
}

function refuseWrite(place: Place, { place: declared }: ConstantArray): never {
  const advice = 'which outlives a call: give it as an argument'
  if (place.file.path === LIBRARY_PATH)
    refuse(declared, `this array of the module is written to, ${advice}`)
  refuse(place, `this writes to an array of the module, ${advice}`)
}

/** What array variables may refer to, wherever they are: as if all assignments had been made. */
class Roots {
  readonly #roots = new Map<Variable, Set<Root>>()
  #isChanged = false

  constructor(entry: FunctionIR) {
    for (const parameter of entry.parameters)
      if (isArray(parameter.type)) this.#roots.set(parameter, new Set([parameter]))
  }

  settle(functions: readonly FunctionIR[]): void {
    do {
      this.#isChanged = false
      for (const fn of functions)
        walkBody(fn.body, {
          expression: (node) => this.#learn(node),
          statement: (statement) => {
            if (statement.kind === 'return' && statement.value)
              this.#add(statement.frame.result, statement.value)
          },
        })
    } while (this.#isChanged)
  }

  #learn(node: Expression): void {
    if (node.kind === 'set') this.#add(node.variable, node.value)
    if (node.kind !== 'call') return
    for (const [i, value] of node.values.entries()) this.#add(node.callee.parameters[i], value)
  }

  #add(variable: Variable | undefined, value: Expression): void {
    if (variable === undefined || !isArray(value.type)) return
    const roots = this.#roots.get(variable) ?? new Set<Root>()
    const before = roots.size
    for (const root of this.of(value)) roots.add(root)
    this.#roots.set(variable, roots)
    this.#isChanged ||= roots.size !== before
  }

  of(node: Expression): Iterable<Root> {
    switch (node.kind) {
      case 'get':
      case 'set':
        return this.#roots.get(node.variable) ?? []
      case 'data':
        return [node.data]
      case 'view':
        return this.of(node.array)
      case 'choose':
        return [...this.of(node.yes), ...this.of(node.no)]
      case 'sequence':
        return this.of(node.items[node.items.length - 1])
      case 'call':
        return this.#ofResult(node.callee.frame.result)
      case 'inlined':
        return this.#ofResult(node.frame.result)
      default:
        return []
    }
  }

  #ofResult(result: Variable | undefined): Iterable<Root> {
    return (result && this.#roots.get(result)) ?? []
  }
}
