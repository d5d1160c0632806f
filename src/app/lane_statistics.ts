// What an app tells about its aggregations. Filled by the engine, part of the public surface.
import type { LaneCounters } from '../kernel/lane.ts'

/** Where one aggregation stands on one partition. */
export interface LaneStatistics extends LaneCounters {
  readonly table: string
  readonly topic: string
  readonly partition: number
  /** Offset up to which it is stored. */
  readonly storedOffset: number
  readonly stopped: boolean
  /** Records that it has not read, as far as the log was heard of. */
  readonly lag: number
  /** ms that it has not got on although records wait. */
  readonly idleMs: number
  /** 'stalled': it has not got on for `stallTimeoutMs`. */
  readonly state: 'running' | 'stalled' | 'stopped'
}

/** How a worker's cuts go. */
export interface CutStatistics {
  /** Made so far, also those that were given up. */
  readonly count: number
  /** How long the last one took, ms. */
  readonly lastMs: number
  /** How much of that the log needed to make it count. */
  readonly transactionMs: number
}
