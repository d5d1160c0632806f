// Few cases that have every pair of values of any two factors between them. For tests whose full
// product of factors would take too long.

/** Values by the name of their factor. */
export type Factors = Readonly<Record<string, readonly unknown[]>>

export type CaseOf<F extends Factors> = { readonly [N in keyof F]: F[N][number] }

/** Every combination. */
export function product<F extends Factors>(factors: F): CaseOf<F>[] {
  let cases: Record<string, unknown>[] = [{}]
  for (const [name, values] of Object.entries(factors))
    cases = cases.flatMap((each) => values.map((value) => ({ ...each, [name]: value })))
  return cases as CaseOf<F>[]
}

/** The pairs of values that a case has, as texts. */
export function pairsOf(one: Readonly<Record<string, unknown>>): string[] {
  const parts = Object.entries(one).map(([name, value]) => `${name}=${String(value)}`)
  return parts.flatMap((left, at) => parts.slice(at + 1).map((right) => `${left} ${right}`))
}

/** Cases with every pair, each chosen as the one with the most pairs that are still missing. */
export function pairwise<F extends Factors>(factors: F): CaseOf<F>[] {
  const all = product(factors)
  const missing = new Set(all.flatMap(pairsOf))
  const chosen: CaseOf<F>[] = []
  while (missing.size > 0) {
    const gain = (each: CaseOf<F>): number =>
      pairsOf(each).filter((pair) => missing.has(pair)).length
    const best = all.reduce((a, b) => (gain(b) > gain(a) ? b : a))
    for (const pair of pairsOf(best)) missing.delete(pair)
    chosen.push(best)
  }
  return chosen
}
