// Opens what a worker runs on the partitions that it was given: stores and lanes, and the sinks of
// subscribers. Called by the engine.
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import { SinkFeed } from '../ingest/sink_feed.ts'
import type { EventSubscriber, SinkBeginning, SinkHalt } from '../ingest/subscriber.ts'
import type { AssignedPartition, StartPosition, TopicPartition } from '../log/log.ts'
import { ownSources } from './agent_sources.ts'
import { type OpenedState, PartitionTask } from './partition_task.ts'
import type { TaskServices } from './task_services.ts'

export interface OpenTasksOptions {
  readonly services: TaskServices
  readonly aggregations: readonly AggregationDefinition[]
  readonly subscribers: readonly EventSubscriber[]
  /** Where the log of a partition begins. */
  readonly earliest: (place: TopicPartition) => number
  /** The task counts from now on, and begins there. */
  readonly opened: (task: PartitionTask, start: number) => void
  /** Where subscribers have to stop. */
  readonly halts: (place: TopicPartition) => ReadonlyMap<EventSubscriber, SinkHalt> | undefined
  /** Throws the error, or sees to it that the partition is tried again. */
  readonly refused: (place: AssignedPartition, error: unknown) => void
  /** Aborts when the partitions are given up meanwhile. */
  readonly signal?: AbortSignal | undefined
}

/**
 * All at once: a store takes tens of milliseconds, in which nobody has the partition. Resolves with
 * the offsets that are stored here, of those that have some; rejects with the first that could not
 * be opened, once the others are.
 */
export async function openTasks(
  partitions: readonly AssignedPartition[],
  options: OpenTasksOptions,
): Promise<StartPosition[]> {
  const { services, aggregations, earliest, opened, signal } = options
  const open = (task: PartitionTask, index: number): Promise<OpenedState | undefined> => {
    const lanes = aggregations.filter(({ topic }) => topic === task.place.topic)
    const { committed } = partitions[index]
    return task.open(lanes, { earliest: earliest(task.place), committed, signal })
  }
  const tasks = partitions.map(
    ({ topic, partition }) => new PartitionTask(topic, partition, services),
  )
  const results = await Promise.allSettled(tasks.map(open))
  const starts: StartPosition[] = []
  for (const [index, result] of results.entries()) {
    if (result.status === 'rejected') continue
    const task = tasks[index]
    const committed = result.value?.isLost ? undefined : partitions[index].committed
    const offset = begin(task, committed, result.value, options)
    opened(task, offset ?? task.committed)
    if (offset !== undefined) starts.push({ ...task.place, offset })
  }
  for (const [index, result] of results.entries())
    if (result.status === 'rejected') options.refused(partitions[index], result.reason)
  return starts
}

/** The subscriber has the events of the task's partition from now on. */
export function openSink(
  task: PartitionTask,
  subscriber: EventSubscriber,
  beginning: SinkBeginning,
  { agentTables, settings, progressed }: TaskServices,
): void {
  const sink = subscriber.open(task.place.partition, beginning)
  agentTables.addHolder(task.place, sink)
  task.intake.sinks.push(
    new SinkFeed(subscriber, sink, settings.laneQueueBatches, {
      progressed,
      rewind: (offset) => task.rewind(offset),
    }),
  )
}

/** Where to read from, if that is not the group's offset. */
function begin(
  task: PartitionTask,
  committed: number | undefined,
  stored: OpenedState | undefined,
  { services, subscribers, earliest, halts }: OpenTasksOptions,
): number | undefined {
  const { topic } = task.place
  // what tables of agents hold may be ahead of the group, where they have no changelog
  const read = Math.max(committed ?? 0, services.agentTables.stored(task.place) ?? 0)
  const startOffset = Math.max(read, earliest(task.place))
  const readers = subscribers.filter((each) => each.topic === topic)
  const own = ownSources(services.agentTables.sources(task.place), readers)
  for (const [index, subscriber] of readers.entries()) {
    const until = halts(task.place)?.get(subscriber)
    const beginning = { startOffset: Math.max(startOffset, own[index] ?? 0), until }
    openSink(task, subscriber, beginning, services)
  }
  task.committed = committed ?? 0
  if (stored === undefined) return undefined
  const { offset = Number.POSITIVE_INFINITY } = stored
  const start = task.intake.sinks.length > 0 ? Math.min(offset, read) : offset
  if (!Number.isFinite(start)) return undefined
  task.intake.position = start
  return start
}
