// Partitions as people read them in logs: by topic, '0-3, 7'. Called by the engine.
import { byTopic } from '../log/by_topic.ts'
import type { TopicPartition } from '../log/log.ts'

/** { views: '0-3, 7' } */
export function partitionRanges(partitions: readonly TopicPartition[]): Record<string, string> {
  const topics = byTopic(partitions, ({ partition }) => partition)
  return Object.fromEntries(topics.map(({ topic, partitions }) => [topic, ranges(partitions)]))
}

function ranges(numbers: readonly number[]): string {
  const texts: string[] = []
  let first: number | undefined
  let last = 0
  const end = (): void => {
    if (first !== undefined) texts.push(first === last ? `${first}` : `${first}-${last}`)
  }
  for (const number of numbers.toSorted((a, b) => a - b)) {
    if (first === undefined || number !== last + 1) {
      end()
      first = number
    }
    last = number
  }
  end()
  return texts.join(', ')
}
