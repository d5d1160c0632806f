// What `tune` looks for, and how good a run is by it. Used by the command and by its report.
import type { SampleRun } from './sample_spec.ts'
import type { Measured } from './trials.ts'

export const goalNames = ['throughput', 'cpu', 'latency'] as const

/** throughput: most records a second; cpu: least CPU, latency: least p99, at `rate` a second. */
export interface Goal {
  readonly name: (typeof goalNames)[number]
  /** Of cpu and latency. */
  readonly rate: number | undefined
}

/** Who is this far behind at the end of a run at a rate does not keep up with it. */
const BEHIND_MS = 500
const BEHIND_CUTS = 3
/** Below every score of a run that kept up; the nearer it came, the better still. */
const SCORE_BEHIND = 1e-9

export function measuredBy(goal: Goal, run: SampleRun, commitIntervalMs: number): Measured {
  const facts = {
    events: run.events,
    seconds: round(run.seconds),
    eventsPerSecond: Math.round(run.eventsPerSecond),
    cpuSecondsPerMillion: round(run.cpuSecondsPerMillion),
    maxResidentMiB: Math.round(run.maxResidentMiB),
    cuts: run.cuts,
    ...(run.late > 0 && { late: run.late }),
    ...(run.bad > 0 && { bad: run.bad }),
    ...(run.dropped > 0 && { dropped: run.dropped }),
    ...(run.delaysMs && { p50Ms: round(run.delaysMs.p50), p99Ms: round(run.delaysMs.p99) }),
    ...(run.behindMs !== undefined && { behindMs: Math.round(run.behindMs) }),
  }
  if (run.verified === false) {
    const failure = new Error('the counts do not add up to the number of events')
    return { score: 0, value: 0, facts, failure }
  }
  if (run.events === 0) {
    return { score: 0, value: 0, facts, failure: new Error('nothing was counted in its time') }
  }
  const value = readValue(goal, run)
  if (goal.rate === undefined) return { score: value, value, facts }
  const behindMax = Math.max(BEHIND_MS, BEHIND_CUTS * commitIntervalMs)
  const keptUp = run.behindMs! <= behindMax && Number.isFinite(value)
  const score = keptUp ? 1 / value : (SCORE_BEHIND * run.eventsPerSecond) / goal.rate
  return { score, value, facts: { ...facts, keptUp } }
}

function readValue({ name }: Goal, run: SampleRun): number {
  if (name === 'throughput') return run.eventsPerSecond
  return name === 'cpu' ? run.cpuSecondsPerMillion : (run.delaysMs?.p99 ?? Infinity)
}

/** '4.12 M/s', '0.31 CPU s/M', '112 ms'. */
export function showValue({ name }: Goal, value: number): string {
  if (name === 'throughput') {
    if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M/s`
    return value >= 1e3 ? `${(value / 1e3).toFixed(0)} k/s` : `${value.toFixed(0)} /s`
  }
  return name === 'cpu' ? `${value.toFixed(3)} CPU s/M` : `${value.toFixed(0)} ms`
}

/** What the values are, for heads and axes. */
export function valueTitle({ name, rate }: Goal): string {
  const at = rate === undefined ? '' : ` at ${rate.toLocaleString('en')} events/s`
  const what = { throughput: 'events/s', cpu: 'CPU seconds a million events', latency: 'p99, ms' }
  return `${what[name]}${at}`
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
