// What one open partition has for metrics: what was fetched of it, its lag, its lanes and tables.
// Called by EngineMetrics at each reading, and once more before the partition is closed, so that
// what was counted since is not lost.
import { fetchedAt } from '../ingest/intake.ts'
import type { TopicPartition } from '../log/log.ts'
import { Growth } from '../metrics/growth.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { PartitionTask } from './partition_task.ts'
import type { TaskLane } from './task_lane.ts'

const outcomes = ['counted', 'late', 'bad', 'filtered'] as const
/** Slots of Growth for a lane, behind those of the outcomes. */
const laneAt = { consumes: 4, consumeMs: 5, otherMs: 6 } as const
const MS_PER_SECOND = 1000

export class TaskMetrics {
  readonly #metrics: Metrics
  readonly #growth = new Growth()
  /** Where the log says that the partition ends. */
  readonly #endOf: (place: TopicPartition) => number

  constructor(metrics: Metrics, endOf: (place: TopicPartition) => number) {
    this.#metrics = metrics
    this.#endOf = endOf
  }

  /** What only grows. */
  count({ intake, lanes }: PartitionTask): void {
    const metrics = this.#metrics
    const { topic, partition, fetched } = intake
    const grown = (at: number): number => this.#growth.of(intake, at, fetched[at])
    metrics.add('fetchedBatches', grown(fetchedAt.batches), topic, partition)
    metrics.add('fetchedRecords', grown(fetchedAt.records), topic, partition)
    metrics.add('fetchedBytes', grown(fetchedAt.bytes), topic, partition)
    for (const lane of lanes) if (!lane.feed.isAbandoned) this.#countLane(lane, intake)
  }

  /** From the cut that it was opened with: what was counted before was no work of this worker. */
  #countLane(lane: TaskLane, { topic, partition }: TopicPartition): void {
    const metrics = this.#metrics
    const table = lane.aggregation.plan.name
    const kernel = lane.feed.lane
    const counters = kernel.counters()
    for (const [at, outcome] of outcomes.entries()) {
      this.#growth.from(lane, at, lane.opened[outcome])
      const grown = this.#growth.of(lane, at, counters[outcome])
      metrics.add('laneRecords', grown, table, topic, partition, outcome)
    }
    const work = kernel.work()
    const { backend } = work
    const grown = (name: keyof typeof laneAt): number =>
      this.#growth.of(lane, laneAt[name], work[name])
    const place = [table, topic, partition] as const
    metrics.add('kernelBatches', grown('consumes'), ...place, backend)
    metrics.add('kernelSeconds', grown('consumeMs') / MS_PER_SECOND, ...place, backend, 'consume')
    metrics.add('kernelSeconds', grown('otherMs') / MS_PER_SECOND, ...place, backend, 'other')
  }

  /** What is as it is. */
  show({ intake, lanes, tables }: PartitionTask): void {
    const metrics = this.#metrics
    const { topic, partition } = intake
    const end = Math.max(intake.end, this.#endOf(intake))
    let slowest = Number.POSITIVE_INFINITY
    for (const { feed, aggregation } of lanes) {
      if (feed.isAbandoned) continue
      const place = [aggregation.plan.name, topic, partition] as const
      const { nextOffset } = feed.lane.counters()
      const { cells, bytes } = feed.lane.work()
      slowest = Math.min(slowest, nextOffset)
      metrics.add('laneLag', Math.max(0, end - nextOffset), ...place)
      metrics.add('laneQueue', feed.waiting, ...place)
      metrics.add('laneCells', cells, ...place)
      metrics.add('laneBytes', bytes, ...place)
      metrics.add('laneDirty', feed.lane.dirtyBytes(), ...place)
    }
    for (const { name, sink } of intake.sinks) {
      const acknowledged = sink.acknowledged()
      slowest = Math.min(slowest, acknowledged)
      if (name === undefined) continue
      metrics.add('agentLag', Math.max(0, end - acknowledged), name, topic, partition)
    }
    const position = Number.isFinite(slowest) ? slowest : intake.position
    metrics.add('lag', Math.max(0, end - position), topic, partition)
    metrics.add('assigned', 1, topic)
    for (const { name, state } of tables)
      metrics.add('tableDirty', state.dirtyRows, name, partition)
  }
}
