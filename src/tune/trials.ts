// What has been measured so far, candidate by candidate, and what a run costs in time. Filled by
// the search, read by its report.
import type { Clock } from '../clock.ts'
import { medianOf } from './comparison.ts'
import { type Candidate, knobNames } from './knobs.ts'

/** One run, as whoever measures tells it. */
export interface Measured {
  /** The larger the better, above 0; 0: it failed. Ratios of scores are what is claimed. */
  readonly score: number
  /** What people read: events a second, CPU seconds a million events, or ms. */
  readonly value: number
  /** What else is known of the run: for the report. */
  readonly facts?: Readonly<Record<string, number | boolean>>
  /** Why it failed. */
  readonly failure?: Error
}

/** `effort` is the length of the run as a part of a whole one: from 0 (excluded) to 1. */
export type Measure = (candidate: Candidate, effort: number) => Promise<Measured>

export type Phase = 'halving' | 'descent' | 'reduction' | 'comparison'

/** Who proposed it. */
export type Origin = 'start' | 'defaults' | 'random' | 'descent' | 'reduction'

export interface Run extends Measured {
  /** Of all runs, from 0. */
  readonly number: number
  readonly phase: Phase
  readonly effort: number
  /** ms it took, from its call to its answer. */
  readonly tookMs: number
}

export interface Trial {
  readonly candidate: Candidate
  readonly origin: Origin
  readonly runs: readonly Run[]
}

/** The same for the same values. */
export const candidateKey = (candidate: Candidate): string =>
  knobNames.map((name) => candidate[name] ?? '').join('|')

/** Of recent runs, one of which may have been slow for another reason. */
const RECENT = 8

export class Trials {
  readonly #measure: Measure
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #trials = new Map<string, { candidate: Candidate; origin: Origin; runs: Run[] }>()
  readonly #onRun: (run: Run, trial: Trial) => void
  #count = 0
  #costs: { effort: number; ms: number }[] = []

  constructor(
    measure: Measure,
    clock: Pick<Clock, 'monotonic'>,
    onRun: (run: Run, trial: Trial) => void,
  ) {
    this.#measure = measure
    this.#clock = clock
    this.#onRun = onRun
  }

  /** Those measured at least once, in the order in which they were proposed. */
  get all(): readonly Trial[] {
    return [...this.#trials.values()]
  }

  async run(candidate: Candidate, origin: Origin, phase: Phase, effort: number): Promise<Run> {
    const beganMs = this.#clock.monotonic()
    const measured = await this.#measure(candidate, effort)
    const tookMs = this.#clock.monotonic() - beganMs
    const run = { ...measured, number: this.#count++, phase, effort, tookMs }
    const key = candidateKey(candidate)
    let trial = this.#trials.get(key)
    if (trial === undefined) this.#trials.set(key, (trial = { candidate, origin, runs: [] }))
    trial.runs.push(run)
    if (measured.failure === undefined) this.#costs.push({ effort, ms: tookMs })
    this.#onRun(run, trial)
    return run
  }

  /** ms that a run is likely to take; those of other lengths tell it where there are none. */
  costMs(effort: number): number {
    const same = this.#costs.filter((each) => each.effort === effort)
    const known = (same.length > 0 ? same : this.#costs).slice(-RECENT)
    return known.length === 0 ? 0 : medianOf(known.map(({ ms }) => ms))
  }
}

/** The middle score of its runs in a phase, from one of them on; 0 without any. */
export function scoreOf(runs: readonly Run[]): number {
  return runs.length === 0 ? 0 : medianOf(runs.map(({ score }) => score))
}
