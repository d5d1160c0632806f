// What a run of `euphorion bench wire` is asked for, and what it answers: plain data, because each
// run has a process of its own.
import type { Settings } from '../settings.ts'

export const wireParts = ['fetch', 'sendMany', 'send'] as const

/**
 * fetch: whole batches into shared memory, their records counted by the batches' headers. sendMany:
 * columns of page views. send: one record each, 1,000 in flight.
 */
export type WirePart = (typeof wireParts)[number]

export interface WireBenchSpec {
  readonly part: WirePart
  /** fetch reads it, the others fill it: then it is there and empty. */
  readonly topic: string
  readonly events: number
  readonly settings: Settings
}

/** One run; printed as a line of JSON with what describes it. */
export interface WireBenchRun {
  readonly events: number
  /** From the first fetch or send to the last record read or acknowledged. */
  readonly seconds: number
  readonly recordsPerSecond: number
  /** CPU seconds of the process a million records. */
  readonly cpuSecondsPerMillion: number
  readonly maxResidentMiB: number
  /** All partitions have, or gave, as many records as there are events, and no other offsets. */
  readonly verified: boolean
}
