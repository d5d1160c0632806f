// The first phase of the search, successive halving: many candidates run once and shortly, the
// better third of them again, and longer. Called by search.ts.
import { type Random, shuffled } from '../clock.ts'
import type { Candidate, Knob } from './knobs.ts'
import type { SearchState } from './search.ts'
import { candidateKey, type Origin, type Run, scoreOf } from './trials.ts'

interface Contender {
  readonly candidate: Candidate
  readonly origin: Origin
}

/** How long the runs of a round are, and how many a candidate has. */
const rounds = [
  { effort: 0.3, repeats: 1 },
  { effort: 0.3, repeats: 2 },
  { effort: 0.6, repeats: 2 },
] as const

const CANDIDATES_MAX = 48
/** One of so many goes on. */
const FRACTION = 3
/** Runs that the rounds need for each candidate of the first, in the time of one of those. */
const RUNS_A_CANDIDATE = 2
/** A knob of a random candidate is drawn this often, and else has its default. */
const DRAWN = 0.5
/** The defaults are the usual ones where they are better than the start by more than this. */
const MUCH_BETTER = 1.07

/** What the descent begins with. */
export interface Halved {
  readonly best: Candidate
  /** The start, or the defaults. */
  readonly usual: Candidate
}

/** Rejects with what makes the start fail. */
export async function halve(state: SearchState): Promise<Halved> {
  const { options, trials, fits } = state
  const { start, defaults } = options
  const first = await trials.run(start, 'start', 'halving', rounds[0].effort)
  if (first.failure !== undefined) throw first.failure
  let contenders = contendersOf(state)
  let best = start
  const usual = { start: first.score, defaults: 0 }
  for (const { effort, repeats } of rounds) {
    const runs = new Map<Contender, Run[]>(contenders.map((each) => [each, []]))
    if (effort === rounds[0].effort && repeats === 1) runs.get(contenders[0])?.push(first)
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const each of shuffled(contenders, state.random)) {
        const known = runs.get(each)!
        // of those that were measured last, not all may have been
        if (known.length > repeat || !fits(effort)) continue
        known.push(await trials.run(each.candidate, each.origin, 'halving', effort))
      }
    }
    const measured = contenders.filter((each) => runs.get(each)!.length > 0)
    if (measured.length < Math.min(2, contenders.length)) break
    const ranked = measured.sort((a, b) => scoreOf(runs.get(b)!) - scoreOf(runs.get(a)!))
    best = ranked[0].candidate
    for (const each of ranked)
      if (each.origin === 'start' || each.origin === 'defaults')
        usual[each.origin] = scoreOf(runs.get(each)!)
    contenders = ranked.slice(0, Math.max(2, Math.ceil(ranked.length / FRACTION)))
  }
  return { best, usual: usual.defaults > MUCH_BETTER * usual.start ? defaults : start }
}

/** The start first; as many as there is time for. */
function contendersOf({ options, trials, random, fits }: SearchState): Contender[] {
  const { knobs, start, defaults } = options
  const contenders: Contender[] = [{ candidate: start, origin: 'start' }]
  const known = new Set([start, defaults].map(candidateKey))
  if (known.size > 1) contenders.push({ candidate: defaults, origin: 'defaults' })
  const isRoom = () => fits(rounds[0].effort, RUNS_A_CANDIDATE * (contenders.length + 1))
  for (let draws = 0; draws < 4 * CANDIDATES_MAX && isRoom(); draws++) {
    if (contenders.length === CANDIDATES_MAX || trials.costMs(rounds[0].effort) === 0) break
    const candidate = drawn(knobs, defaults, random)
    if (known.has(candidateKey(candidate))) continue
    known.add(candidateKey(candidate))
    contenders.push({ candidate, origin: 'random' })
  }
  return contenders
}

function drawn(knobs: readonly Knob[], defaults: Candidate, random: Random): Candidate {
  const values = knobs.map(({ name, values }) => {
    const isDrawn = random() < DRAWN
    const value = values[Math.floor(random() * values.length)]
    return [name, isDrawn ? value : defaults[name]] as const
  })
  return Object.fromEntries(values)
}
