// What one measured run of `tune` is asked for, and what it answers: plain data, because each run
// has a process of its own.
import type { PartitionOffsets } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import type { Workload } from './bench_spec.ts'

/** What runs: a workload of the benches, or what an app declares. */
export type SampleJob =
  | { readonly kind: 'workload'; readonly workload: Workload; readonly topic: string }
  | { readonly kind: 'app'; readonly file: string; readonly includeAgents: boolean }

/** A part of a topic: of each partition the records from `earliest` up to before `latest`. */
export interface SampledTopic {
  readonly topic: string
  readonly partitions: readonly PartitionOffsets[]
}

export interface SampleSpec {
  readonly job: SampleJob
  readonly sample: readonly SampledTopic[]
  readonly settings: Settings
  /** The run ends then, or with the sample. */
  readonly secondsMax: number
  /** Records become readable at so many a second, of all partitions; undefined: all at once. */
  readonly rate: number | undefined
}

/** From a record's becoming readable to its result's; ms. */
export interface Delays {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface SampleRun {
  /** Records whose results are kept, by the last cut. */
  readonly events: number
  /** From the first fetch to that cut. */
  readonly seconds: number
  readonly eventsPerSecond: number
  /** Of the whole process; its start is left out. */
  readonly cpuSecondsPerMillion: number
  readonly maxResidentMiB: number
  readonly cuts: number
  readonly late: number
  readonly bad: number
  /** What the program sent, which was counted and thrown away. */
  readonly dropped: number
  /** Of runs at a rate. */
  readonly delaysMs: Delays | undefined
  /** How long ago the records became readable that were next; of runs at a rate, ms. */
  readonly behindMs: number | undefined
  /** Whether the counts of all cells add up; undefined where that cannot be told. */
  readonly verified: boolean | undefined
}
