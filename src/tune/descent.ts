// The second phase of the search, coordinate descent: one knob after the other goes up and down,
// and stays where runs in turns say that it is better there. Called by search.ts.
import type { Halved } from './halving.ts'
import { type Candidate, type Knob, type KnobValue, neighbours } from './knobs.ts'
import type { SearchState } from './search.ts'
import { candidateKey } from './trials.ts'

const EFFORT = 0.3
/** Who is worse than this after the first turn, the second …, has no more of them. */
const HOPELESS = [0.9, 0.95, 0.98, 0.98] as const
/** Better than this after two turns: gone to at once. */
const CLEAR = 1.12
/** Worse than this by the middle turn: not looked at again. */
const WORSE = 0.95
/** So much better, by the middle turn, to be gone to: less is not worth the noise. */
const WORTHWHILE = 1.02
/** Knobs that matter most come first in their list: they have two rounds before the others. */
const FIRST = 4

/** Which knobs move in a round, and how many places on their scale; then all by one, for ever. */
const rounds = [
  { from: 0, to: FIRST, step: 2 },
  { from: 0, to: FIRST, step: 1 },
  { from: FIRST, to: Infinity, step: 2 },
] as const
const last = { from: 0, to: Infinity, step: 1 } as const

/**
 * Until nothing moves any more, or the time is over. What was best by a few runs, of many, was
 * lucky too: it has to be better than the usual one once more.
 */
export async function descend(state: SearchState, from: Halved): Promise<Candidate> {
  const { options, fits } = state
  const refused = new Set<string>()
  const isUsual = candidateKey(from.best) === candidateKey(from.usual)
  const better = isUsual ? undefined : await betterOf(state, from.usual, [from.best], refused)
  let best = better ?? from.usual
  for (let round = 0; fits(EFFORT, 2); round++) {
    const before = best
    const { from: begin, to, step } = rounds[round] ?? last
    for (const knob of options.knobs.slice(begin, to))
      best = await move(state, best, knob, step, refused)
    if (best === before && round >= rounds.length) break
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
  const { name } = knob
  let best = from
  let values = neighbours(knob, from[name]!, step)
  while (values.length > 0) {
    const others = values.map((value) => ({ ...best, [name]: value }))
    const better = await betterOf(state, best, others, refused)
    if (better === undefined) break
    const isFurther = sideOf(better[name]!, best[name]!)
    best = better
    values = neighbours(knob, best[name]!, step).filter(
      (value) => knob.isOrdered && isFurther(value),
    )
  }
  return best
}

/** Whether values lie beyond `to`, seen from `from`. */
function sideOf(to: KnobValue, from: KnobValue): (value: KnobValue) => boolean {
  return to > from ? (value) => value > to : (value) => value < to
}

/** Runs all of them in turns; the best of those that are better, or undefined. */
async function betterOf(
  { trials, fits }: SearchState,
  best: Candidate,
  others: readonly Candidate[],
  refused: Set<string>,
): Promise<Candidate | undefined> {
  let left = others
    .filter((each) => !refused.has(candidateKey(each)))
    .map((candidate) => ({ candidate, ratios: [] as number[] }))
  for (let turn = 0; turn < HOPELESS.length && left.length > 0; turn++) {
    if (!fits(EFFORT, left.length + 1)) break
    const { score } = await trials.run(best, 'descent', 'descent', EFFORT)
    for (const each of left) {
      const other = await trials.run(each.candidate, 'descent', 'descent', EFFORT)
      each.ratios.push(score > 0 ? other.score / score : other.score > 0 ? Infinity : 0)
    }
    for (const { candidate, ratios } of left)
      if (ratios.length > 1 && middleOf(ratios) < WORSE) refused.add(candidateKey(candidate))
    left = left.filter(({ ratios }) => middleOf(ratios) >= HOPELESS[turn])
    if (turn > 0 && left.some(({ ratios }) => middleOf(ratios) > CLEAR)) break
  }
  const good = left
    .filter(({ ratios }) => ratios.length >= 2 && middleOf(ratios) > WORTHWHILE)
    .sort((a, b) => middleOf(b.ratios) - middleOf(a.ratios))
  return good[0]?.candidate
}

/** The geometric mean of the middle half: steadier than the median, and no outlier moves it far. */
function middleOf(ratios: readonly number[]): number {
  const sorted = [...ratios].sort((a, b) => a - b)
  const cut = Math.floor(sorted.length / 4)
  const middle = sorted.slice(cut, sorted.length - cut)
  return Math.exp(middle.reduce((sum, ratio) => sum + Math.log(ratio), 0) / middle.length)
}
