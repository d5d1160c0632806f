// Opens partitions where they are to be read from: what is stored has to be within the log.
// Called by the engine.
import type { AssignedPartition, Log, StartPosition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import { type OpenTasksOptions, openTasks } from './open_tasks.ts'
import { checkWithinLog, offsetsOf, type Patience } from './positions.ts'

export interface OpenPartitionsOptions extends Omit<OpenTasksOptions, 'earliest'>, Patience {
  readonly log: Log
  /** The largest offset that anybody has stored of a partition that is open. */
  readonly furthest: (place: TopicPartition) => number
}

/** Resolves with where to begin: all but those that begin at the group's offset. */
export async function openPartitions(
  partitions: readonly AssignedPartition[],
  options: OpenPartitionsOptions,
): Promise<StartPosition[]> {
  const { log, logger, furthest } = options
  const topics = new Set(partitions.map(({ topic }) => topic))
  const logs = await offsetsOf(log, topics, options)
  const earliest = ({ topic, partition }: TopicPartition): number =>
    logs.get(topic)?.[partition]?.earliest ?? 0
  const starts = await openTasks(partitions, {
    ...options,
    earliest,
    opened: (task, start) => options.opened(task, Math.max(start, earliest(task.place))),
  })
  const committed = partitions.flatMap((each) =>
    each.committed === undefined ? [] : [{ ...each, offset: each.committed }],
  )
  checkWithinLog({ logs, logger }, [...starts, ...committed], furthest)
  const known = new Set([...starts, ...committed].map(partitionKey))
  const fresh = partitions.filter(
    (each) => !known.has(partitionKey(each)) && logs.get(each.topic)?.[each.partition],
  )
  // also where the log begins, so that the consumer has nobody to ask and reads them from now on
  const begins = [...starts, ...fresh.map((each) => ({ ...each, offset: 0 }))]
  return begins.map((each) => ({ ...each, offset: Math.max(each.offset, earliest(each)) }))
}
