// What the processes of one run of a case are asked for, and what they answer. Two questions each:
// a TrialSpec, answered when all is open; then a ScheduleStart, answered when all is over.
import type { LatencyCase } from './cases.ts'
import type { ScheduleOptions } from './schedule.ts'
import type { Reading } from './sightings.ts'

export interface TrialSpec {
  /** Of the app, and what the names of all its topics begin with. */
  readonly id: string
  readonly broker: string
  readonly directory: string
  readonly case: LatencyCase
  readonly schedule: ScheduleOptions
  readonly seed: number
}

/** ms that events were appended late: 99 of 100 no later. */
export interface FeedAnswer {
  readonly lateMs: number
}

export interface WorkerAnswer {
  /** Undefined where the bench itself reads the output. */
  readonly reading: Reading | undefined
  /** The middle one; undefined of agents. */
  readonly cutMs: number | undefined
  /** Where the worker is the producer. */
  readonly feed: FeedAnswer | undefined
}

/** Where the page views are. */
export function viewsTopic({ id }: TrialSpec): string {
  return `${id}-views`
}

export function outputTopic({ id }: TrialSpec): string {
  return `${id}-counts`
}

/** A log of one process: the worker appends and reads the output too. */
export function isOneProcess({ case: { log } }: TrialSpec): boolean {
  return log === 'embedded'
}
