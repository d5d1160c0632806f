// The second phase of the search, coordinate descent: one knob after the other goes up and down,
// and stays where pairs of runs say that it is better there. Called by search.ts.
import { medianOf } from './comparison.ts'
import { type Candidate, type Knob, neighbours } from './knobs.ts'
import type { SearchState } from './search.ts'
import { candidateKey } from './trials.ts'

const EFFORT = 0.3
const PAIRS = 3
/** Worse than this in the first pair: no second one. */
const HOPELESS = 0.9
/** Worse than this by the middle pair: not looked at again. */
const WORSE = 0.95
/** So much better, by the middle pair, to be gone to: less is not worth the noise. */
const WORTHWHILE = 1.02
/** Places on the scale that a knob moves, round by round. */
const steps = [2, 1] as const

export async function descend(state: SearchState, from: Candidate): Promise<Candidate> {
  const { options, fits } = state
  const refused = new Set<string>()
  let best = from
  for (let round = 0; fits(EFFORT, 2); round++) {
    const before = best
    for (const knob of options.knobs)
      best = await move(state, best, knob, steps[Math.min(round, steps.length - 1)], refused)
    if (best === before && round >= steps.length - 1) break
  }
  return best
}

/** Along one knob, as far as that gains. */
async function move(
  state: SearchState,
  from: Candidate,
  knob: Knob,
  step: number,
  refused: Set<string>,
): Promise<Candidate> {
  let best = from
  for (const value of neighbours(knob, from[knob.name]!, step)) {
    let next: Candidate | undefined = { ...best, [knob.name]: value }
    const isUp = value > from[knob.name]!
    while (next !== undefined && (await isBetter(state, best, next, refused))) {
      best = next
      const further = neighbours(knob, best[knob.name]!, step).find(
        (each) => knob.isOrdered && each > best[knob.name]! === isUp,
      )
      next = further === undefined ? undefined : { ...best, [knob.name]: further }
    }
    if (best !== from && knob.isOrdered) break
  }
  return best
}

async function isBetter(
  { trials, fits }: SearchState,
  best: Candidate,
  other: Candidate,
  refused: Set<string>,
): Promise<boolean> {
  const key = candidateKey(other)
  if (refused.has(key) || !fits(EFFORT, 2)) return false
  const ratios: number[] = []
  for (let pair = 0; pair < PAIRS && (pair === 0 || fits(EFFORT, 2)); pair++) {
    const measureBest = () => trials.run(best, 'descent', 'descent', EFFORT)
    const measureOther = () => trials.run(other, 'descent', 'descent', EFFORT)
    const isEven = pair % 2 === 0
    const first = isEven ? await measureBest() : await measureOther()
    const second = isEven ? await measureOther() : await measureBest()
    const [a, b] = isEven ? [first.score, second.score] : [second.score, first.score]
    ratios.push(a > 0 ? b / a : b > 0 ? Infinity : 0)
    if (ratios[0] < HOPELESS) break
  }
  if (medianOf(ratios) < WORSE) refused.add(key)
  return ratios.length >= 2 && medianOf(ratios) > WORTHWHILE
}
