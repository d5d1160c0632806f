// Where the lanes of a worker stand, by themselves and by the watchdog. Called by the engine. Apart
// from the types of it, which are part of the public surface.
import type { LaneStatistics } from './lane_statistics.ts'
import type { PartitionTask } from './partition_task.ts'
import type { Watchdog } from './watchdog.ts'
import { laneName } from './watched_parts.ts'

export function laneStatistics(
  tasks: Iterable<PartitionTask>,
  watchdog: Watchdog,
): LaneStatistics[] {
  return [...tasks].flatMap(({ intake, lanes, place }) =>
    lanes.map(({ feed, aggregation, committed }) => {
      const table = aggregation.plan.name
      const counters = feed.lane.counters()
      const lane = watchdog.stateOf(place, laneName(table))
      const fetch = watchdog.stateOf(place, 'fetch')
      const fetchIdleMs = intake.end > intake.position ? fetch.idleMs : 0
      const isStalled = lane.isStalled || fetch.isStalled
      const hasStopped = feed.stopped || intake.failed
      return {
        ...counters,
        ...place,
        table,
        storedOffset: committed.nextOffset,
        stopped: feed.stopped,
        lag: Math.max(0, intake.end - counters.nextOffset),
        idleMs: Math.max(lane.idleMs, fetchIdleMs),
        state: hasStopped ? 'stopped' : isStalled ? 'stalled' : 'running',
      } as const
    }),
  )
}
