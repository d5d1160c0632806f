// A function and all that it needs, lowered and checked, ready to be compiled in versions. Made
// from a file by the compiler, and from the values of module constants.
import { checkAssigned } from './assigned.ts'
import { Assumptions, type Refuted } from './assumptions.ts'
import { findDemands, findInitials } from './demand.ts'
import { type EmittedModule, emitModule } from './emit_module.ts'
import { Inference } from './infer.ts'
import type { ConstantArray, FunctionIR } from './ir.ts'
import type { Known } from './range.ts'
import { refuse } from './syntax.ts'
import { findTruncated } from './truncated.ts'
import type { ResultType, ValueType } from './types.ts'
import { walkBody } from './walk.ts'
import { findWrites } from './writes.ts'

export interface ProgramParameter {
  readonly name: string
  readonly type: ValueType
  /** Undefined: an argument is needed. */
  readonly initial: number | boolean | undefined
  /** An array that the function writes to. */
  readonly isWritten: boolean
}

export interface Version extends EmittedModule {
  /** Per parameter: what is assumed of a number. */
  readonly assumed: readonly Known[]
}

export class Program {
  readonly name: string
  readonly parameters: readonly ProgramParameter[]
  readonly result: ResultType
  readonly #functions: readonly FunctionIR[]
  readonly #data: readonly ConstantArray[]

  constructor(
    entry: FunctionIR,
    data: readonly ConstantArray[],
    initials: readonly (number | boolean | undefined)[],
  ) {
    this.name = entry.name
    this.#functions = reachable(entry)
    this.#data = data
    for (const fn of this.#functions) checkAssigned(fn)
    findInitials(this.#functions)
    findDemands(this.#functions)
    findTruncated(this.#functions)
    const written = findWrites(this.#functions)
    this.result = entry.frame.type ?? 'void'
    this.parameters = entry.parameters.map(({ name, type }, i) => ({
      name,
      type,
      initial: initials[i],
      isWritten: written[i],
    }))
  }

  /** @param none nothing at all is assumed any more */
  compile(refuted: Refuted, none: boolean): Version {
    const inference = new Inference(this.#functions, new Assumptions(refuted, none))
    inference.run()
    const module = emitModule(this.#functions, this.#data, inference.live)
    return { ...module, assumed: this.#functions[0].parameters.map(({ known }) => known) }
  }

  /** Where a parameter stands, for the key of what is assumed of it. */
  placeOf(parameter: number) {
    return this.#functions[0].parameters[parameter].place
  }
}

/** Those that are called, from the entry on. */
function reachable(entry: FunctionIR): FunctionIR[] {
  const found = new Set([entry])
  for (const fn of found) {
    if (fn.body.length === 0)
      refuse(
        fn.parameters[0]?.place ?? entry.parameters[0].place,
        `'${fn.name}' calls itself through another function and uses variables around it`,
      )
    walkBody(fn.body, {
      expression: (node) => {
        if (node.kind === 'call') found.add(node.callee)
      },
    })
  }
  return [...found]
}
