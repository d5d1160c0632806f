// The third phase of the search: knobs of the best that differ from the start go back to the
// start's values, in groups, where nothing is lost by it, so that only what gains is written.
// Called by search.ts.
import { type Comparison, compare, inTurns, pairsMin } from './comparison.ts'
import { type Candidate, differing, type KnobName } from './knobs.ts'
import type { SearchState } from './search.ts'

/** A knob that stays, and what the pairs said that compared it with the start's value. */
export interface KeptKnob {
  readonly name: KnobName
  /** Of the start's value against the best; undefined where there was no time to look. */
  readonly withoutIt: Comparison | undefined
}

const EFFORT = 0.3
const PAIRS_MAX = 10
/** From so many pairs on, what looks no worse goes. */
const PAIRS_LOOK = 2
const NO_WORSE = 0.97
/** Far worse in the first pair: it is needed. */
const NEEDED = 0.75

/**
 * Always compares with the best as it came, so that small losses cannot add up unseen. Knobs that
 * matter most come first in their list; the others are tried first, half of them at once.
 */
export async function reduce(
  state: SearchState,
  from: Candidate,
): Promise<{ readonly best: Candidate; readonly kept: readonly KeptKnob[] }> {
  const { start } = state.options
  const kept: KeptKnob[] = []
  let best = from
  const tryGroup = async (names: readonly KnobName[]): Promise<void> => {
    const back = Object.fromEntries(names.map((name) => [name, start[name]]))
    const reduced: Candidate = { ...best, ...back }
    const answer = await lossOf(state, from, reduced)
    if (answer.verdict === 'none') best = reduced
    else if (names.length === 1) kept.push({ name: names[0], withoutIt: answer.comparison })
    else await tryHalves(names)
  }
  const tryHalves = async (names: readonly KnobName[]): Promise<void> => {
    const middle = names.length >> 1
    await tryGroup(names.slice(middle))
    if (middle > 0) await tryGroup(names.slice(0, middle))
  }
  const names = differing(start, from)
  if (names.length > 1) await tryHalves(names)
  else kept.push(...names.map((name) => ({ name, withoutIt: undefined })))
  return { best, kept }
}

interface Loss {
  readonly verdict: 'none' | 'some' | 'unknown'
  readonly comparison?: Comparison
}

async function lossOf(
  { trials, fits }: SearchState,
  best: Candidate,
  reduced: Candidate,
): Promise<Loss> {
  const scores: [number[], number[]] = [[], []]
  let comparison: Comparison | undefined
  for (let pair = 0; pair < PAIRS_MAX && fits(EFFORT, 2); pair++) {
    const measureBest = () => trials.run(best, 'descent', 'reduction', EFFORT)
    const measureReduced = () => trials.run(reduced, 'reduction', 'reduction', EFFORT)
    const [{ score: a }, { score: b }] = await inTurns(pair, measureBest, measureReduced)
    if (b === 0 || b / a < NEEDED) return { verdict: 'some', ...(comparison && { comparison }) }
    if (a === 0) return { verdict: 'none' }
    scores[0].push(a)
    scores[1].push(b)
    comparison = compare(scores[0], scores[1])
    if (pair + 1 >= PAIRS_LOOK && comparison.ratio >= NO_WORSE)
      return { verdict: 'none', comparison }
    if (pair + 1 >= pairsMin && comparison.verdict === 'worse')
      return { verdict: 'some', comparison }
  }
  return { verdict: 'unknown', ...(comparison && { comparison }) }
}
