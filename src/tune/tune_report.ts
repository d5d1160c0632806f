// What a run of `tune` has found, with its evidence: as data (report.json, --json) and as text for
// a terminal. Called by the command.
import { medianOf, pairsMin } from './comparison.ts'
import { type Goal, showValue, valueTitle } from './goal.ts'
import { type Candidate, differing, showDifference, showKnob, turnsFetches } from './knobs.ts'
import { foundValues, type SearchResult } from './search.ts'
import { candidateKey, type Run, type Trial } from './trials.ts'

/** What was tuned, on what. */
export interface TuneFacts {
  readonly goal: Goal
  /** A workload, or the app's id. */
  readonly target: string
  readonly topics: readonly string[]
  readonly events: number
  readonly broker: string
  readonly seed: number
  readonly seconds: number
  readonly leftOut: readonly string[]
  readonly node: string
  readonly cpu: string
}

export interface TuneReport extends Omit<TuneFacts, 'goal'> {
  readonly goal: Goal['name']
  readonly rate: number | undefined
  readonly elapsedSeconds: number
  readonly start: Candidate
  readonly best: Candidate
  /** What is better than the start beyond the noise; empty where nothing is. */
  readonly found: Candidate
  /** Of best against start; undefined where they are the same. */
  readonly gain: TuneGain | undefined
  /** Knobs of best, one by one: the ratio that is left without each. */
  readonly without: readonly {
    readonly knob: string
    readonly ratio: number | undefined
    readonly low: number | undefined
    readonly high: number | undefined
  }[]
  readonly candidates: readonly TunedCandidate[]
}

export interface TuneGain {
  readonly verdict: 'better' | 'worse' | 'within the noise'
  /** How much better, whatever the goal: above 1 is a gain. */
  readonly ratio: number
  /** 95%; undefined with too few pairs. */
  readonly interval: readonly [low: number, high: number] | undefined
  readonly startMedian: number
  readonly bestMedian: number
  readonly pairs: readonly { readonly start: number; readonly best: number }[]
}

export interface TunedCandidate {
  readonly origin: Trial['origin']
  readonly settings: Candidate
  /** Of its runs that did not fail; undefined without any. */
  readonly median: number | undefined
  readonly runs: readonly TunedRun[]
}

export interface TunedRun {
  readonly number: number
  readonly phase: Run['phase']
  readonly effort: number
  readonly value: number | undefined
  readonly failure?: string
  readonly [fact: string]: unknown
}

export function tuneReport(result: SearchResult, facts: TuneFacts): TuneReport {
  const { goal, ...rest } = facts
  return {
    goal: goal.name,
    rate: goal.rate,
    ...rest,
    elapsedSeconds: Math.round(result.elapsedMs / 100) / 10,
    start: result.start,
    best: result.best,
    found: foundValues(result),
    gain: gainOf(result),
    without: result.kept.map(({ name, withoutIt }) => ({
      knob: name,
      ratio: withoutIt?.ratio,
      low: withoutIt?.low,
      high: withoutIt && finite(withoutIt.high),
    })),
    candidates: result.trials.map(candidateOf),
  }
}

function gainOf({ comparison, pairs }: SearchResult): TuneGain | undefined {
  if (comparison === undefined || pairs.length === 0) return undefined
  const { verdict, ratio, low, high } = comparison
  const values = pairs.map(({ start, best }) => ({ start: start.value, best: best.value }))
  return {
    verdict,
    ratio,
    interval: Number.isFinite(high) ? [low, high] : undefined,
    startMedian: medianOf(values.map(({ start }) => start)),
    bestMedian: medianOf(values.map(({ best }) => best)),
    pairs: values,
  }
}

