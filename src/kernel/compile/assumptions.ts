// What a compiled version takes for granted and checks while it runs: that numbers which look like
// integers are, that indices are in bounds. A check that fails ends the run; the function is then
// compiled without that assumption and run again. Used by the inference, the emission and the
// runner.
import type { Place } from './syntax.ts'

/**
 * 'zero': a result is not -0; 'divisor': not 0; 'whole': a float is an int32; 'bounds': an index.
 */
export type Assumption = 'range' | 'zero' | 'divisor' | 'whole' | 'bounds'

/** How often each was found wrong. A range has two steps: more than 32 bits, then any number. */
export type Refuted = ReadonlyMap<string, number>

export function assumptionKey(assumption: Assumption, place: Place, name = ''): string {
  return `${assumption} ${place.file.path}:${place.start}-${place.end} ${name}`
}

export class Assumptions {
  readonly #refuted: Refuted
  /** Every number a float, every index checked: what is left after too many attempts. */
  readonly #none: boolean

  constructor(refuted: Refuted, none = false) {
    this.#refuted = refuted
    this.#none = none
  }

  holds(assumption: Assumption, place: Place): boolean {
    return !this.#none && !this.#refuted.has(assumptionKey(assumption, place))
  }

  /** 0: nothing has spoken against the smallest range. */
  rangeStep(place: Place, name: string): number {
    return this.#none ? 3 : (this.#refuted.get(assumptionKey('range', place, name)) ?? 0)
  }
}
