// What is wrong with a kernel, thrown inside the process that compiles it, where places are ranges
// of AssemblyScript's parser.
import type { Range } from 'assemblyscript'

export interface RangedProblem {
  readonly message: string
  readonly range?: Range
}

export class Refusal extends Error {
  readonly problems: readonly RangedProblem[]

  constructor(problems: readonly RangedProblem[]) {
    super(problems.map(({ message }) => message).join('; '))
    this.problems = problems
  }
}