function candidateOf({ candidate, origin, runs }: Trial): TunedCandidate {
  const values = runs.filter(({ score }) => score > 0).map(({ value }) => value)
  return {
    origin,
    settings: candidate,
    median: values.length === 0 ? undefined : medianOf(values),
    runs: runs.map(({ number, phase, effort, value, score, facts, failure }) => ({
      number,
      phase,
      effort,
      value: score > 0 ? finite(value) : undefined,
      ...facts,
      ...(failure && { failure: failure.message }),
    })),
  }
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

const SHOWN_MAX = 12
/** Below it a search has hardly begun. */
const RUNS_ENOUGH = 30
const BAR = 24

/** For a terminal; ends with a newline. */
export function paintReport(report: TuneReport, goal: Goal): string {
  const { target, events, broker, cpu, node } = report
  const title = `${valueTitle(goal)}: ${target}, ${events.toLocaleString('en')} events`
  const facts = `${broker}, Node ${node}, ${cpu}, seed ${report.seed}`
  const runs = report.candidates.reduce((sum, each) => sum + each.runs.length, 0)
  const count = `${report.candidates.length} candidates, ${runs} runs, ${report.elapsedSeconds} s`
  const left = report.leftOut.map((each) => `  ${each}`)
  return [
    `${title}\n${facts}\n${count}`,
    `Candidates, the best first (median of all runs; noise included):\n${paintBars(report, goal)}`,
    paintGain(report, goal),
    ...(left.length > 0 ? [`Left out:\n${left.join('\n')}`] : []),
  ]
    .map((part) => `${part}\n`)
    .join('\n')
}

function paintBars({ candidates, start, best }: TuneReport, goal: Goal): string {
  const isLess = goal.name !== 'throughput'
  const measured = candidates.filter(({ median }) => median !== undefined)
  const sign = isLess ? 1 : -1
  const sorted = [...measured].sort((a, b) => sign * (a.median! - b.median!))
  const isMarked = ({ settings }: TunedCandidate): boolean =>
    isSame(settings, start) || isSame(settings, best)
  const shown = sorted.filter((each, index) => index < SHOWN_MAX || isMarked(each))
  const most = Math.max(...shown.map(({ median }) => median!))
  const lines = shown.map((each) => {
    const median = each.median!
    const bar = '█'.repeat(Math.max(1, Math.round((median / most) * BAR))).padEnd(BAR)
    const late = each.runs.some(({ keptUp }) => keptUp === false) ? ', does not keep up' : ''
    const value = showValue(goal, median).padStart(14)
    const runs = String(each.runs.length).padStart(3)
    return `  ${bar} ${value} ${runs}  ${describe(each, start, best)}${late}`
  })
  const failed = candidates.filter(({ median }) => median === undefined)
  const reasons = new Set(failed.flatMap(({ runs }) => runs.map(({ failure }) => failure)))
  const notes = [...reasons].map((reason) => `  failed: ${reason}`)
  return [...lines, ...notes].join('\n')
}

/** 'best: threads 2', 'the start' */
function describe({ settings }: TunedCandidate, start: Candidate, best: Candidate): string {
  const isBest = isSame(settings, best)
  if (isSame(settings, start)) return isBest ? 'the start, which is the best' : 'the start'
  return `${isBest ? 'best: ' : ''}${showDifference(start, settings)}`
}

const isSame = (a: Candidate, b: Candidate): boolean => candidateKey(a) === candidateKey(b)

function paintGain(report: TuneReport, goal: Goal): string {
  const { gain, start, best, without } = report
  if (gain === undefined) return nothingFound(report)
  const rows = (['start', 'best'] as const).map((name) => {
    const values = gain.pairs.map((pair) => pair[name]).sort((a, b) => a - b)
    const [low, high] = [values[0], values[values.length - 1]].map((each) => showValue(goal, each))
    const middle = showValue(goal, medianOf(values))
    return `  ${name.padEnd(5)}  ${low} – ${middle} – ${high}`
  })
  const [low, high] = gain.interval ?? [0, Infinity]
  const interval =
    gain.interval === undefined
      ? 'too few pairs for an interval'
      : `95%: ${low.toFixed(2)} to ${high.toFixed(2)}`
  const ratio = `  ${gain.ratio.toFixed(2)} times as good (${interval})`
  const unclear = gain.interval === undefined ? `fewer than ${pairsMin} pairs` : 'within the noise'
  const advice = gain.interval === undefined ? ' (more --seconds make more pairs)' : ''
  const said = {
    better: 'a gain',
    worse: 'a loss: the start stays',
    'within the noise': `${unclear}, no gain is claimed: the start stays${advice}`,
  }
  const changes = differing(start, best).map((name) => {
    const loss = without.find(({ knob }) => knob === name)?.ratio
    const alone = loss === undefined ? '' : `  (without it ${loss.toFixed(2)} of that)`
    const [from, to] = [start[name]!, best[name]!].map((value) => showKnob(name, value))
    return `  ${name}  ${from} → ${to}${alone}`
  })
  const pairs = `${gain.pairs.length} pairs of runs in turns`
  const head = `Best against start, ${pairs} (least, median, most):`
  // as it is written, and as it was measured
  const fixed = turnsFetches(report.found) ? ['  adaptFetches  false: fetches stay as found'] : []
  return [head, ...rows, `${ratio}: ${said[gain.verdict]}`, ...changes, ...fixed].join('\n')
}

/** Few runs say little, and that is to be said. */
function nothingFound({ candidates }: TuneReport): string {
  const runs = candidates.reduce((sum, each) => sum + each.runs.length, 0)
  const advice = ` There was time for ${runs} runs only: give it more --seconds.`
  const found = 'Nothing was found that differs from the start and is better.'
  return runs < RUNS_ENOUGH ? found + advice : found
}
