// What is measured, at which rates and settings: the cases of a run that is asked for nothing else,
// or all combinations of what it is asked for. Used by latency.ts.
import type { Settings } from '../../src/settings.ts'

/**
 * From append to: a read of the table that shows the event's count; a record of `changes()` that
 * has it, in the hands of another consumer; the body of an agent's `for await`.
 */
export const places = ['result', 'output', 'agent'] as const

export type Place = (typeof places)[number]
export type LogKind = 'kafka' | 'embedded'

export interface LatencyCase {
  readonly place: Place
  readonly log: LogKind
  /** Events a second. */
  readonly rate: number
  readonly commitIntervalMs: number
  readonly guarantee: Settings['guarantee']
}

export interface Wanted {
  readonly places: readonly Place[]
  readonly logs: readonly LogKind[]
  readonly rates?: readonly number[] | undefined
  readonly commitIntervalsMs?: readonly number[] | undefined
}

type Row = readonly [place: Place, log: LogKind, rate: number, ms: number, isExact?: boolean]

/** Few enough for three rounds in eight minutes. */
const usual: readonly Row[] = [
  ['result', 'kafka', 1000, 10],
  ['result', 'kafka', 20_000, 10],
  ['result', 'kafka', 100_000, 10],
  ['result', 'kafka', 100_000, 100],
  ['result', 'kafka', 100_000, 100, true],
  ['result', 'kafka', 300_000, 100],
  ['result', 'kafka', 100_000, 250],
  ['output', 'kafka', 20_000, 10],
  ['output', 'kafka', 20_000, 10, true],
  ['output', 'kafka', 100_000, 100],
  ['output', 'kafka', 100_000, 100, true],
  ['agent', 'kafka', 20_000, 100],
  ['agent', 'kafka', 100_000, 100],
  ['result', 'embedded', 20_000, 10],
  ['result', 'embedded', 100_000, 100],
  ['output', 'embedded', 20_000, 10, true],
]
const ratesUsual = [1000, 20_000, 100_000, 300_000]
const commitIntervalsUsual = [10, 100, 250]

const groups: Readonly<Record<Place, string>> = {
  result: 'From append to the readable result',
  output: 'From append to the output, read by another consumer',
  agent: "From append to the agent's loop",
}

export function latencyCases(wanted: Wanted): LatencyCase[] {
  const { rates, commitIntervalsMs } = wanted
  const isUsual = rates === undefined && commitIntervalsMs === undefined
  const all = isUsual ? usual : combinations(rates ?? ratesUsual, commitIntervalsMs)
  return all
    .filter(([place, log]) => wanted.places.includes(place) && wanted.logs.includes(log))
    .map(([place, log, rate, commitIntervalMs, isExact]) => {
      const guarantee = isExact ? 'exactly_once' : 'at_least_once'
      return { place, log, rate, commitIntervalMs, guarantee }
    })
}

function combinations(
  rates: readonly number[],
  commitIntervalsMs: readonly number[] = commitIntervalsUsual,
): Row[] {
  const logs = ['kafka', 'embedded'] as const
  return logs.flatMap((log) =>
    places.flatMap((place) =>
      rates.flatMap((rate) =>
        commitIntervalsMs.flatMap((ms): Row[] => {
          const row: Row = [place, log, rate, ms]
          return place === 'agent' ? [row] : [row, [place, log, rate, ms, true]]
        }),
      ),
    ),
  )
}

export function groupOf({ place, log }: LatencyCase): string {
  return `${groups[place]}, ${log === 'kafka' ? 'Kafka' : 'embedded log'}`
}

/** '100k/s, cuts 100 ms, exactly once' */
export function nameOf({ rate, commitIntervalMs, guarantee }: LatencyCase): string {
  const short = rate % 1000 === 0 ? `${rate / 1000}k` : String(rate)
  const exact = guarantee === 'exactly_once' ? ', exactly once' : ''
  return `${short}/s, cuts ${commitIntervalMs} ms${exact}`
}
