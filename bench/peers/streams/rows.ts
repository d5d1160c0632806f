// The rows of W0–W3 in bench/results, made of an engine's runs. Used by streams.ts, the tables
// and the plot.
import { type ResultRow, round } from '../results.ts'
import type { Made } from './answer.ts'
import type { Measured } from './measure.ts'
import type { Guarantee, StreamWorkload } from './spec.ts'

/** One engine's runs of one workload: what the run with the median rate did. */
export interface StreamRow extends ResultRow, Made {
  readonly workload: StreamWorkload
  readonly guarantee: Guarantee
  readonly kafka: string
  /** Most time of a run. */
  readonly secondsMax: number
  readonly seconds: number
  /** Of the events of the topic. */
  readonly consumed: number
  readonly perSecond: number
  readonly slowest: number
  readonly fastest: number
  readonly secondHalfPerSecond: number
  readonly cpuSecondsPerMillion: number | undefined
  /** The peak of the process and those that it started. */
  readonly residentMiB: number | undefined
  readonly runs: number
  /** Euphorion's rate under the same guarantee, in the same run, divided by this one. */
  readonly euphorionIsTimes: number | undefined
}

type Conditions = Omit<StreamRow, keyof Outcome | 'euphorionIsTimes'>
type Outcome = ReturnType<typeof outcomeOf>

/** `runs`: at least one; identical where each answer was right. */
export function rowOf(
  conditions: Conditions,
  runs: readonly Measured[],
): Omit<StreamRow, 'euphorionIsTimes'> {
  return { ...conditions, ...outcomeOf(runs) }
}

function outcomeOf(runs: readonly Measured[]) {
  const byRate = [...runs].sort((a, b) => a.perSecond - b.perSecond)
  const median = byRate[byRate.length >> 1]
  const { records, cpuSeconds } = median
  const residents = runs.map((run) => run.residentMiB ?? 0)
  return {
    version: median.version,
    seconds: round(median.seconds, 2),
    consumed: records,
    perSecond: Math.round(median.perSecond),
    slowest: Math.round(byRate[0].perSecond),
    fastest: Math.round(byRate[byRate.length - 1].perSecond),
    secondHalfPerSecond: Math.round(median.secondHalfPerSecond),
    cpuSecondsPerMillion:
      cpuSeconds === undefined ? undefined : round((cpuSeconds / records) * 1e6, 3),
    residentMiB: Math.max(...residents) > 0 ? Math.round(Math.max(...residents)) : undefined,
    runs: runs.length,
  }
}

/** Adds to each how many times as fast Euphorion was under the same guarantee. */
export function withRatios(
  rows: readonly Omit<StreamRow, 'euphorionIsTimes'>[],
): readonly StreamRow[] {
  return rows.map((row) => {
    const own = rows.find(
      ({ peer, guarantee }) => peer === 'euphorion' && guarantee === row.guarantee,
    )
    const times = own && round(own.perSecond / row.perSecond, 2)
    return { ...row, euphorionIsTimes: times }
  })
}
