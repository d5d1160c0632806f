// Things that belong to partitions, put together by topic: for requests and logs. Called by the
// Kafka driver and by the app.
import type { TopicPartition } from './log.ts'

/** In the order of `all`; topics where the first of them stands. */
export function byTopic<P extends TopicPartition, T>(
  all: readonly P[],
  map: (each: P) => T,
): { topic: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const each of all) {
    const partitions = topics.get(each.topic)
    if (partitions === undefined) topics.set(each.topic, [map(each)])
    else partitions.push(map(each))
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
