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
}
