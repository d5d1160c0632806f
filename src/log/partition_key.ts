// A partition as the key of a Map. Called by whoever keeps something for each partition.
import type { TopicPartition } from './log.ts'

/** 'views/3' */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
