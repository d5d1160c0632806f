// Where the partitions that came to a member are read from: what the engine says, else the group's
// offset, else an edge of the log. Called by KafkaConsumer.
import { type Clock, pause } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import type { ConsumerOptions, PartitionOffsets, StartPosition, TopicPartition } from '../log.ts'
import { partitionKey } from '../partition_key.ts'

export interface BeginningsOptions extends Pick<ConsumerOptions, 'onAssigned' | 'startFrom'> {
  readonly clock: Clock
  /** The group's offsets, by topic and partition. */
  readonly committed: (
    places: readonly TopicPartition[],
  ) => Promise<ReadonlyMap<string, ReadonlyMap<number, number>>>
  /** First and next offsets of a topic's partitions; TOPIC_UNKNOWN. */
  readonly offsets: (topic: string) => Promise<readonly PartitionOffsets[]>
  /** Nobody reads any more. */
  readonly isOver: () => boolean
  /** It was deleted before it was read. */
  readonly topicLost: (topic: string) => void
}

const pauseMs = 1000

/**
 * Without partitions of topics that are gone; none when nobody reads any more. Rejects with what
 * onAssigned rejects with.
 */
export async function beginnings(
  places: readonly TopicPartition[],
  options: BeginningsOptions,
): Promise<StartPosition[]> {
  const { onAssigned, startFrom = 'earliest', offsets, topicLost } = options
  const committed = await answered(() => options.committed(places), options)
  if (committed === undefined) return []
  const known = places.map(({ topic, partition }) => ({
    topic,
    partition,
    committed: committed.get(topic)?.get(partition),
  }))
  const starts = new Map((await onAssigned(known)).map((each) => [partitionKey(each), each.offset]))
  const begins = known.map((each) => ({
    ...each,
    offset: starts.get(partitionKey(each)) ?? each.committed,
  }))
  const edges = new Map<string, readonly PartitionOffsets[]>()
  const look = async (topic: string): Promise<void> => {
    try {
      const found = await answered(() => offsets(topic), options)
      if (found !== undefined) edges.set(topic, found)
    } catch (error) {
      if (!(error instanceof EuphorionError) || error.code !== 'TOPIC_UNKNOWN') throw error
      topicLost(topic)
    }
  }
  const open = begins.filter(({ offset }) => offset === undefined)
  await Promise.all([...new Set(open.map(({ topic }) => topic))].map(look))
  return begins.flatMap(({ topic, partition, offset: found }) => {
    const offset = found ?? edges.get(topic)?.[partition]?.[startFrom]
    return offset === undefined ? [] : [{ topic, partition, offset }]
  })
}

/**
 * Asks until there is an answer: the group believes that the partitions are read here, and nobody
 * else is told of them.
 */
async function answered<T>(
  ask: () => Promise<T>,
  { clock, isOver }: BeginningsOptions,
): Promise<T | undefined> {
  while (!isOver()) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof EuphorionError) || !error.retriable) throw error
    }
    await pause(clock, pauseMs)
  }
  return undefined
}
