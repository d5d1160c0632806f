// What is known of each variable from all its assignments together: a range that grows with them
// until it covers all, or jumps to the next bound where it would grow for ever. Used by the
// inference.
import type { Assumptions } from './assumptions.ts'
import type { FunctionIR, Variable } from './ir.ts'
import {
  hull,
  INT32,
  intersect,
  isRange,
  isSafe,
  isSmall,
  KEPT,
  type Known,
  type Range,
  SAFE,
  sameRange,
} from './range.ts'
import { walkBody } from './walk.ts'

/** Ranges that still grow then jump. */
const WIDEN_FROM = 4

export class VariableRanges {
  pass = 0
  /** Since the pass began. */
  isChanged = false
  readonly #assumptions: Assumptions

  constructor(assumptions: Assumptions) {
    this.#assumptions = assumptions
  }

  startPass(): void {
    this.pass++
    this.isChanged = false
  }

  reset(functions: readonly FunctionIR[]): void {
    const variables = new Set<Variable>()
    const add = (variable: Variable | undefined): void => {
      if (variable) variables.add(variable)
    }
    for (const fn of functions) {
      for (const parameter of fn.parameters) add(parameter)
      add(fn.frame.result)
      walkBody(fn.body, {
        expression: (node) => {
          if (node.kind === 'set' || node.kind === 'get') add(node.variable)
          if (node.kind === 'inlined') add(node.frame.result)
        },
      })
    }
    for (const variable of variables) {
      variable.known = undefined
      variable.undefinable = false
    }
    const [entry] = functions
    for (const parameter of entry.parameters) this.#assumeParameter(parameter)
    if (entry.frame.result && !entry.isCalled) entry.frame.result.known = 'float'
  }

  /**
   * An argument of the host: an integer from 0 to 2^31 - 1, then any of 32 bits, then any number.
   */
  #assumeParameter(parameter: Variable): void {
    if (parameter.type !== 'number') return
    const step = parameter.demanded
      ? this.#assumptions.rangeStep(parameter.place, parameter.name)
      : 2
    parameter.known = [{ lo: 0, hi: INT32.hi }, INT32][step] ?? 'float'
  }

  join(variable: Variable, known: Known, undefinable: boolean): void {
    if (variable.type !== 'number') return
    if (undefinable && !variable.undefinable && !this.isTruncated(variable)) {
      variable.undefinable = true
      this.isChanged = true
    }
    if (known === undefined || variable.known === 'float') return
    const before = variable.known
    const range = known === 'float' && this.isTruncated(variable) ? INT32 : known
    const joined = range === 'float' ? range : this.#joinRange(variable, before, range)
    if (isRange(joined) && before && sameRange(joined, before)) return
    variable.known = joined
    this.isChanged = true
  }

  /** Not where nothing at all is assumed. */
  isTruncated(variable: Variable): boolean {
    const { isTruncated, place, name } = variable
    return isTruncated && this.#assumptions.rangeStep(place, name) === 0
  }

  #joinRange(variable: Variable, before: Range | undefined, range: Range): Known {
    const step = this.#assumptions.rangeStep(variable.place, variable.name)
    if (step >= 2) return 'float'
    if (this.isTruncated(variable) && !isSmall(range)) return INT32
    const isFirst = step === 0 && (before === undefined || isSmall(before))
    // Wider than what is exact: it is taken to be small, and checked.
    const kept = isSafe(range) ? range : intersect(range, isFirst ? INT32 : KEPT)
    if (kept === undefined) return 'float'
    const joined = before ? hull(before, kept) : kept
    const cap = isFirst ? INT32 : SAFE
    if (this.pass < WIDEN_FROM || before === undefined) return joined
    return {
      lo: joined.lo === before.lo ? joined.lo : joined.lo >= 0 ? 0 : cap.lo,
      hi: joined.hi === before.hi ? joined.hi : cap.hi,
    }
  }
}
