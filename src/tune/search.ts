// Finds settings that are better than those to begin with, within a time, from noisy runs. Pure:
// what is measured, and how long that takes, is given. Called by `euphorion tune`.
//
//   halving      random candidates, the start and the defaults; the better third runs again, longer
//   descent      the best so far against its neighbours, knob by knob, in pairs of runs
//   reduction    what differs from the start and gains nothing goes back to what it was
//   comparison   the start against what is left, in turns: only this says whether there is a gain
import { type Clock, type Random, seededRandom } from '../clock.ts'
import { type Comparison, compare, inTurns, pairsMin } from './comparison.ts'
import { descend } from './descent.ts'
import { halve } from './halving.ts'
import { type Candidate, differing, type Knob, type KnobName } from './knobs.ts'
import { type KeptKnob, reduce } from './reduction.ts'
import { type Measure, type Phase, type Run, type Trial, Trials } from './trials.ts'

export interface SearchOptions {
  readonly knobs: readonly Knob[]
  /** Values of all knobs. */
  readonly start: Candidate
  readonly defaults: Candidate
  readonly seed: number
  /** Of all phases; a run that has begun is not broken off. */
  readonly seconds: number
  readonly measure: Measure
  readonly clock: Pick<Clock, 'monotonic'>
  readonly onRun?: (run: Run, trial: Trial) => void
  readonly onPhase?: (phase: Phase) => void
}

/** Two runs next to each other. */
export interface Pair {
  readonly start: Run
  readonly best: Run
}

export interface SearchResult {
  readonly start: Candidate
  readonly best: Candidate
  /** Of best against start; undefined where they are the same. */
  readonly comparison: Comparison | undefined
  readonly pairs: readonly Pair[]
  /** Knobs of best that differ, with what going back to the start's value costs. */
  readonly kept: readonly KeptKnob[]
  readonly trials: readonly Trial[]
  readonly elapsedMs: number
}

/** What the phases share. */
export interface SearchState {
  readonly options: SearchOptions
  readonly trials: Trials
  readonly random: Random
  /** One more run of that length can end before the phase has to. */
  readonly fits: (effort: number, runs?: number) => boolean
}

/** Parts of the time at which phases end; the comparison gets more where its runs need it. */
const ends = { halving: 0.16, descent: 0.67, reduction: 0.8 } as const
/** Of the runs of the comparison; shorter where there is no time for enough of them. */
const EFFORT = 0.6
const EFFORT_MIN = 0.3
/** Most of the time that is kept for the comparison. */
const RESERVE = 0.45
/** Runs of the start may take longer than those of the better ones. */
const MARGIN = 1.3
const PAIRS_MAX = 40

/** Rejects with what makes the start fail. */
export async function searchSettings(options: SearchOptions): Promise<SearchResult> {
  const { clock, seconds, measure, onRun = () => undefined } = options
  const beganMs = clock.monotonic()
  const trials = new Trials(measure, clock, onRun)
  const random = seededRandom(options.seed)
  const enter = (phase: Phase): SearchState => {
    options.onPhase?.(phase)
    const fits = (effort: number, runs = 1): boolean => {
      const wholeMs = seconds * 1000
      const reserveMs = Math.min(RESERVE * wholeMs, MARGIN * 2 * pairsMin * trials.costMs(EFFORT))
      const endMs =
        phase === 'comparison' ? wholeMs : Math.min(ends[phase] * wholeMs, wholeMs - reserveMs)
      return clock.monotonic() - beganMs + runs * trials.costMs(effort) <= endMs
    }
    return { options, trials, random, fits }
  }
  const halved = await halve(enter('halving'))
  const descended = await descend(enter('descent'), halved)
  const { best, kept } = await reduce(enter('reduction'), descended)
  const isSame = differing(options.start, best).length === 0
  const pairs = isSame ? [] : await comparePairs(enter('comparison'), best)
  const comparison = isSame
    ? undefined
    : compare(
        pairs.map(({ start }) => start.score),
        pairs.map((each) => each.best.score),
      )
  const elapsedMs = clock.monotonic() - beganMs
  return { start: options.start, best, comparison, pairs, kept, trials: trials.all, elapsedMs }
}

async function comparePairs(
  { options, trials, fits }: SearchState,
  best: Candidate,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = []
  const effort = fits(EFFORT, MARGIN * 2 * pairsMin) ? EFFORT : EFFORT_MIN
  const measureStart = () => trials.run(options.start, 'start', 'comparison', effort)
  const measureBest = () => trials.run(best, 'descent', 'comparison', effort)
  while (pairs.length < PAIRS_MAX && fits(effort, 2)) {
    const [ofStart, ofBest] = await inTurns(pairs.length, measureStart, measureBest)
    if (ofStart.score === 0 || ofBest.score === 0) break
    pairs.push({ start: ofStart, best: ofBest })
  }
  return pairs
}

/** What is to be written: values that are better than the start's beyond the noise. */
export function foundValues(result: SearchResult): Candidate {
  if (result.comparison?.verdict !== 'better') return {}
  const names: readonly KnobName[] = differing(result.start, result.best)
  return Object.fromEntries(names.map((name) => [name, result.best[name]]))
}
